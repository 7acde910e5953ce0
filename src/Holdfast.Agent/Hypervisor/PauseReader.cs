using Holdfast.Libvirt;

namespace Holdfast.Agent.Hypervisor;

/// <summary>Reads why a domain is paused. Pure.</summary>
internal static class PauseReader
{
    /// <summary>What libvirt's state says.</summary>
    /// <param name="state">The state.</param>
    /// <param name="reason">The number of its reason.</param>
    /// <returns>Why it is paused; null when it is not.</returns>
    public static GuestPause? Read(LibvirtDomainState state, int reason) => state switch
    {
        LibvirtDomainState.PmSuspended => new GuestPause(PauseReason.Other, "its own power management suspended it"),
        LibvirtDomainState.Paused => (LibvirtPausedReason)reason switch
        {
            LibvirtPausedReason.User => new GuestPause(PauseReason.ByHand, "it was suspended on its host by hand"),
            LibvirtPausedReason.IoError => new GuestPause(PauseReason.IoError, "a disk failed; which one is not known"),
            LibvirtPausedReason.StartingUp => Passing("it is being started"),
            LibvirtPausedReason.Snapshot => Passing("a snapshot of it is made on its host"),
            LibvirtPausedReason.Save => Passing("it is being saved to a file on its host"),
            LibvirtPausedReason.Dump => Passing("its memory is being dumped on its host"),
            LibvirtPausedReason.Migration => Passing("it is being migrated, and not by Holdfast"),
            LibvirtPausedReason.FromSnapshot => new GuestPause(PauseReason.Other, "it was set back on its host to a snapshot that was paused"),
            LibvirtPausedReason.Watchdog => new GuestPause(PauseReason.Other, "its watchdog fired"),
            LibvirtPausedReason.Unknown => new GuestPause(PauseReason.Other, "libvirt does not know why"),
            LibvirtPausedReason.ShuttingDown or LibvirtPausedReason.Crashed => null,
            _ => new GuestPause(PauseReason.Other, $"libvirt gives a reason, {reason}, that this version does not know"),
        },
        _ => null,
    };

    /// <summary>Adds what QEMU says of the disks of a guest that stands still for one.</summary>
    /// <param name="pause">Why it is paused.</param>
    /// <param name="errors">What is wrong with disks, by target.</param>
    /// <param name="disks">The disks of the domain.</param>
    public static GuestPause WithErrors(GuestPause pause, IReadOnlyDictionary<string, LibvirtDiskError> errors, IReadOnlyList<OwnDomainDisk> disks)
    {
        var failed = errors.Where(pair => pair.Value != LibvirtDiskError.None)
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => new FailedDisk(pair.Key, disks.FirstOrDefault(disk => disk.Target == pair.Key)?.Volume, pair.Value == LibvirtDiskError.NoSpace))
            .ToArray();
        return failed.Length == 0 ? pause
            : Array.TrueForAll(failed, static disk => disk.HasNoSpace) ? new GuestPause(PauseReason.NoSpace, "a disk has no room") { Disks = failed }
            : new GuestPause(PauseReason.IoError, "a disk failed") { Disks = failed };
    }

    private static GuestPause Passing(string detail) => new(PauseReason.Passing, detail);
}
