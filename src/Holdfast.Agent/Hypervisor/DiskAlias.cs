using Holdfast.Core.Ids;

namespace Holdfast.Agent.Hypervisor;

/// <summary>
/// The alias of a disk carries the whole id of its volume. libvirt keeps it with the live device and names it in events, so a disk is known by its volume
/// without a look at paths, which may be used again by another volume.
/// </summary>
internal static class DiskAlias
{
    // Only aliases with this prefix are the user's in libvirt.
    private const string Prefix = "ua-";

    // All that virtio-blk has room for.
    private const int SerialLength = 20;

    /// <summary>The alias of a volume's disk.</summary>
    public static string Of(VolumeId volume) => $"{Prefix}{volume.Value:D}";

    /// <summary>The volume behind an alias; null for a device that is no disk of ours.</summary>
    public static VolumeId? Read(string? alias) =>
        alias is not null && alias.StartsWith(Prefix, StringComparison.Ordinal) && Guid.TryParseExact(alias[Prefix.Length..], "D", out var id)
            ? new VolumeId(id)
            : null;

    /// <summary>The serial number that the guest sees, as CloudStack makes it, so that tools inside of guests find their disk.</summary>
    public static string SerialOf(VolumeId volume) => volume.Value.ToString("N")[..SerialLength];
}
