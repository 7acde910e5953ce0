using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.Hypervisor;

/// <summary>One disk of a domain.</summary>
internal sealed record DomainDisk
{
    /// <summary>The volume. The guest sees the first 20 hex digits of it as the serial number of the disk, which is all that virtio-blk has room for.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>The target: vda for the first one, vdb and so on.</summary>
    public required string Target { get; init; }

    /// <summary>Where the data is, as the driver of the pool answered.</summary>
    public required DiskSource Source { get; init; }

    /// <summary>Whether the guest may only read.</summary>
    public bool ReadOnly { get; init; }
}
