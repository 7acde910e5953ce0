using Holdfast.Agent.Ledger;
using Holdfast.Core.Failpoints;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>
/// The agent ends, as by kill -9, around every write of its ledger and at many instants between, while machines start and stop, pools go and volumes are deleted.
/// After each end a new agent converges, and then the world is what the ledger and the desired state say.
/// </summary>
public sealed class CrashPointTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Around_every_write_of_the_ledger(bool isBefore)
    {
        for (var point = 1; point <= 60; point++)
        {
            var left = point;
            Play($"{(isBefore ? "before" : "after")} write {point}", (host, _) =>
            {
                void Count(IReadOnlyList<LedgerChange> changes)
                {
                    if (--left == 0)
                    {
                        host.Scheduler.Halt();
                        throw new OperationCanceledException("killed");
                    }
                }

                host.Store.BeforeWrite = isBefore ? Count : null;
                host.Store.AfterWrite = isBefore ? null : Count;
            });
        }
    }

    [Fact]
    public void At_every_instant()
    {
        for (var milliseconds = 0; milliseconds < 1500; milliseconds += 37)
        {
            var instant = milliseconds;
            Play($"after {instant} ms", (host, phase) =>
            {
                if (phase == "running")
                {
                    host.Scheduler.RunFor(TimeSpan.FromMilliseconds(instant));
                    host.StartAgent();
                }
            });
        }
    }

    /// <summary>The agent's failpoints that a life of starts, stops, deletions and removals passes.</summary>
    public static TheoryData<string> InAPlainLife => new(
        Failpoint.LedgerBeforeWrite.Name, Failpoint.LedgerWritten.Name, Failpoint.CallBefore.Name, Failpoint.CallAnswered.Name, Failpoint.AttachRecorded.Name,
        Failpoint.AttachAnswered.Name, Failpoint.StartBefore.Name, Failpoint.StartDone.Name, Failpoint.GoneRecorded.Name, Failpoint.ObligationBefore.Name,
        Failpoint.ObligationTried.Name, Failpoint.DriverEnded.Name, Failpoint.BindingCleared.Name, Failpoint.ReportAccepted.Name);

    /// <summary>Those that need disks that come and go, tasks, and something that nobody knows.</summary>
    public static TheoryData<string> InABusyLife => new(
        Failpoint.PlugBefore.Name, Failpoint.PlugDone.Name, Failpoint.InventoryRecorded.Name, Failpoint.TaskRecorded.Name, Failpoint.TaskDone.Name,
        Failpoint.DriverLaunched.Name, Failpoint.DestroyBefore.Name, Failpoint.DestroyDone.Name, Failpoint.CallAnswered.Name, Failpoint.LedgerWritten.Name);

    [Theory]
    [MemberData(nameof(InAPlainLife))]
    public void At_every_failpoint_of_a_plain_life(string name) => AtEveryPass(name, Play);

    [Theory]
    [MemberData(nameof(InABusyLife))]
    public void At_every_failpoint_of_a_busy_life(string name) => AtEveryPass(name, PlayBusily);

    private static void AtEveryPass(string name, Action<string, Action<SimHost, string>> play)
    {
        var point = Failpoint.All.Single(one => one.Name == name);
        for (var pass = 1; pass <= 8; pass++)
        {
            var steps = pass == 1 ? "1*panic" : $"{pass - 1}*off->1*panic";
            SimHost? played = null;
            play($"{name} at pass {pass}", (host, phase) =>
            {
                if (phase == "begin")
                {
                    host.Failpoints.Arm(point, FailpointStep.Parse(point, steps));
                    played = host;
                }
            });
            var passes = played!.Failpoints.Passes(point);
            passes.ShouldBeGreaterThan(0, $"{name} is not passed");
            if (passes < pass)
            {
                return;
            }
        }
    }

    private static void PlayBusily(string name, Action<SimHost, string> harm)
    {
        var host = new SimHost();
        harm(host, "begin");
        var storage = host.AddStorage(Samples.Pool);
        var made = new Holdfast.Core.Ids.VolumeId(Samples.Id(0xC4));
        storage.Add(Samples.Volume);
        storage.Add(Samples.Volume2);
        storage.Attached.Add((new(Samples.Id(0xC3)), Holdfast.Protocol.Driver.AttachMode.Run));
        host.Hypervisor.PowersOffAfter = null;
        Survive(host, () => host.StartAgent());
        var second = Samples.Disk(Samples.Volume2, Samples.Pool, 1);
        Survive(host, () => host.Until(() => storage.Attached.Count == 0, $"{name}: what nobody knows is released"));
        static MachineSpec Room(MachineSpec spec) => spec with { MaxCpus = 4, MaxMemoryMiB = 1024 };
        host.Server.Send(Samples.Machine(Desired.Running, change: Room, disks: Disk));
        Survive(host, () => host.UntilMachine(MachineState.Running, 1));
        host.Server.Send(Samples.Machine(Desired.Running, 2, change: Room, disks: [Disk, second]));
        Survive(host, () => host.UntilMachine(MachineState.Running, 2));
        Survive(host, () => host.Until(() => host.Server.Machine(Samples.Vm)!.Disks.Count == 2, $"{name}: plugged in"));
        Consistent(host, storage, name);
        host.Server.Send(Samples.Machine(Desired.Running, 3, change: Room, disks: Disk));
        Survive(host, () => host.Until(() => host.Server.Machine(Samples.Vm) is { Disks.Count: 1, Unclear.Count: 0 }, $"{name}: plugged out"));
        Survive(host, () => host.Until(() => storage.Attached.Count == 1, $"{name}: released"));
        host.Server.Send(Samples.Machine(Desired.Running, 4, change: spec => Room(spec) with { Cpus = 3, MemoryMiB = 512 }, disks: Disk));
        Survive(host, () => host.Until(() => host.Server.Machine(Samples.Vm) is { Cpus: 3, MemoryMiB: 512 }, $"{name}: grown"));
        host.Server.Send(Samples.Task(Samples.Id(0xD2), new TaskSpec.EnsureVolume
        {
            PoolId = Samples.Pool, PoolName = "fast", VolumeId = made, VolumeGeneration = Disk.VolumeGeneration, SizeBytes = 1 << 20, Label = "new",
        }));
        Survive(host, () => host.Until(() => host.Server.Report(ItemKind.Task, Samples.Id(0xD2))?.Task?.State == TaskState.Done, $"{name}: made"));
        storage.Volumes.ShouldContainKey(made, name);
        host.Server.Send(Samples.Machine(Desired.Stopped, 5, disks: Disk));
        Survive(host, () => host.UntilMachine(MachineState.Stopped, 5));
        Survive(host, () => host.Until(() => storage.Attached.Count == 0, $"{name}: all is released"));
        foreach (var once in new[] { "start", "memory", "cpus" })
        {
            host.Hypervisor.Effects.Count(effect => effect.StartsWith(once, StringComparison.Ordinal)).ShouldBe(1, $"{name}: {once}");
        }
    }

    private static void Play(string name, Action<SimHost, string> harm)
    {
        var host = new SimHost();
        var storage = host.AddStorage(Samples.Pool);
        storage.Add(Samples.Volume);
        storage.Add(Samples.Volume2);
        host.StartAgent();
        harm(host, "begin");
        host.Server.Send(Samples.Machine(Desired.Running, disks: Disk));
        harm(host, "running");
        Survive(host, () => host.UntilMachine(MachineState.Running, 1));
        Consistent(host, storage, name);
        host.Server.Send(Samples.Machine(Desired.Stopped, 2, disks: Disk));
        Survive(host, () => host.UntilMachine(MachineState.Stopped, 2));
        Consistent(host, storage, name);
        host.Server.Send(Samples.Task(Samples.Id(0xD1), new TaskSpec.DeleteVolume
        {
            PoolId = Samples.Pool, PoolName = "fast", VolumeId = Samples.Volume2, VolumeGeneration = Disk.VolumeGeneration, Label = "old",
        }));
        Survive(host, () => host.Until(() => !storage.Volumes.ContainsKey(Samples.Volume2), $"{name}: deleted"));
        Survive(host, () => host.Until(() => storage.Attached.Count == 0, $"{name}: released"));
        host.Server.Send(Samples.Binding(Samples.Pool, 2, Desired.Absent));
        Survive(host, () => host.UntilBinding(Samples.Pool, BindingState.Absent));
        host.Launcher.FoldersThere.ShouldBeEmpty(name);
        host.Hypervisor.Effects.Count(effect => effect.StartsWith("start", StringComparison.Ordinal)).ShouldBe(1, name);
    }

    /// <summary>Whatever is attached or may be, the ledger names.</summary>
    private static void Consistent(SimHost host, SimStorage storage, string name)
    {
        var named = host.Agent.Ledger.Tables.Attachments.Values.Select(row => (row.Volume, row.Mode))
            .Concat(host.Agent.Ledger.Tables.Obligations.Values.Where(row => row.IsOpen).Select(row => (row.Volume, row.Mode))).ToHashSet();
        storage.Attached.All(named.Contains).ShouldBeTrue(name);
    }

    private static void Survive(SimHost host, Action action)
    {
        try
        {
            action();
        }
        catch (Exception) when (host.Scheduler.IsHalted)
        {
            // Seen to below.
        }

        if (host.Scheduler.IsHalted)
        {
            host.Errors.Forget();
            host.Store.BeforeWrite = null;
            host.Store.AfterWrite = null;
            host.StartAgent();
            host.Scheduler.RunReady();
            action();
        }
    }

}
