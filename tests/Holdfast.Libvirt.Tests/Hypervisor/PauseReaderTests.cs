using Holdfast.Agent.Hypervisor;

namespace Holdfast.Libvirt.Tests.Hypervisor;

public sealed class PauseReaderTests
{
    private static readonly OwnDomainDisk[] Disks = [new("vda", Specs.Root, "/srv/root"), new("vdb", Specs.Data, "/srv/data"), new("vdc", null, "/srv/by-hand")];
    private static readonly GuestPause Failed = PauseReader.Read(LibvirtDomainState.Paused, (int)LibvirtPausedReason.IoError)!;

    [Theory]
    [InlineData(LibvirtDomainState.Running, 1, null)]
    [InlineData(LibvirtDomainState.Blocked, 0, null)]
    [InlineData(LibvirtDomainState.Shutdown, 0, null)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.ShuttingDown, null)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.Crashed, null)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.User, PauseReason.ByHand)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.IoError, PauseReason.IoError)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.StartingUp, PauseReason.Passing)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.Snapshot, PauseReason.Passing)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.Save, PauseReason.Passing)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.Dump, PauseReason.Passing)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.Migration, PauseReason.Passing)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.Watchdog, PauseReason.Other)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.FromSnapshot, PauseReason.Other)]
    [InlineData(LibvirtDomainState.Paused, LibvirtPausedReason.Unknown, PauseReason.Other)]
    [InlineData(LibvirtDomainState.Paused, 99, PauseReason.Other)]
    [InlineData(LibvirtDomainState.PmSuspended, 0, PauseReason.Other)]
    public void Every_way_of_standing_still_has_a_reason(object state, object reason, object? why) =>
        (PauseReader.Read((LibvirtDomainState)state, Convert.ToInt32(reason))?.Reason).ShouldBe((PauseReason?)why);

    [Fact]
    public void Every_reason_that_libvirt_may_give_is_read()
    {
        foreach (var reason in Enum.GetValues<LibvirtPausedReason>())
        {
            var pause = PauseReader.Read(LibvirtDomainState.Paused, (int)reason);
            (pause is null).ShouldBe(reason is LibvirtPausedReason.ShuttingDown or LibvirtPausedReason.Crashed);
            pause?.Detail.ShouldNotContain("this version");
        }
    }

    [Fact]
    public void Disks_without_room_are_told_as_that_and_named_by_their_volumes()
    {
        var full = PauseReader.WithErrors(Failed, new Dictionary<string, LibvirtDiskError> { ["vdb"] = LibvirtDiskError.NoSpace, ["vda"] = LibvirtDiskError.None }, Disks);
        full.ShouldBe(new GuestPause(PauseReason.NoSpace, "a disk has no room") { Disks = [new FailedDisk("vdb", Specs.Data, true)] });
    }

    [Fact]
    public void A_disk_that_failed_beside_one_without_room_is_an_error()
    {
        var errors = new Dictionary<string, LibvirtDiskError> { ["vdb"] = LibvirtDiskError.NoSpace, ["vda"] = LibvirtDiskError.Unspec, ["vdc"] = LibvirtDiskError.NoSpace };
        var sick = PauseReader.WithErrors(Failed, errors, Disks);
        sick.Reason.ShouldBe(PauseReason.IoError);
        sick.Disks.ShouldBe([new FailedDisk("vda", Specs.Root, false), new FailedDisk("vdb", Specs.Data, true), new FailedDisk("vdc", null, true)]);
    }

    [Fact]
    public void Without_a_word_of_QEMU_no_disk_is_named() => PauseReader.WithErrors(Failed, new Dictionary<string, LibvirtDiskError>(), Disks).ShouldBe(Failed);
}
