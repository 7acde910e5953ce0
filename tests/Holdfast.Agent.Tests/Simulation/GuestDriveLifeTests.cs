using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Simulation;

/// <summary>When a guest gets a configuration drive, and when the drive goes.</summary>
public sealed class GuestDriveLifeTests
{
    private static readonly MachineDisk Disk = Samples.Disk(Samples.Volume, Samples.Pool);
    private readonly SimHost _host = new();
    private readonly SimStorage _storage;

    public GuestDriveLifeTests()
    {
        _storage = _host.AddStorage(Samples.Pool);
        _storage.Add(Samples.Volume);
        _host.Server.Told[Samples.Vm] = Samples.Told();
        _host.StartAgent();
    }

    [Fact]
    public void A_drive_is_there_while_the_guest_is_and_made_anew_at_each_start()
    {
        Send(Desired.Running, 1);
        _host.UntilMachine(MachineState.Running, 1);
        _host.Hypervisor.GuestDrives[Samples.Vm].ShouldBe($"/drives/{Samples.Vm}.iso");
        _host.Drives.Made[Samples.Vm].ShouldContain(f => f.Path == "openstack/latest/meta_data.json");

        Send(Desired.Stopped, 2);
        _host.UntilMachine(MachineState.Stopped, 2);
        _host.Until(() => _host.Drives.Made.Count == 0, "the drive is gone");

        _host.Server.Told[Samples.Vm] = Samples.Told(2) with { UserData = "aGVsbG8=" };
        Send(Desired.Running, 3);
        _host.UntilMachine(MachineState.Running, 3);
        _host.Drives.Made[Samples.Vm].ShouldContain(f => f.Path == "openstack/latest/user_data");

        Send(Desired.Absent, 4);
        _host.UntilMachine(MachineState.Absent, 4);
        _host.Until(() => _host.Drives.Made.Count == 0, "the drive is gone");
    }

    [Fact]
    public void A_machine_of_before_has_none_and_nobody_asks_for_it()
    {
        _host.Server.Told.Clear();
        _host.Server.Send(Samples.Machine(Desired.Running, 1, disks: Disk));
        _host.UntilMachine(MachineState.Running, 1);
        _host.Hypervisor.GuestDrives[Samples.Vm].ShouldBeNull();
        _host.Drives.Made.ShouldBeEmpty();
    }

    [Fact]
    public void A_drive_that_cannot_be_made_fails_the_start_with_the_reason_and_gives_the_disks_back()
    {
        _host.Drives.Refuse = "the disk is full";
        Send(Desired.Running, 1);
        _host.UntilMachine(MachineState.Failed, 1);

        Why().ShouldContain("configuration drive");
        Why().ShouldContain("the disk is full");
        _host.Hypervisor.Effects.ShouldBeEmpty();
        _host.Until(() => _storage.Attached.Count == 0, "the disks' release");

        _host.Drives.Refuse = null;
        Send(Desired.Running, 2);
        _host.UntilMachine(MachineState.Running, 2);
    }

    [Fact]
    public void What_the_server_does_not_tell_is_not_guessed()
    {
        _host.Server.Told.Clear();
        Send(Desired.Running, 1);
        _host.UntilMachine(MachineState.Failed, 1);
        Why().ShouldContain("the server does not tell");
    }

    [Fact]
    public void A_server_that_is_away_for_a_moment_costs_a_start_that_moment()
    {
        Send(Desired.Running, 1);
        _host.Until(() => _host.Agent.Items.IsConfirmed(Samples.Vm.Value) && _host.Agent.Ledger.Tables.Item(ItemKind.Machine, Samples.Vm.Value) is not null, "the item is taken");
        _host.Server.Reach(isDown: true);
        _host.For(TimeSpan.FromSeconds(5));
        _host.Hypervisor.Effects.ShouldBeEmpty();
        _host.Server.Reach(isDown: false);
        _host.UntilMachine(MachineState.Running, 1);
    }

    [Fact]
    public void A_drive_whose_guest_ended_while_no_agent_ran_is_gone_after_the_next_has_looked()
    {
        Send(Desired.Running, 1);
        _host.UntilMachine(MachineState.Running, 1);
        _host.Kill();
        _host.StartAgent();
        _host.For(TimeSpan.FromSeconds(30));
        _host.Drives.Made.ShouldNotBeEmpty("its guest runs");

        // Of a machine that no item names any more, too.
        _host.Drives.Made[new VmId(Samples.Id(0xB2))] = [];
        _host.Kill();
        _host.Hypervisor.EndByItself(Samples.Vm);
        _host.StartAgent();
        _host.Until(() => _host.Drives.Made.Count == 0, "the drives are gone");
    }

    private string Why() => string.Join(' ', _host.Server.Report(ItemKind.Machine, Samples.Vm.Value)!.Conditions.Select(c => c.Text));

    private void Send(Desired desired, long generation) => _host.Server.Send(Samples.Machine(desired, generation, change: spec => spec with { Told = 1 }, disks: Disk));
}
