using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>The ledger's disk hangs: what needs no write goes on, what needs one waits for a moment and is refused, and everybody is told.</summary>
public sealed class HangingLedgerLifeTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);
    private static readonly VmId Another = new(Samples.Id(0xB2));
    private readonly SimHost _host = new();
    private readonly SimStorage _storage;

    public HangingLedgerLifeTests()
    {
        _storage = _host.AddStorage(Samples.Pool);
        _storage.Add(Samples.Volume);
        _storage.Add(Samples.Volume2);
        _host.StartAgent();
        _host.Server.Send(Samples.Machine(Desired.Running, disks: Disk));
        _host.UntilMachine(MachineState.Running, 1);
        _host.For(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Watching_reporting_and_looking_at_guests_go_on_while_a_write_is_at_the_disk()
    {
        Hang();
        _host.Server.Send(StartAnother());
        _host.For(TimeSpan.FromSeconds(1));
        _host.Agent.Ledger.Unwritable.ShouldBeNull("it has not hung for long");
        var (reports, listed) = (_host.Server.Reports.Count, _host.Agent.Machines.ListedAt);
        _host.For(TimeSpan.FromMinutes(1));

        _host.Server.Reports.Count.ShouldBeGreaterThan(reports);
        _host.Agent.Machines.ListedAt!.Value.ShouldBeGreaterThan(listed!.Value);
        _host.Agent.Status().Watching.ShouldBeTrue();
        _host.Agent.Status().ReportedAt!.Value.ShouldBeGreaterThan(_host.Time.GetUtcNow() - TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void A_guest_is_stopped_within_moments_and_the_server_is_told_when_the_disk_is_known_to_hang()
    {
        Hang();
        var began = _host.Time.Elapsed;
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, change: spec => spec with { ForcedStop = true }, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2);
        (_host.Time.Elapsed - began).ShouldBeLessThan(2 * AgentLedger.Patience + TimeSpan.FromSeconds(1));
        _host.Hypervisor.Domains.Keys.ShouldNotContain(Samples.Vm);
    }

    [Fact]
    public void Nothing_is_told_before_it_is_written_or_the_disk_is_known_to_hang()
    {
        var hang = Hang();
        _host.Hypervisor.EndByItself(Samples.Vm);
        _host.For(AgentLedger.Patience / 2);
        _host.Server.Machine(Samples.Vm)!.State.ShouldBe(MachineState.Running);
        Release(hang);
        _host.UntilMachine(MachineState.Stopped, 1, atMost: TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void A_start_is_refused_with_the_file_and_since_when_and_nothing_of_it_is_begun()
    {
        Hang();
        _host.Server.Send(StartAnother());
        _host.UntilMachine(MachineState.Failed, 1, Another);
        var why = _host.Server.Report(ItemKind.Machine, Another.Value)!.Conditions.ShouldHaveSingleItem();
        why.Type.ShouldBe(ConditionType.LedgerUnwritable);
        why.Text.ShouldContain("has not answered since");
        why.Text.ShouldContain(_host.Store.Location);
        _storage.Attached.ShouldHaveSingleItem("only the guest of before has something attached");
    }

    [Fact]
    public void It_is_shown_with_the_storage_pools_of_the_host_until_the_disk_answers()
    {
        var hang = Hang();
        _host.Hypervisor.EndByItself(Samples.Vm);
        _host.Until(() => PoolConditions().Any(one => one.Type == ConditionType.LedgerUnwritable), "the hanging ledger to be told");
        PoolConditions().Single(one => one.Type == ConditionType.LedgerUnwritable).Text.ShouldContain(_host.Store.Location);
        _host.Agent.Status().LedgerUnwritable.ShouldNotBeNull();
        Release(hang);
        _host.Until(() => PoolConditions().Count == 0, "it to be over", TimeSpan.FromSeconds(5));
        _host.Agent.Status().LedgerUnwritable.ShouldBeNull();
    }

    [Fact]
    public void What_happened_meanwhile_is_on_disk_when_it_answers_and_a_new_agent_goes_on_from_there()
    {
        var hang = Hang();
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, change: spec => spec with { ForcedStop = true }, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2);
        _host.Server.Send(StartAnother());
        _host.UntilMachine(MachineState.Failed, 1, Another);
        _host.For(TimeSpan.FromMinutes(5));
        Release(hang);
        _host.Until(() => _host.Agent.Ledger.Unwritable is null, "it to be written", TimeSpan.FromSeconds(5));
        _host.Until(() => _storage.Attached.Count == 0, "what is owed to be settled");
        _host.For(TimeSpan.FromSeconds(10));

        var before = Rows(_host.Agent.Ledger.Tables);
        _host.StartAgent();
        Rows(_host.Agent.Ledger.Tables).ShouldBe(before);
        _host.For(TimeSpan.FromMinutes(1));
        _host.Hypervisor.Domains.Keys.ShouldNotContain(Samples.Vm);
    }

    /// <summary>The row that was refused for the hanging disk came to it after all, and the agent died before it could take it back.</summary>
    [Fact]
    public void A_refused_start_whose_row_came_to_the_disk_after_all_is_released_by_the_next_agent()
    {
        var hang = Hang();
        _host.Server.Send(StartAnother());
        _host.UntilMachine(MachineState.Failed, 1, Another);
        _host.Store.AfterWrite = _ => _host.Kill();
        Release(hang);
        _host.For(TimeSpan.FromSeconds(1));
        _host.Store.AfterWrite = null;
        _host.StartAgent();
        _host.For(TimeSpan.FromMinutes(1));
        _host.Agent.Ledger.Unwritable.ShouldBeNull();
        _host.Hypervisor.Domains.Keys.ShouldContain(Samples.Vm);
    }

    /// <summary>
    /// The server forgot a machine upon a word that was only in memory; the agent died, the next one found it on the disk as it had been before, with no word of the server
    /// against it, and started its guest.
    /// </summary>
    [Fact]
    public void A_machine_is_not_said_to_be_forgotten_before_that_is_on_disk()
    {
        var hang = Hang();
        _host.Server.Send(Samples.Machine(Desired.Absent, 2));
        _host.UntilMachine(MachineState.Stopped, 2);
        _host.Hypervisor.Domains.Keys.ShouldNotContain(Samples.Vm);
        _host.For(TimeSpan.FromMinutes(1));
        _host.Server.Machine(Samples.Vm)!.State.ShouldBe(MachineState.Stopped);
        _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.ShouldContain(one => one.Type == ConditionType.LedgerUnwritable);

        Release(hang);
        _host.UntilMachine(MachineState.Absent, 2);
    }

    [Fact]
    public void A_task_is_not_said_to_be_forgotten_before_that_is_on_disk()
    {
        var task = Samples.Id(0xC7);
        _host.Server.Send(Samples.Task(task, new TaskSpec.EnsureVolume
        {
            PoolId = Samples.Pool, PoolName = "fast", VolumeId = new VolumeId(Samples.Id(0xC8)), VolumeGeneration = Generation.First, SizeBytes = 1 << 30, Label = "another",
        }));
        _host.Until(() => State() == TaskState.Done, "the task to be done");
        var hang = Hang();
        _host.Server.Send(Samples.Task(task, null, 2));
        _host.For(TimeSpan.FromMinutes(1));
        State().ShouldBe(TaskState.Done);

        Release(hang);
        _host.Until(() => State() == TaskState.Absent, "the task to be forgotten", TimeSpan.FromSeconds(10));

        TaskState? State() => _host.Server.Report(ItemKind.Task, task)?.Task?.State;
    }

    private static HostItem StartAnother() => Samples.Machine(Desired.Running, vm: Another, disks: Samples.Disk(Samples.Volume2, Samples.Pool));

    private static string Rows(LedgerTables tables) => string.Join(
        '\n', tables.Machines.Values.OrderBy(row => row.Machine.Value).Select(row => $"{row.Machine} {row.State} {row.Generation}")
            .Concat(tables.Attachments.Keys.Select(key => $"{key}").Order(StringComparer.Ordinal))
            .Concat(tables.Obligations.Values.OrderBy(row => row.Id.Value).Select(row => $"{row.Id} {row.State}"))
            .Concat(tables.Items.Values.OrderBy(row => row.Item.Id).Select(row => $"{row.Item.Kind} {row.Item.Id} {row.Item.Generation}")));

    private IReadOnlyList<Condition> PoolConditions() => _host.Server.Report(ItemKind.Binding, Samples.Pool.Value)!.Conditions;

    private TaskCompletionSource Hang()
    {
        var hang = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _host.Store.Hang = () => hang.Task;
        return hang;
    }

    private void Release(TaskCompletionSource hang)
    {
        _host.Store.Hang = null;
        hang.SetResult();
    }
}
