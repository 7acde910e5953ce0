using Holdfast.Agent.Ledger;
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
