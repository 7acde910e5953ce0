using Holdfast.Agent.Hypervisor;
using Holdfast.Libvirt.Events;

namespace Holdfast.Libvirt.Tests.Hypervisor;

public sealed class HypervisorEventPumpTests
{
    private static readonly Guid Id = Specs.Machine.Value;

    [Theory]
    [InlineData(LibvirtStoppedDetail.Shutdown, nameof(StopReason.Shutdown))]
    [InlineData(LibvirtStoppedDetail.Destroyed, nameof(StopReason.Destroyed))]
    [InlineData(LibvirtStoppedDetail.Crashed, nameof(StopReason.Crashed))]
    [InlineData(LibvirtStoppedDetail.Failed, nameof(StopReason.Failed))]
    [InlineData(LibvirtStoppedDetail.Migrated, nameof(StopReason.Unknown))]
    public void A_stop_keeps_its_reason(LibvirtStoppedDetail detail, string reason) =>
        HypervisorEventPump.Translate(new LibvirtEvent.Lifecycle(Id, LibvirtLifecycle.Stopped, (int)detail))
            .ShouldBe(new HypervisorEvent.Stopped(Specs.Machine, Enum.Parse<StopReason>(reason)));

    [Fact]
    public void A_pause_tells_whether_a_disk_failed()
    {
        HypervisorEventPump.Translate(new LibvirtEvent.Lifecycle(Id, LibvirtLifecycle.Suspended, (int)LibvirtSuspendedDetail.IoError))
            .ShouldBe(new HypervisorEvent.Paused(Specs.Machine, IoError: true));
        HypervisorEventPump.Translate(new LibvirtEvent.Lifecycle(Id, LibvirtLifecycle.Suspended, (int)LibvirtSuspendedDetail.Paused))
            .ShouldBe(new HypervisorEvent.Paused(Specs.Machine, IoError: false));
    }

    [Fact]
    public void What_nobody_acts_on_is_left_out() =>
        HypervisorEventPump.Translate(new LibvirtEvent.Lifecycle(Id, LibvirtLifecycle.Defined, 0)).ShouldBeNull();
}
