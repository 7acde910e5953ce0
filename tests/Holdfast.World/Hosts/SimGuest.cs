using Holdfast.Agent.Hypervisor;

namespace Holdfast.Worlds.Hosts;

/// <summary>A guest's QEMU.</summary>
internal sealed class SimGuest
{
    public required OwnDomain Domain { get; set; }

    public required IReadOnlyList<History.GuestDisk> Disks { get; set; }

    /// <summary>The most processors that it can be given.</summary>
    public required int MaxCpus { get; init; }

    /// <summary>The most memory that it can be given.</summary>
    public required long MaxMemoryMiB { get; init; }

    /// <summary>How long it takes to power off when the button is pressed; null: it ignores it.</summary>
    public required TimeSpan? PowersOffAfter { get; init; }

    /// <summary>F10: a thread of it sleeps in the kernel, for a reason of its own. It cannot be killed.</summary>
    public bool Sleeps { get; set; }

    /// <summary>What makes it stand still again as soon as it is let go on: a disk without room, or one that fails.</summary>
    public GuestPause? Held { get; set; }

    /// <summary>It was told to end, and ends as soon as it can.</summary>
    public bool IsTerminated { get; set; }

    /// <summary>When the agent that runs killed it; null when it did not.</summary>
    public TimeSpan? KilledAt { get; set; }

    /// <summary>Told when it is gone.</summary>
    public event Action? Gone;

    public void TellGone() => Gone?.Invoke();
}
