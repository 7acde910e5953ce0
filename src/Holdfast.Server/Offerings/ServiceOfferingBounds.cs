using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Offerings;

/// <summary>How large a VM may be, by any offering and by custom ones that bound it. Clients read these bounds as details of the offering.</summary>
internal static class ServiceOfferingBounds
{
    /// <summary>Fewest CPUs of any VM.</summary>
    public const int LeastCpus = 1;

    /// <summary>Most CPUs of any VM.</summary>
    public const int MostCpus = 512;

    /// <summary>Least memory of any VM.</summary>
    public const int LeastMemoryMib = 32;

    /// <summary>Most memory of any VM.</summary>
    public const int MostMemoryMib = 16 * 1024 * 1024;

    /// <summary>Fewest CPUs.</summary>
    public const string MinCpuNumber = "mincpunumber";

    /// <summary>Most CPUs.</summary>
    public const string MaxCpuNumber = "maxcpunumber";

    /// <summary>Least memory in MiB.</summary>
    public const string MinMemory = "minmemory";

    /// <summary>Most memory in MiB.</summary>
    public const string MaxMemory = "maxmemory";

    /// <summary>Whether a detail would be taken for a bound.</summary>
    public static bool IsName(string detail) => new[] { MinCpuNumber, MaxCpuNumber, MinMemory, MaxMemory }.Contains(detail, StringComparer.OrdinalIgnoreCase);

    /// <summary>The bounds of an offering, by the names that clients read; none of one that has none.</summary>
    public static IEnumerable<(string Name, int Value)> Of(ServiceOfferingRow offering) => offering is { MinCpus: { } minCpus, MaxCpus: { } maxCpus, MinMemoryMib: { } minMemory, MaxMemoryMib: { } maxMemory }
        ? [(MinCpuNumber, minCpus), (MaxCpuNumber, maxCpus), (MinMemory, minMemory), (MaxMemory, maxMemory)]
        : [];
}
