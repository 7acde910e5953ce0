using Holdfast.Agent.Ledger;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>I/O of a machine that is to run does not go on: told, and let go on where a request held it back, whoever asked for that and has died since.</summary>
public sealed class SuspendedIoTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);
    private readonly SimHost _host = new();
    private readonly SimStorage _storage;

    public SuspendedIoTests()
    {
        _storage = _host.AddStorage(Samples.Pool);
        _storage.Add(Samples.Volume);
        _storage.CanCut = true;
        _host.StartAgent();
        _host.Server.Send(Samples.Machine(Desired.Running, 1, disks: Disk));
        _host.UntilMachine(MachineState.Running, 1);
    }

    private IEnumerable<Condition> OfMachine => _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.Where(one => one.Type == ConditionType.IoSuspended);

    private IEnumerable<Condition> OfPool => _host.Server.Report(ItemKind.Binding, Samples.Pool.Value)!.Conditions.Where(one => one.Type == ConditionType.IoSuspended);

    [Fact]
    public void What_a_snapshot_suspends_for_a_moment_is_nobodys_business()
    {
        for (var i = 0; i < 5; i++)
        {
            _storage.Waiting[Samples.Volume] = ("held back for a snapshot", true);
            _host.For(TimeSpan.FromSeconds(6));
            _storage.Waiting.Clear();
            _host.For(TimeSpan.FromSeconds(6));
        }

        _host.Server.Reports.SelectMany(report => report.Items).SelectMany(item => item.Conditions).ShouldNotContain(one => one.Type == ConditionType.IoSuspended);
        _storage.Calls.ShouldNotContain(call => call.StartsWith("resume", StringComparison.Ordinal));
    }

    [Fact]
    public void What_a_snapshot_left_suspended_is_written_down_and_resumed_and_told_with_volume_and_pool()
    {
        _storage.ResumeError = new DriverError { Code = DriverErrorCode.Busy, Text = "a snapshot is under way" };
        _storage.Waiting[Samples.Volume] = ("held back for a snapshot", true);
        _host.Until(() => OfMachine.Any() && OfPool.Any(), "told", TimeSpan.FromSeconds(20));
        var said = OfMachine.Single();
        (said.VolumeId, said.PoolId).ShouldBe((Samples.Volume, Samples.Pool));
        string[] words = [$"{Samples.Volume}", "'fast'", "held back for a snapshot"];
        words.ShouldAllBe(word => said.Text.Contains(word));
        var owed = _host.Agent.Ledger.Tables.Obligations.Values.Single();
        (owed.Kind, owed.Volume, owed.Machine, owed.IsOpen).ShouldBe((ObligationKind.ResumeIo, Samples.Volume, Samples.Vm, true));

        _storage.ResumeError = null;
        _host.Until(() => _storage.Waiting.Count == 0, "resumed", TimeSpan.FromSeconds(20));
        _host.Until(() => !OfMachine.Any() && !OfPool.Any(), "told that it goes on", TimeSpan.FromSeconds(20));
        _host.Until(() => _host.Server.Obligations.Values.Single().State == ObligationState.Settled, "settled");
        _host.Server.Machine(Samples.Vm)!.State.ShouldBe(MachineState.Running);
        _host.Hypervisor.Effects.ShouldBe([$"start i-2-17-VM"]);
    }

    [Fact]
    public void The_row_is_written_before_the_driver_is_asked_to_resume()
    {
        _host.Store.AfterWrite = changes =>
        {
            if (changes.Any(change => change is LedgerChange.PutObligation { Row.Kind: ObligationKind.ResumeIo }))
            {
                _storage.Calls.ShouldNotContain(call => call.StartsWith("resume", StringComparison.Ordinal));
                _host.Store.AfterWrite = null;
                _host.Scheduler.Halt();
                throw new OperationCanceledException("killed");
            }
        };
        _storage.Waiting[Samples.Volume] = ("held back for a snapshot", true);
        _host.Scheduler.RunFor(TimeSpan.FromSeconds(30));
        _host.Store.AfterWrite.ShouldBeNull("the obligation was written");
        _storage.Waiting.ShouldNotBeEmpty();

        // The next agent has it in its ledger and does not wait for ten seconds to be over.
        _host.Errors.Forget();
        _host.StartAgent();
        _host.Until(() => _storage.Waiting.Count == 0, "resumed by the next agent", TimeSpan.FromSeconds(8));
    }

    [Fact]
    public void I_O_that_waits_for_peers_is_told_and_nobody_is_asked_for_anything()
    {
        _storage.Waiting[Samples.Volume] = ("no quorum", false);
        _host.Until(() => OfMachine.Any() && OfPool.Any(), "told", TimeSpan.FromSeconds(20));
        _host.For(TimeSpan.FromMinutes(5));
        _host.Agent.Ledger.Tables.Obligations.ShouldBeEmpty();
        _storage.Calls.ShouldNotContain(call => call.StartsWith("resume", StringComparison.Ordinal) || call.StartsWith("cut", StringComparison.Ordinal));
        _storage.Waiting.Clear();
        _host.Until(() => !OfMachine.Any() && !OfPool.Any(), "told that it goes on", TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void While_it_lasts_it_is_told_once_and_not_with_every_look()
    {
        _storage.Waiting[Samples.Volume] = ("no quorum", false);
        _host.Until(() => OfPool.Any(), "told", TimeSpan.FromSeconds(20));
        _host.For(TimeSpan.FromSeconds(5));
        var told = _host.Server.Reports.Count(report => report.Items.Count > 0);
        _host.For(TimeSpan.FromMinutes(5));
        _host.Server.Reports.Count(report => report.Items.Count > 0).ShouldBe(told);
    }

    [Fact]
    public void An_owed_resumption_keeps_nobody_from_stopping_and_what_was_never_there_is_settled()
    {
        _storage.ResumeError = new DriverError { Code = DriverErrorCode.Busy, Text = "a snapshot is under way" };
        _storage.Waiting[Samples.Volume] = ("held back for a snapshot", true);
        _host.Until(() => OfMachine.Any(), "told", TimeSpan.FromSeconds(20));
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, change: spec => spec with { ForcedStop = true }, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2, atMost: TimeSpan.FromSeconds(2));
        _storage.Waiting.Clear();
        _storage.ResumeError = new DriverError { Code = DriverErrorCode.NotFound, Text = "not attached" };
        _host.Until(() => _host.Agent.Ledger.Tables.Obligations.Count == 0 && _storage.Attached.Count == 0, "settled, released and told");
    }
}
