namespace Holdfast.Agent.Hypervisor;

/// <summary>Where libvirt is and how long it may take.</summary>
internal sealed record LibvirtHypervisorOptions
{
    /// <summary>The connection URI.</summary>
    public string Uri { get; init; } = "qemu:///system";

    /// <summary>Where the kernel shows processes.</summary>
    public string ProcessRoot { get; init; } = "/proc";

    /// <summary>For finding one domain, which libvirt answers in milliseconds unless it is stuck with it; then the kernel is asked.</summary>
    public TimeSpan QuickDeadline { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// For each domain of a list. Longer, for the host may just be busy, and a machine that runs is not to be told as unknown for that.
    /// </summary>
    public TimeSpan ListDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For describing the host, where libvirt may have to look at QEMU first.</summary>
    public TimeSpan ReadDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For a start; QEMU opens its disks within it.</summary>
    public TimeSpan StartDeadline { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For pressing a button: power, reset.</summary>
    public TimeSpan ButtonDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For plugging a disk in and for telling a new size.</summary>
    public TimeSpan DeviceDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a guest gets to let go of a disk.</summary>
    public TimeSpan UnplugPatience { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long QEMU gets to obey SIGTERM before it is killed. A QEMU whose disk hangs does not obey at all.
    /// </summary>
    public TimeSpan KillAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long a killed process gets to end before it is told as one that cannot be ended. Killing a QEMU that waits for nothing takes milliseconds, and its memory
    /// a moment more.
    /// </summary>
    public TimeSpan UninterruptibleAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long to wait for libvirt to clear up after a process that has ended, or to destroy what has none that we see.</summary>
    public TimeSpan DaemonDestroyLimit { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>For reading the processes of the host.</summary>
    public TimeSpan ProcessScanDeadline { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The pause before another attempt to connect.</summary>
    public TimeSpan ReconnectPause { get; init; } = TimeSpan.FromSeconds(1);
}
