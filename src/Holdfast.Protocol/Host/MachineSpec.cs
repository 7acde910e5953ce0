using System.Text.Json.Serialization;
using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Protocol.Host;

/// <summary>The full specification of a VM as its host sees it.</summary>
public sealed record MachineSpec
{
    /// <summary>The VM; also the UUID of the libvirt domain.</summary>
    public required VmId VmId { get; init; }

    /// <summary>The user's name of the VM, for texts.</summary>
    public required string Name { get; init; }

    /// <summary>The libvirt domain's name, made by the server (<c>i-2-17-VM</c>); unique in the installation.</summary>
    public required string InstanceName { get; init; }

    /// <summary>Virtual CPUs.</summary>
    public required int Cpus { get; init; }

    /// <summary>Memory in MiB.</summary>
    public required int MemoryMiB { get; init; }

    /// <summary>
    /// The most virtual CPUs that the running guest may be given, of which it starts with <see cref="Cpus"/>. Null: no more than these, and it is started without room for others.
    /// A running guest that has fewer than <see cref="Cpus"/> is given them; none is taken from it.
    /// </summary>
    public int? MaxCpus { get; init; }

    /// <summary>The same of its memory, in MiB.</summary>
    public int? MaxMemoryMiB { get; init; }

    /// <summary>What it boots by. A host that does not have it is never told.</summary>
    [JsonConverter(typeof(WireEnum<MachineFirmware>))]
    public MachineFirmware Firmware { get; init; }

    /// <summary>Disks; the root disk has device id 0.</summary>
    public required IReadOnlyList<MachineDisk> Disks { get; init; }

    /// <summary>Network interfaces; may be empty.</summary>
    public IReadOnlyList<MachineNic> Nics { get => field ?? []; init; }

    /// <summary>Seconds a guest gets to shut down after the ACPI request before it is destroyed.</summary>
    public int GraceSeconds { get; init; } = 60;

    /// <summary>Whether a stop skips the ACPI request and destroys at once.</summary>
    public bool ForcedStop { get; init; }

    /// <summary>
    /// How many reboots were asked for in this VM's life. When it is higher than the number the host has carried out on the running guest, the guest is
    /// rebooted once; a guest started afresh counts as rebooted.
    /// </summary>
    public long RebootSequence { get; init; }

    /// <summary>
    /// How often the guest was given something new to be told. Above 0 a start asks for it (<see cref="GuestTold"/>) and gives the guest a configuration drive; 0, of a server or a VM
    /// of before, gives none.
    /// </summary>
    public long Told { get; init; }

    /// <summary>Whether a wanted reboot is a reset instead of an ACPI request.</summary>
    public bool ForcedReboot { get; init; }
}

/// <summary>A disk of a machine.</summary>
public sealed record MachineDisk
{
    /// <summary>The volume.</summary>
    public required VolumeId VolumeId { get; init; }

    /// <summary>The pool that holds it: the only driver that is ever asked about it.</summary>
    public required PoolId PoolId { get; init; }

    /// <summary>The pool's name, for texts.</summary>
    public required string PoolName { get; init; }

    /// <summary>CloudStack's device id: 0 is the root disk (vda), 1 is vdb, 3 is reserved as upstream does for the CD-ROM.</summary>
    public required int DeviceId { get; init; }

    /// <summary>Size in bytes that the guest should see; a running guest whose disk is smaller is told to resize.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Generation of the volume as it was recorded at the backend; goes into <see cref="Driver.AttachRequest.Generation"/>.</summary>
    public required Generation VolumeGeneration { get; init; }

    /// <summary>Generation of the writer lease that the server granted for (volume, host, machine).</summary>
    public required Generation LeaseGeneration { get; init; }
}

/// <summary>A network interface of a machine.</summary>
public sealed record MachineNic
{
    /// <summary>MAC address, lower-case with colons.</summary>
    public required string Mac { get; init; }

    /// <summary>The network's name, for texts.</summary>
    public required string NetworkName { get; init; }

    /// <summary>The bridge or libvirt network that the host should use; null lets the host choose: its configured bridge, else libvirt's default network, else no interface, reported as a condition.</summary>
    public string? Bridge { get; init; }
}
