using Holdfast.Core.States;

namespace Holdfast.Server.Limits;

/// <summary>How much there is, or is to be, of what is limited.</summary>
internal sealed record ResourceAmounts
{
    private const long Gib = 1L << 30;

    /// <summary>VMs.</summary>
    public long Vms { get; init; }

    /// <summary>VMs of these that run or are being started.</summary>
    public long Running { get; init; }

    /// <summary>Virtual CPUs.</summary>
    public long Cpus { get; init; }

    /// <summary>Memory, in MiB.</summary>
    public long MemoryMib { get; init; }

    /// <summary>Volumes.</summary>
    public long Volumes { get; init; }

    /// <summary>Sizes of volumes.</summary>
    public long StorageBytes { get; init; }

    /// <summary>Templates.</summary>
    public long Templates { get; init; }

    /// <summary>Projects that are owned.</summary>
    public long Projects { get; init; }

    /// <summary>One of them, in the unit of its limit; what is begun of a GiB counts whole.</summary>
    public long this[LimitedResource resource] => resource switch
    {
        LimitedResource.UserVm => Vms,
        LimitedResource.Volume => Volumes,
        LimitedResource.Template => Templates,
        LimitedResource.Project => Projects,
        LimitedResource.Cpu => Cpus,
        LimitedResource.Memory => MemoryMib,
        LimitedResource.PrimaryStorage => (StorageBytes + Gib - 1) / Gib,
        _ => throw new ArgumentOutOfRangeException(nameof(resource)),
    };

    /// <summary>Both together.</summary>
    public static ResourceAmounts operator +(ResourceAmounts one, ResourceAmounts other) => new()
    {
        Vms = one.Vms + other.Vms,
        Running = one.Running + other.Running,
        Cpus = one.Cpus + other.Cpus,
        MemoryMib = one.MemoryMib + other.MemoryMib,
        Volumes = one.Volumes + other.Volumes,
        StorageBytes = one.StorageBytes + other.StorageBytes,
        Templates = one.Templates + other.Templates,
        Projects = one.Projects + other.Projects,
    };
}
