using System.Diagnostics;
using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>
/// Every operation under every fault: the class of the answer is right, it comes by the deadline, nobody else's volume changes, and the same call converges once
/// the fault is gone. The faults run side by side, each on a cluster of its own: they mostly wait.
/// </summary>
public sealed class LinstorFaultMatrixTests
{
    private const double Seconds = 6;

    /// <summary>Whatever may have happened to a change under way.</summary>
    private static readonly DriverErrorCode?[] Unclear = [null, DriverErrorCode.Unknown, DriverErrorCode.Busy];

    private static readonly string[] Changing = ["POST", "PUT", "DELETE"];

    /// <summary>The fault hits every request.</summary>
    [Fact]
    public async Task AFaultOfTheWholeController_OnEveryOperation()
    {
        (FaultKind Kind, DriverErrorCode Code)[] faults =
        [
            (FaultKind.Refuse, DriverErrorCode.Unreachable),
            (FaultKind.Blackhole, DriverErrorCode.Unreachable),
            (FaultKind.Hang, DriverErrorCode.Unreachable),
            (FaultKind.SlowHeaders, DriverErrorCode.Unreachable),
            (FaultKind.SlowBody, DriverErrorCode.Unreachable),
            (FaultKind.TruncatedBody, DriverErrorCode.Unreachable),
            (FaultKind.TruncatedJson, DriverErrorCode.Unreachable),
            (FaultKind.Garbage, DriverErrorCode.Unreachable),
            (FaultKind.Reset, DriverErrorCode.Unreachable),
            (FaultKind.ServerErrorPage, DriverErrorCode.Unreachable),
            (FaultKind.ProxyUnavailable, DriverErrorCode.Unreachable),
            (FaultKind.Unauthorized, DriverErrorCode.Credentials),
            (FaultKind.Forbidden, DriverErrorCode.Credentials),
            (FaultKind.RedirectLoop, DriverErrorCode.Unreachable),
            (FaultKind.ReplyLost, DriverErrorCode.Unreachable),
        ];
        await AllAsync(faults.Select<(FaultKind Kind, DriverErrorCode Code), Func<Task>>(fault => () => PlayAsync(
            $"{fault.Kind} of everything",
            [new FaultRule { Kind = fault.Kind }],
            _ => [fault.Code],
            PlaneHealth.Down,
            newDriver: true)));
    }

    /// <summary>The fault begins while the driver believes that the controller is well.</summary>
    [Fact]
    public async Task AFaultThatBeginsUnderWay_OnEveryOperation()
    {
        FaultKind[] faults =
        [
            FaultKind.Refuse, FaultKind.Blackhole, FaultKind.Hang, FaultKind.SlowHeaders, FaultKind.SlowBody, FaultKind.TruncatedBody, FaultKind.TruncatedJson,
            FaultKind.Garbage, FaultKind.Reset, FaultKind.ServerErrorPage, FaultKind.ProxyUnavailable, FaultKind.RedirectLoop, FaultKind.ReplyLost,
        ];
        await AllAsync(faults.Select<FaultKind, Func<Task>>(fault => () => PlayAsync(
            $"{fault} under way",
            [new FaultRule { Kind = fault }],
            // An answer of two bytes comes in time even when it crawls, and then the change itself is cut off.
            _ => fault == FaultKind.SlowBody ? [DriverErrorCode.Unreachable, DriverErrorCode.Unknown, null] : [DriverErrorCode.Unreachable],
            PlaneHealth.Down,
            newDriver: false)));
    }

    /// <summary>Reads work, changes do not come to their end.</summary>
    [Fact]
    public async Task AFaultOfChangesOnly_OnEveryOperation()
    {
        (FaultKind Kind, int? Code, DriverErrorCode?[] Allowed)[] faults =
        [
            (FaultKind.Hang, null, Unclear),
            (FaultKind.SlowHeaders, null, Unclear),
            (FaultKind.SlowBody, null, Unclear),
            (FaultKind.Latency, null, [null]),
            (FaultKind.TruncatedBody, null, Unclear),
            (FaultKind.TruncatedJson, null, Unclear),
            (FaultKind.Garbage, null, Unclear),
            (FaultKind.Reset, null, Unclear),
            (FaultKind.ReplyLost, null, Unclear),
            (FaultKind.ServerErrorPage, null, [DriverErrorCode.Unknown]),
            (FaultKind.ProxyUnavailable, null, [DriverErrorCode.Unknown]),
            (FaultKind.Unauthorized, null, [DriverErrorCode.Credentials]),
            (FaultKind.Forbidden, null, [DriverErrorCode.Credentials]),
            (FaultKind.RedirectLoop, null, [DriverErrorCode.Unreachable]),
            (FaultKind.WarnNotConnected, null, [null, DriverErrorCode.Busy]),
            (FaultKind.ApiError, 998, [DriverErrorCode.Unknown]),
            (FaultKind.ApiError, 980, [DriverErrorCode.Capacity]),
            (FaultKind.ApiError, 997, [DriverErrorCode.Busy]),
            (FaultKind.ApiError, 995, [DriverErrorCode.Unreachable]),
            (FaultKind.ApiError, 206, [DriverErrorCode.Invalid]),
        ];
        await AllAsync(faults.Select<(FaultKind Kind, int? Code, DriverErrorCode?[] Allowed), Func<Task>>(fault => () => PlayAsync(
            $"{fault.Kind} {fault.Code} of changes",
            Changing.Select(method => new FaultRule { Kind = fault.Kind, Code = fault.Code, Method = method }),
            operation => operation is "get" or "list" ? [null] : fault.Allowed,
            PlaneHealth.Up,
            newDriver: false)));
    }

