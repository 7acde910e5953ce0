using Holdfast.Agent.Hypervisor;

namespace Holdfast.Worlds.Hosts;

/// <summary>A guest's QEMU.</summary>
internal sealed class SimGuest
{
    public required OwnDomain Domain { get; set; }

    public required IReadOnlyList<History.GuestDisk> Disks { get; set; }

    /// <summary>How long it takes to power off when the button is pressed; null: it ignores it.</summary>
    public required TimeSpan? PowersOffAfter { get; init; }

    /// <summary>F10: a thread of it sleeps in the kernel, over hung storage. It cannot be killed.</summary>
    public bool IsUninterruptible { get; set; }

    /// <summary>It was killed, and ends as soon as it can.</summary>
    public bool IsKilled { get; set; }

    /// <summary>Told when it is gone.</summary>
    public event Action? Gone;

    public void TellGone() => Gone?.Invoke();
}
