using System.Collections.Frozen;

namespace Holdfast.Protocol.Host;

/// <summary>The names in a guest's meta data, which those of a caller's variables must not be.</summary>
public static class GuestMetadata
{
    /// <summary>Names that have a meaning of their own to the host, or to those who read a configuration drive in guests.</summary>
    public static IReadOnlySet<string> Reserved { get; } = new[]
    {
        "availability_zone", "hostname", "name", "uuid", "public_keys", "keys", "admin_pass", "files", "network_config", "meta", "random_seed", "launch_index", "project_id",
        "instance-id", "local-hostname", "local-ipv4", "public-hostname", "public-ipv4", "public-keys", "vm-id", "service-offering", "availability-zone", "cloud-identifier", "cloud-name",
        "hypervisor-host-name", "dsmode", "vendor-data", "user-data",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a caller's variable may have a name.</summary>
    public static bool IsFree(string name) =>
        name.Length is > 0 and <= 255 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.') && name[0] != '.' && !Reserved.Contains(name);
}
