using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.Hypervisor;

/// <summary>What a host offers to guests.</summary>
internal sealed record HostDescription
{
    /// <summary>The host's own name.</summary>
    public required string HostName { get; init; }

    /// <summary>The architecture of the processors, as libvirt names it: x86_64.</summary>
    public required string Architecture { get; init; }

    /// <summary>The processor model, as the kernel names it.</summary>
    public required string CpuModel { get; init; }

    /// <summary>Logical processors that are online.</summary>
    public required int Cpus { get; init; }

    /// <summary>The clock of the processors in MHz, 0 when unknown.</summary>
    public required int CpuMegahertz { get; init; }

    /// <summary>Memory in MiB.</summary>
    public required long MemoryMiB { get; init; }

    /// <summary>The path of the emulator that guests are started with.</summary>
    public required string Emulator { get; init; }

    /// <summary>The version of the emulator, such as 7.2.22.</summary>
    public required string EmulatorVersion { get; init; }

    /// <summary>The version of the daemon, such as 9.0.0.</summary>
    public required string DaemonVersion { get; init; }

    /// <summary>What guests run on.</summary>
    public required Accelerator Accelerator { get; init; }

    /// <summary>Why it is this accelerator: what was tried and what the kernel answered.</summary>
    public required string AcceleratorReason { get; init; }

    /// <summary>Its UEFI firmware; null: it has none.</summary>
    public FirmwareFiles? Uefi { get; init; }

    /// <summary>Its UEFI firmware that boots only what is signed; null: it has none.</summary>
    public FirmwareFiles? SecureBoot { get; init; }

    /// <summary>
    /// Whom QEMU runs as; null when the daemon does not tell. Drivers are told, because whoever prepares a disk for a guest gives this user access to it.
    /// </summary>
    public required GuestUser? GuestUser { get; init; }

    /// <summary>The libvirt networks that are active, by name.</summary>
    public required IReadOnlyList<string> ActiveNetworks { get; init; }
}
