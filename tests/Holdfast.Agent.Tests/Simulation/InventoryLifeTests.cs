using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>What a driver finds attached on its host, against what the host knows.</summary>
public sealed class InventoryLifeTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);
    private readonly SimHost _host = new();
    private readonly SimStorage _storage;

    public InventoryLifeTests()
    {
        _storage = _host.AddStorage(Samples.Pool);
        _storage.Add(Samples.Volume);
        _storage.Add(Samples.Volume2);
    }

    [Fact]
    public void An_attachment_that_nobody_names_is_released_with_a_trace()
    {
        _storage.Attached.Add((Samples.Volume2, AttachMode.Run));
        _host.StartAgent();
        _host.Until(() => _storage.Attached.Count == 0, "released");
        _host.Until(() => _host.Server.Obligations.Values.SingleOrDefault()?.State == ObligationState.Settled, "the server was told");
        _host.Server.Obligations.Values.Single().Cause.ShouldBe("found by inventory");
        _host.Agent.Ledger.Tables.Attachments.ShouldBeEmpty();
        _storage.Inventories.ShouldBe(1);
        _host.For(TimeSpan.FromHours(1));
        _storage.Inventories.ShouldBe(1);
    }

    [Fact]
    public void A_running_machine_keeps_its_volume_when_agent_and_driver_restart()
    {
        _host.StartAgent();
        Run();
        _host.StartAgent();
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Until(() => _storage.Inventories == 2, "asked again");
        _host.Launcher.Running[Samples.Pool].Crash();
        _host.Until(() => _storage.Inventories == 3, "asked after a crash of the driver");
        _host.For(TimeSpan.FromMinutes(10));
        _storage.Attached.ShouldHaveSingleItem();
        _host.Server.Obligations.ShouldBeEmpty();
        _storage.Calls.ShouldNotContain($"release {Samples.Volume}");
    }

    [Fact]
    public void What_somebody_has_open_is_quarantined_told_and_released_when_it_is_free()
    {
        _storage.Attached.Add((Samples.Volume2, AttachMode.Run));
        _storage.Open.Add(Samples.Volume2);
        _host.StartAgent();
        _host.Until(() => Remarks().Any(one => one.Type == ConditionType.Conflict && one.Text.Contains($"{Samples.Volume2}", StringComparison.Ordinal)), "quarantine is told");
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.For(TimeSpan.FromMinutes(30));
        _storage.Calls.ShouldBeEmpty();
        _host.Agent.Ledger.Tables.Attachments.Values.Single().State.ShouldBe(AttachmentState.Found);
        _storage.Open.Clear();
        _host.Until(() => _storage.Attached.Count == 0, "released", TimeSpan.FromMinutes(2));
        _host.Until(() => Remarks().Count == 0, "nothing is told any more", TimeSpan.FromMinutes(3));
    }

    [Fact]
    public void What_cannot_be_told_apart_is_quarantined()
    {
        _storage.Attached.Add((Samples.Volume2, AttachMode.Run));
        _storage.InventoryIsVague = true;
        _host.StartAgent();
        _host.Until(() => Remarks().Any(one => one.Type == ConditionType.Conflict), "quarantine is told");
        _host.For(TimeSpan.FromHours(1));
        _storage.Calls.ShouldBeEmpty();
        _storage.Attached.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_quarantined_volume_is_taken_by_the_machine_that_owns_it()
    {
        _storage.Attached.Add((Samples.Volume, AttachMode.Run));
        _storage.InventoryIsVague = true;
        _host.StartAgent();
        _host.Until(() => _host.Agent.Ledger.Tables.Attachments.Count == 1, "found");
        Run();
        _host.Agent.Ledger.Tables.Attachments.Values.Single().Owner.ShouldBe(Samples.Vm.Value);
    }

    [Fact]
    public void A_silent_inventory_is_told_asked_again_and_stands_in_nobodys_way()
    {
        _storage.InventoryError = new DriverError { Code = DriverErrorCode.Unreachable, Text = "the file system does not answer" };
        _storage.Attached.Add((Samples.Volume2, AttachMode.Run));
        _host.StartAgent();
        _host.Until(() => Remarks().Any(one => one.Text.Contains("does not tell what is attached", StringComparison.Ordinal)), "told");
        Run(atMost: TimeSpan.FromSeconds(2));
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _storage.InventoryError = null;
        _host.Until(() => _storage.Attached.Count == 1, "found at the next try");
        _host.Until(() => Remarks().Count == 0, "told no more");
    }

    [Fact]
    public void A_hanging_inventory_delays_no_start()
    {
        _storage.InventoryHangs = true;
        _host.StartAgent();
        Run(atMost: TimeSpan.FromSeconds(2));
        _host.For(TimeSpan.FromMinutes(5));
        _host.Server.Machine(Samples.Vm)!.State.ShouldBe(MachineState.Running);
    }

    [Fact]
    public void An_inventory_says_nothing_about_a_dead_backend()
    {
        _storage.Mood = BackendMood.Refuses;
        _storage.Attached.Add((Samples.Volume2, AttachMode.Run));
        _host.StartAgent();
        _host.UntilBinding(Samples.Pool, BindingState.Degraded);
        _host.Until(() => _storage.Inventories == 1, "asked although the backend is down");
        _host.Until(() => _host.Agent.Ledger.Tables.OwedTo(Samples.Pool).Count == 1, "owed");
        _host.For(TimeSpan.FromMinutes(1));
        _host.Server.Binding(Samples.Pool)!.State.ShouldBe(BindingState.Degraded);
        _storage.Mood = BackendMood.Well;
        _host.Until(() => _storage.Attached.Count == 0, "settled when the backend is back");
    }

    [Fact]
    public void A_crash_between_the_row_and_the_obligation_loses_nothing()
    {
        _storage.Attached.Add((Samples.Volume2, AttachMode.Run));
        _host.Store.AfterWrite = changes =>
        {
            if (changes.Any(change => change is LedgerChange.PutAttachment { Row.State: AttachmentState.Found }))
            {
                _host.Scheduler.Halt();
                throw new OperationCanceledException("killed");
            }
        };
        _host.StartAgent();
        Should.Throw<OperationCanceledException>(() => _host.Until(() => false, "halted"));
        _host.Errors.Forget();
        _host.Store.AfterWrite = null;
        _host.StartAgent();
        _host.Until(() => _storage.Attached.Count == 0, "released");
        _host.Agent.Ledger.Tables.Attachments.ShouldBeEmpty();
    }

    [Fact]
    public void An_unclear_release_stays_owed_until_the_driver_confirms_it()
    {
        _host.StartAgent();
        Run();
        _storage.Mood = BackendMood.DoneButAnswerLost;
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2);
        _host.Until(() => _storage.Attached.Count == 0, "done, but not known to be");
        _host.Until(() => _host.Agent.Ledger.Tables.OwedTo(Samples.Pool) is [{ Tries: > 0 }], "unclear, so it stays owed");
        _storage.Mood = BackendMood.Well;
        _host.StartAgent();
        _host.Until(() => _host.Server.Obligations.Values.Single().State == ObligationState.Settled, "settled", TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_found_volume_is_orphaned_when_its_pool_is_removed()
    {
        _storage.Attached.Add((Samples.Volume2, AttachMode.Run));
        _storage.Open.Add(Samples.Volume2);
        _host.StartAgent();
        _host.Until(() => _host.Agent.Ledger.Tables.Attachments.Count == 1, "found");
        _host.Server.Send(Samples.Binding(Samples.Pool, 2, Desired.Absent));
        _host.UntilBinding(Samples.Pool, BindingState.Absent);
        _host.Until(() => _host.Server.Obligations.Values.SingleOrDefault()?.State == ObligationState.Orphaned, "told as left behind");
        _storage.Calls.ShouldBeEmpty();
    }

    [Fact]
    public void A_device_path_that_is_still_owed_goes_to_no_other_volume()
    {
        _storage.Paths[Samples.Volume] = "/dev/loop7";
        _storage.Paths[Samples.Volume2] = "/dev/loop7";
        _host.StartAgent();
        Run();
        _storage.Open.Add(Samples.Volume);
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2);
        _host.Until(() => _host.Server.Obligations.Values.SingleOrDefault() is { Tries: > 0 }, "owed");
        var other = new VmId(Samples.Id(0xB2));
        var spec = Samples.Machine(Desired.Running, 1, other, change: spec => spec with { InstanceName = "i-2-18-VM" }, disks: Samples.Disk(Samples.Volume2, Samples.Pool));
        _host.Server.Send(spec);
        _host.UntilMachine(MachineState.Failed, 1, other);
        var text = _host.Server.Report(ItemKind.Machine, other.Value)!.Conditions.Single().Text;
        text.ShouldContain($"{Samples.Volume}");
        text.ShouldContain($"{Samples.Volume2}");
        text.ShouldContain("/dev/loop7");
        _host.Hypervisor.Domains.ShouldBeEmpty();
        _storage.Open.Clear();
        _host.Until(() => _storage.Attached.Count == 0, "everything is released", TimeSpan.FromMinutes(5));
        _host.Server.Send(spec with { Generation = new Generation(2) });
        _host.UntilMachine(MachineState.Running, 2, other);
    }

    [Theory]
    [InlineData("truncated")]
    [InlineData("emptied")]
    [InlineData("flipped")]
    [InlineData("garbage")]
    [InlineData("gone")]
    public void A_damaged_ledger_costs_no_guest_and_no_trace(string harm)
    {
        using var folder = new TempFolder();
        var third = new VolumeId(Samples.Id(0xC3));
        _storage.Add(third);
        using (var store = Open(folder))
        {
            _host.OtherStore = new OnTheLoop(store);
            _host.StartAgent();
            Run();
            _host.Kill();
        }

        _storage.Attached.Add((Samples.Volume2, AttachMode.Run));
        _storage.Attached.Add((third, AttachMode.Run));
        _storage.Open.Add(Samples.Volume);
        _storage.Open.Add(third);
        Damage(folder["ledger.db"], harm);
        var effects = _host.Hypervisor.Effects.Count;
        using var rebuilt = Open(folder);
        (rebuilt.Damage is null).ShouldBe(harm is "gone" or "emptied");
        (_host.OtherStore, _host.Damage) = (new OnTheLoop(rebuilt), rebuilt.Damage);
        _host.StartAgent();
        _host.UntilMachine(MachineState.Running, 1);
        _host.UntilBinding(Samples.Pool, BindingState.Attached);
        _host.Until(() => !_storage.Attached.Contains((Samples.Volume2, AttachMode.Run)), "what nobody names is released");
        _host.For(TimeSpan.FromMinutes(5));
        _host.Hypervisor.Effects.Count.ShouldBe(effects, "no guest was touched");
        _storage.Attached.ShouldBe([(Samples.Volume, AttachMode.Run), (third, AttachMode.Run)], ignoreOrder: true, "what is in use stays");
        Remarks().Single().Text.ShouldContain($"{third}");
        _host.Agent.Ledger.Tables.Attachments.Values.Select(row => (row.Volume, row.Owner)).ShouldBe(
            [(Samples.Volume, Samples.Vm.Value), (third, Samples.Pool.Value)], ignoreOrder: true);
        _storage.Open.Remove(Samples.Volume);
        _host.Server.Send(Samples.Machine(Desired.Stopped, 2, disks: Disk));
        _host.UntilMachine(MachineState.Stopped, 2);
        _host.Until(() => _storage.Attached.Count == 1, "a machine can be stopped and its volume is released");
    }

    /// <summary>On virtual time nobody can wait for a real thread.</summary>
    private sealed class OnTheLoop(SqliteLedgerStore inner) : ILedgerStore
    {
        public string Location => inner.Location;

        public IReadOnlyList<LedgerChange> Load() => inner.Load();

        public Task<WriteOutcome> WriteAsync(IReadOnlyList<LedgerChange> changes) => Task.FromResult(inner.Write(changes));

        public void Dispose() => inner.Dispose();
    }

    private static SqliteLedgerStore Open(TempFolder folder) =>
        SqliteLedgerStore.Open(folder.Path, new Holdfast.Testing.FakeTimeProvider(), NullLogger.Instance);

    private static void Damage(string path, string harm)
    {
        File.Delete(path + "-wal");
        File.Delete(path + "-shm");
        var content = File.ReadAllBytes(path);
        switch (harm)
        {
            case "truncated":
                File.WriteAllBytes(path, content[..(content.Length / 2)]);
                break;
            case "emptied":
                File.WriteAllBytes(path, []);
                break;
            case "flipped":
                for (var at = 4096; at < content.Length; at += 97)
                {
                    content[at] ^= 0x10;
                }

                File.WriteAllBytes(path, content);
                break;
            case "garbage":
                File.WriteAllBytes(path, [.. Enumerable.Range(0, content.Length).Select(index => (byte)(index * 31))]);
                break;
            default:
                File.Delete(path);
                break;
        }
    }

    private IReadOnlyList<Condition> Remarks() => _host.Server.Report(ItemKind.Binding, Samples.Pool.Value)?.Conditions ?? [];

    private void Run(TimeSpan? atMost = null)
    {
        _host.Server.Send(Samples.Machine(Desired.Running, disks: Disk));
        _host.UntilMachine(MachineState.Running, 1, atMost: atMost);
    }
}
