using Holdfast.Core.Ids;

namespace Holdfast.Agent.Hypervisor;

/// <summary>A domain of this host that carries Holdfast's metadata.</summary>
internal sealed record OwnDomain
{
    /// <summary>The machine, which is also the UUID of the domain.</summary>
    public required VmId Machine { get; init; }

    /// <summary>The instance name.</summary>
    public required string Name { get; init; }

    /// <summary>The generation of the machine's spec that it was started from.</summary>
    public required Generation Generation { get; init; }

    /// <summary>What it does now.</summary>
    public required DomainStatus Status { get; init; }

    /// <summary>Why it stands still; null unless it is <see cref="DomainStatus.Paused"/>.</summary>
    public GuestPause? Pause { get; init; }

    /// <summary>Its virtual processors now; 0 when that is not known.</summary>
    public int Cpus { get; init; }

    /// <summary>Its memory now, in MiB, with what was plugged in; 0 when that is not known.</summary>
    public long MemoryMiB { get; init; }

    /// <summary>The disks it holds now.</summary>
    public required IReadOnlyList<OwnDomainDisk> Disks { get; init; }

    /// <summary>The Unix socket of its VNC console while it runs.</summary>
    public string? VncSocket { get; init; }

    /// <summary>Processor time used since it started.</summary>
    public TimeSpan CpuTime { get; init; }
}