    /// <summary>Every single change is carried out and its answer lost: the driver finds out by itself.</summary>
    [Fact]
    public async Task AnswersLost_OfChangesThatWereMade_AreFoundOut()
    {
        await AllAsync(Changing.Select<string, Func<Task>>(method => () => PlayAsync(
            $"lost answers of {method}",
            [new FaultRule { Kind = FaultKind.ReplyLost, Method = method }],
            // A roll-back cannot be seen from outside; repeating it is safe, and up to the caller.
            operation => operation == "revert" && method == "POST" ? [DriverErrorCode.Unknown] : [null],
            PlaneHealth.Up,
            newDriver: false)));
    }

    /// <summary>Only some requests fail: half of everything.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(8)]
    public async Task AFewLostAnswers_AtAnyPlace_Converge(int times) =>
        await PlayAsync(
            $"{times} lost answers",
            Changing.Select(method => new FaultRule { Kind = FaultKind.ReplyLost, Method = method, Times = times }),
            static _ => Unclear,
            PlaneHealth.Up,
            newDriver: false);

    // A few at a time: each has a dozen calls under way with deadlines that only a fault may use up, and not the others' computing.
    private static async Task AllAsync(IEnumerable<Func<Task>> all)
    {
        var failures = new List<string>();
        await Parallel.ForEachAsync(all, new ParallelOptions { MaxDegreeOfParallelism = 3, CancellationToken = TestContext.Current.CancellationToken }, async (one, _) =>
        {
            try
            {
                await one();
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                Add(failures, failure.Message);
            }
        });

        failures.ShouldBeEmpty();
    }

