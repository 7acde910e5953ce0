using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.LinstorSimulation;
using Holdfast.Protocol.Driver;
using Shouldly;
using Xunit;
using static Holdfast.Drivers.Tests.Linstor.LinstorBench;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>Cutting I/O off, on a host whose DRBD says what a real one said.</summary>
public sealed class LinstorCutTests
{
    private static readonly VolumeId Volume = RecordedDrbd.Volume;
    private static readonly string Cut = $"secondary --force hf-{Volume}";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ACut_IsToldByTheHostAlone_AndEndsWithTheRelease()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        drbd.State = "no-quorum-write-pending";
        drbd.Does = _ => Becomes(drbd, "after-secondary-force");
        var (asked, received) = (LinstorCalls(driver), bench.Simulator.Requests.Count());

        Ok(await driver.CutAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await driver.CutAsync(Volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
        drbd.Commands.ShouldBe([Cut]);
        Failed(await driver.AttachAsync(Volume)).ShouldSatisfyAllConditions(
            static refused => refused.Code.ShouldBe(DriverErrorCode.Busy),
            static refused => refused.Text.ShouldContain("cut off"));
        (LinstorCalls(driver), bench.Simulator.Requests.Count()).ShouldBe((asked, received), "a cut, and the attach that it refuses, ask LINSTOR nothing");

        Ok(await driver.ReleaseAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        drbd.State = "healed";
        Failed(await driver.AttachAsync(Volume)).ShouldSatisfyAllConditions(
            static refused => refused.Code.ShouldBe(DriverErrorCode.Busy),
            static refused => refused.Text.ShouldContain("somebody still has its device open"));
        drbd.State = "connected-secondary";
        Ok(await driver.AttachAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
    }

    [Fact]
    public async Task ACut_IsWrittenDownBeforeDrbdIsTold_AndSurvivesTheDriver()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        var row = Path.Combine(driver.StateFolder, "cuts", $"{Volume}.json");
        string? written = null;
        drbd.State = "no-quorum-suspended";
        drbd.Does = _ =>
        {
            written = File.Exists(row) ? File.ReadAllText(row) : null;
            return new ProcessOutcome.Killed(Gone: false);
        };
        var unclear = Failed(await driver.CutAsync(Volume));
        unclear.Code.ShouldBe(DriverErrorCode.Unknown);
        unclear.Text.ShouldContain("hangs in the kernel");
        unclear.Text.ShouldContain("no quorum");
        written.ShouldNotBeNull().ShouldContain(Volume.ToString());

        var next = bench.Driver(driver.Pool, stateFolder: driver.StateFolder, processes: drbd);
        Failed(await next.AttachAsync(Volume)).Text.ShouldContain("cut off");
        drbd.Does = _ => Becomes(drbd, "after-secondary-force");
        Ok(await next.CutAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        Ok(await next.ReleaseAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        File.Exists(row).ShouldBeFalse();
    }

    [Fact]
    public async Task ACut_WhileAnAttachHangs_IsDoneAndTheAttachIsRefused()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        drbd.State = "no-quorum-suspended";
        drbd.Does = _ => Becomes(drbd, "after-secondary-force");
        await bench.Simulator.Faults.AddAsync(FaultKind.Hang);
        var received = bench.Simulator.Requests.Count();
        var hanging = driver.AttachAsync(Volume, seconds: 20);
        await bench.Simulator.Requests.WaitForAsync(entry => bench.Simulator.Requests.Count() > received, Token);

        Ok(await driver.CutAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
        hanging.IsCompleted.ShouldBeFalse("the attach hangs still");
        await bench.Simulator.Faults.ClearAsync();
        Failed(await hanging).Code.ShouldBe(DriverErrorCode.Busy);
        Ok(await driver.ReleaseAsync(Volume)).Outcome.ShouldBe(DriverOutcome.Done);
    }

    [Fact]
    public async Task ACut_OfWhatIsNotAttachedOrAttachedAgain_HasNoEffect()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench, generation: 2);
        Failed(await driver.CutAsync(Volume, generation: 1)).Code.ShouldBe(DriverErrorCode.Invalid);
        Failed(await driver.CutAsync(new VolumeId(Guid.NewGuid()))).Code.ShouldBe(DriverErrorCode.NotFound);
        Ok(await driver.ReleaseAsync(Volume, generation: 2));
        Failed(await driver.CutAsync(Volume, generation: 2)).Code.ShouldBe(DriverErrorCode.NotFound);
        drbd.Commands.ShouldBeEmpty();
        Ok(await driver.AttachAsync(Volume, generation: 2));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("too old")]
    public async Task ACut_ThatThisHostCannotDo_IsUnsupportedAndSaysWhatToDo(string how)
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        drbd.Does = _ => how == "missing"
            ? new ProcessOutcome.NotStarted("No such file or directory")
            : new ProcessOutcome.Exited(20, string.Empty, "secondary: unrecognized option '--force'");
        var refused = Failed(await driver.CutAsync(Volume));
        refused.Code.ShouldBe(DriverErrorCode.Unsupported);
        refused.Text.ShouldContain($"/drbd/by-res/hf-{Volume}/0");
        refused.Text.ShouldContain($"'drbdsetup {Cut}'");
        Ok(await driver.AttachAsync(Volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
    }

    [Fact]
    public async Task ACut_ThatDrbdRefuses_IsUnknownInItsWords()
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        drbd.State = "no-quorum-suspended";
        drbd.Does = static _ => new ProcessOutcome.Exited(11, string.Empty, "State change failed: (-12) Device is held open by someone");
        var refused = Failed(await driver.CutAsync(Volume));
        refused.Code.ShouldBe(DriverErrorCode.Unknown);
        refused.Text.ShouldContain("held open by someone");
    }

    [Fact]
    public async Task ACut_WithoutDrbd_IsUnsupportedAndNamesTheDevice()
    {
        await using var bench = await StartWithDevicesAsync();
        var driver = bench.Driver();
        await driver.ProbeAsync();
        driver.Driver.Capabilities.CanCut.ShouldBeFalse();
        Ok(await driver.EnsureAsync(Volume));
        var path = Ok(await driver.AttachAsync(Volume)).Source.ShouldBeOfType<DiskSource.Block>().Path;
        var refused = Failed(await driver.CutAsync(Volume));
        refused.Code.ShouldBe(DriverErrorCode.Unsupported);
        refused.Text.ShouldContain(path);
        Ok(await driver.AttachAsync(Volume)).Outcome.ShouldBe(DriverOutcome.AlreadySo);
    }

    [Theory]
    [InlineData("suspended-user", "it was asked to", true, PlaneHealth.Up)]
    [InlineData("no-quorum-suspended", "no quorum", false, PlaneHealth.Down)]
    [InlineData("primary", null, false, PlaneHealth.Up)]
    public async Task Waiting_IsToldInPlainWords(string state, string? words, bool canResume, PlaneHealth dataPlane)
    {
        await using var bench = await StartDrbdAsync();
        var (driver, drbd) = await AttachedAsync(bench);
        drbd.State = state;
        var info = Ok(await driver.InventoryAsync()).Attachments.Single();
        var status = await driver.ProbeAsync();
        status.DataPlane.ShouldBe(dataPlane);
        info.CanResume.ShouldBe(canResume);
        driver.Driver.Capabilities.CanCut.ShouldBeTrue();
        if (words is null)
        {
            info.Waiting.ShouldBeNull();
            status.Waiting.ShouldBeEmpty();
            return;
        }

        info.Waiting.ShouldNotBeNull().ShouldContain(words);
        status.Waiting.Single().ShouldSatisfyAllConditions(
            waiting => waiting.VolumeId.ShouldBe(Volume),
            waiting => waiting.Text.ShouldContain(words),
            waiting => waiting.CanResume.ShouldBe(canResume));
    }

    /// <summary>A cluster with DRBD whose devices and drbdsetup are the test's.</summary>
    internal static Task<LinstorBench> StartDrbdAsync() =>
        StartAsync(new LinstorSimulatorOptions { Devices = DeviceMode.None, Drbd = true, SimulatedNodes = ["kvm2", "kvm3"] });

    /// <summary>A driver that has the recorded volume attached.</summary>
    internal static async Task<(Driving Driver, RecordedDrbd Drbd)> AttachedAsync(
        LinstorBench bench,
        long generation = 1,
        bool link = true,
        TimeProvider? time = null,
        string? attachAs = "connected-secondary")
    {
        var drbd = new RecordedDrbd { State = attachAs };
        await RecordedDrbd.MakeDeviceAsync(bench, link);
        var driver = bench.Driver(processes: drbd, time: time);
        Ok(await driver.EnsureAsync(Volume, generation));
        Ok(await driver.AttachAsync(Volume, generation: generation));
        return (driver, drbd);
    }

    internal static ProcessOutcome? Becomes(RecordedDrbd drbd, string state)
    {
        drbd.State = state;
        return null;
    }

    /// <summary>What was asked of LINSTOR.</summary>
    internal static long LinstorCalls(Driving driver) =>
        driver.Calls.Snapshot().Where(static one => !one.Key.StartsWith("drbdsetup", StringComparison.Ordinal)).Sum(static one => one.Value);
}
