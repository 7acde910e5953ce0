using Holdfast.Core.Ids;

namespace Holdfast.Agent.Hypervisor;

/// <summary>All that is needed to make a domain. Pure data: nothing here is looked up, probed or defaulted later.</summary>
internal sealed record DomainSpec
{
    /// <summary>The machine, which becomes the UUID of the domain.</summary>
    public required VmId Machine { get; init; }

    /// <summary>The generation of the machine's desired state; written into the domain's metadata.</summary>
    public required Generation Generation { get; init; }

    /// <summary>The instance name, such as i-2-17-VM; becomes the name of the domain.</summary>
    public required string Name { get; init; }

    /// <summary>Virtual processors.</summary>
    public required int Cpus { get; init; }

    /// <summary>Memory in MiB.</summary>
    public required long MemoryMiB { get; init; }

    /// <summary>The most virtual processors that it can be given while it runs; null: those.</summary>
    public int? MaxCpus { get; init; }

    /// <summary>The most memory in MiB that it can be given while it runs; null: that.</summary>
    public long? MaxMemoryMiB { get; init; }

    /// <summary>The disks, in the order in which the guest is to boot from them.</summary>
    public required IReadOnlyList<DomainDisk> Disks { get; init; }

    /// <summary>Its UEFI firmware; null: it boots by BIOS.</summary>
    public DomainFirmware? Firmware { get; init; }

    /// <summary>The image of its configuration drive; null: it has none.</summary>
    public string? GuestDrive { get; init; }

    /// <summary>The network interfaces.</summary>
    public required IReadOnlyList<DomainNic> Nics { get; init; }

    /// <summary>The file the guest's serial port is logged to; its folder exists.</summary>
    public required string SerialLogPath { get; init; }

    /// <summary>What the guest runs on.</summary>
    public required Accelerator Accelerator { get; init; }
}
