using System.Reflection;
using System.Text;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.DriverKit.Health;
using Holdfast.DriverKit.Logging;
using Holdfast.DriverKit.Serving;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Primitives;
using Shouldly;
using Xunit;

namespace Holdfast.Drivers.Tests.Kit;

/// <summary>What the kit does with a cut while the backend hangs.</summary>
public sealed class CutLaneTests
{
    private static readonly VolumeId Volume = new(Guid.NewGuid());

    [Fact]
    public async Task ACut_IsDoneWhileEveryWorkerHangs_AlsoOnTheSameVolume()
    {
        var driver = DispatchProxy.Create<IStorageDriver, HangingDriver>();
        var hanging = (HangingDriver)(object)driver;
        using var ended = new CancellationTokenSource();
        var endpoints = Endpoints(driver, new KitSettings(TimeSpan.FromHours(1), Workers: 1, Queue: 1), ended.Token);
        var attach = endpoints.HandleAsync(Request("PUT", DriverPaths.Attachment(Volume), """{"generation":1,"mode":"run"}"""));
        await hanging.Attaching.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        var cut = await endpoints.HandleAsync(Request("POST", DriverPaths.Cut(Volume), """{"generation":1}""")).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        cut.Status.ShouldBe(200);
        JsonSerializer.Deserialize(cut.Body, DriverJson.Default.DriverAck).ShouldBe(new DriverAck(DriverOutcome.Done));
        attach.IsCompleted.ShouldBeFalse();
        (await endpoints.HandleAsync(Request("POST", DriverPaths.Cut(Volume), """{"generation":0}"""))).Status.ShouldBe(DriverError.StatusOf(DriverErrorCode.Invalid));
        await ended.CancelAsync();
        await attach;
    }

    [Fact]
    public async Task Info_TellsWhatTheDriverHasLearntOfItsBackend()
    {
        var driver = DispatchProxy.Create<IStorageDriver, HangingDriver>();
        var endpoints = Endpoints(driver, new KitSettings(TimeSpan.FromHours(1), Workers: 1, Queue: 1), CancellationToken.None);
        (await CapabilitiesAsync()).CanCut.ShouldBeFalse();
        ((HangingDriver)(object)driver).CanCut = true;
        (await CapabilitiesAsync()).CanCut.ShouldBeTrue();

        async Task<DriverCapabilities> CapabilitiesAsync() =>
            JsonSerializer.Deserialize((await endpoints.HandleAsync(Request("GET", DriverPaths.Info, string.Empty))).Body, DriverJson.Default.DriverInfo)!.Capabilities;
    }

    private static DriverEndpoints Endpoints(IStorageDriver driver, KitSettings settings, CancellationToken ending)
    {
        var time = TimeProvider.System;
        var info = new DriverInfo
        {
            Driver = "hanging",
            Version = "1.0.0",
            Protocol = DriverPaths.ProtocolVersion,
            Pid = 1,
            PoolId = new PoolId(Guid.NewGuid()),
            Capabilities = driver.Capabilities,
        };
        var monitor = new PoolMonitor(driver, "tank", settings.ProbePeriod, time, new Random(1), NullLogger.Instance);
        return new DriverEndpoints(driver, info, "tank", settings, monitor, new BackendCallCounter(), new SecretMask([]), time, NullLogger.Instance, ending);
    }

    private static DriverRequest Request(string method, string path, string body) =>
        new(method, path, new Dictionary<string, StringValues>(), Encoding.UTF8.GetBytes(body), null, null);

    /// <summary>A driver whose attach hangs until it is cancelled, and that can cut.</summary>
    internal class HangingDriver : DispatchProxy
    {
        public TaskCompletionSource Attaching { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool CanCut { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            "get_Capabilities" => new DriverCapabilities { CanClone = false, CanSnapshot = false, CanResize = false, IsShared = false, CanAttachLocally = false, CanCut = CanCut },
            nameof(IStorageDriver.AttachAsync) => HangAsync((CancellationToken)args![^1]!),
            nameof(IStorageDriver.CutAsync) => Task.FromResult<DriverResult<DriverAck>>(new DriverAck(DriverOutcome.Done)),
            var other => throw new NotSupportedException(other),
        };

        private async Task<DriverResult<AttachmentReply>> HangAsync(CancellationToken cancellationToken)
        {
            Attaching.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException("It is never at an end.");
        }
    }
}