    private static async Task PlayAsync(
        string name,
        IEnumerable<FaultRule> rules,
        Func<string, IReadOnlyList<DriverErrorCode?>> allowed,
        PlaneHealth plane,
        bool newDriver)
    {
        await using var bench = await StartAsync();
        var driver = bench.Driver();
        var operations = await PrepareAsync(driver);
        var bystander = new VolumeId(Guid.NewGuid());
        Ok(await driver.EnsureAsync(bystander));
        var other = bench.Driver();
        var neighbour = new VolumeId(Guid.NewGuid());
        Ok(await other.EnsureAsync(neighbour));
        var before = await ShownAsync(bench, bystander) + await ShownAsync(bench, neighbour);
        if (newDriver)
        {
            driver = bench.Driver(driver.Pool);
        }

        await bench.Simulator.Faults.SetAsync([.. rules]);
        var wrong = new List<string>();
        await Task.WhenAll(operations.Select(async operation =>
        {
            var clock = Stopwatch.StartNew();
            var error = await operation.Run(driver, Seconds);
            if (clock.Elapsed > TimeSpan.FromSeconds(Seconds + 3))
            {
                Add(wrong, $"{name}: {operation.Name} took {clock.Elapsed.TotalSeconds:0.0} s");
            }

            if (!allowed(operation.Name).Contains(error?.Code))
            {
                Add(wrong, $"{name}: {operation.Name} ended with {error?.Code.ToString() ?? "success"}: {error?.Text} [{error?.Backend}]");
            }

            if (error is not null && !error.Text.Contains("tank", StringComparison.Ordinal))
            {
                Add(wrong, $"{name}: {operation.Name} does not name the pool: {error.Text}");
            }
        }));
        var status = await driver.ProbeAsync();
        if (status.ControlPlane != plane)
        {
            Add(wrong, $"{name}: the probe says {status.ControlPlane}: {status.Error}");
        }

        await bench.Simulator.Faults.ClearAsync();
        await Task.WhenAll(operations.Select(async operation =>
        {
            DriverError? error = null;
            for (var i = 0; i < 30; i++)
            {
                error = await operation.Run(driver, 20);
                if (error is null)
                {
                    return;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
            }

            Add(wrong, $"{name}: {operation.Name} does not converge: {error}");
        }));

        foreach (var operation in operations)
        {
            if (await operation.Check(driver) is { } off)
            {
                Add(wrong, $"{name}: after {operation.Name} {off}");
            }
        }

        if (await ShownAsync(bench, bystander) + await ShownAsync(bench, neighbour) != before)
        {
            Add(wrong, $"{name}: a bystander changed");
        }

        wrong.ShouldBeEmpty();
    }

    private static void Add(List<string> list, string text)
    {
        lock (list)
        {
            list.Add(text);
        }
    }

    private static async Task<string> ShownAsync(LinstorBench bench, VolumeId volume)
    {
        using var client = new HttpClient { BaseAddress = bench.Simulator.Uri };
        var text = await client.GetStringAsync(
            $"v1/resource-definitions?resource_definitions=hf-{volume}&with_volume_definitions=true",
            TestContext.Current.CancellationToken);
        JsonNode.Parse(text)!.AsArray().Count.ShouldBe(1);
        return text;
    }

    private static async Task<IReadOnlyList<Operation>> PrepareAsync(Driving driver)
    {
        const long Size = Driving.Size;
        async Task<VolumeId> MadeAsync()
        {
            var volume = new VolumeId(Guid.NewGuid());
            Ok(await driver.EnsureAsync(volume));
            return volume;
        }

        var template = await MadeAsync();
        Ok(await driver.SealAsync(template));
        var (read, resized, sealing, deleted, grown, shot, unshot, reverted) =
            (await MadeAsync(), await MadeAsync(), await MadeAsync(), await MadeAsync(), await MadeAsync(), await MadeAsync(), await MadeAsync(), await MadeAsync());
        var (snapshot, gone, back) = (new SnapshotId(Guid.NewGuid()), new SnapshotId(Guid.NewGuid()), new SnapshotId(Guid.NewGuid()));
        Ok(await driver.SnapshotAsync(unshot, gone));
        Ok(await driver.SnapshotAsync(reverted, back));
        var (made, cloned, restored) = (new VolumeId(Guid.NewGuid()), new VolumeId(Guid.NewGuid()), new VolumeId(Guid.NewGuid()));
        var fromTemplate = new VolumeSource.FromVolume(template);
        var fromSnapshot = new VolumeSource.FromSnapshot(reverted, back);
        return
        [
            new("make", async (d, s) => Error(await d.EnsureAsync(made, seconds: s)), d => SizeAsync(d, made, Size)),
            new("clone", async (d, s) => Error(await d.EnsureAsync(cloned, 1, 2 * Size, fromTemplate, s)), d => SizeAsync(d, cloned, 2 * Size)),
            new("restore", async (d, s) => Error(await d.EnsureAsync(restored, 1, 2 * Size, fromSnapshot, s)), d => SizeAsync(d, restored, 2 * Size)),
            new("grow", async (d, s) => Error(await d.EnsureAsync(grown, 2, 2 * Size, seconds: s)), d => SizeAsync(d, grown, 2 * Size)),
            new("get", async (d, s) => Error(await d.GetAsync(read, s)), d => SizeAsync(d, read, Size)),
            new("list", async (d, s) => Error(await d.ListAsync(s)), static _ => Task.FromResult<string?>(null)),
            new("resize", async (d, s) => Error(await d.ResizeAsync(resized, 3 * Size, 2, s)), d => SizeAsync(d, resized, 3 * Size)),
            new("seal", async (d, s) => Error(await d.SealAsync(sealing, 2, s)), async d => Ok(await d.GetAsync(sealing)).Volume.Sealed ? null : "is not sealed"),
            new("delete", async (d, s) => Error(await d.DeleteAsync(deleted, 1, s)), async d => Failed(await d.GetAsync(deleted)).Code == DriverErrorCode.NotFound ? null : "is there"),
            new("snapshot", async (d, s) => Error(await d.SnapshotAsync(shot, snapshot, 1, s)), d => SizeAsync(d, shot, Size)),
            new("delete snapshot", async (d, s) => Error(await d.DeleteSnapshotAsync(unshot, gone, s)), d => SizeAsync(d, unshot, Size)),
            new("revert", async (d, s) => Error(await d.RevertAsync(reverted, back, 1, s)), d => SizeAsync(d, reverted, Size)),
        ];
    }

    private static async Task<string?> SizeAsync(Driving driver, VolumeId volume, long size)
    {
        var info = Ok(await driver.GetAsync(volume)).Volume;
        return info.SizeBytes == size ? null : $"has {info.SizeBytes} bytes";
    }

    private static DriverError? Error<T>(DriverResult<T> result) => (result as DriverResult<T>.Failed)?.Error;

    private sealed record Operation(string Name, Func<Driving, double, Task<DriverError?>> Run, Func<Driving, Task<string?>> Check);
}
