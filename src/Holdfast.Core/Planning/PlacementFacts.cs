using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>A host that could take a VM.</summary>
public sealed record HostCandidate
{
    /// <summary>The host.</summary>
    public required HostId Id { get; init; }

    /// <summary>Its present installation.</summary>
    public required IncarnationId IncarnationId { get; init; }

    /// <summary>Its cluster.</summary>
    public required ClusterId ClusterId { get; init; }

    /// <summary>Its name, for texts.</summary>
    public required string Name { get; init; }

    /// <summary>Reports arrive.</summary>
    public required bool IsUp { get; init; }

    /// <summary>An operator lets VMs start on it: neither disabled nor in maintenance.</summary>
    public required bool IsEnabled { get; init; }

    /// <summary>What it is in that takes only what belongs to root administrators: zone, pod or cluster; null: it is in no such place.</summary>
    public string? DisabledPlace { get; init; }

    /// <summary>CPU threads.</summary>
    public required int Cpus { get; init; }

    /// <summary>Memory in MiB.</summary>
    public required long MemoryMib { get; init; }

    /// <summary>Virtual CPUs given to VMs.</summary>
    public int UsedCpus { get; init; }

    /// <summary>Memory in MiB given to VMs.</summary>
    public long UsedMemoryMib { get; init; }

    /// <summary>Host tags.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>What guests can boot by there, besides BIOS.</summary>
    public IReadOnlyList<MachineFirmware> Firmware { get; init; } = [];

    /// <summary>Further hosts that are not given, and that the VM cannot be placed on for the same reason as this one: counted, not named.</summary>
    public int Alike { get; init; }
}

/// <summary>A pool that could take a volume, or holds one.</summary>
public sealed record PoolFacts
{
    /// <summary>The pool.</summary>
    public required PoolId Id { get; init; }

    /// <summary>Its name, for texts.</summary>
    public required string Name { get; init; }

    /// <summary>Its state.</summary>
    public required PoolState State { get; init; }

    /// <summary>Its tags.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Total bytes, when known.</summary>
    public long? CapacityBytes { get; init; }

    /// <summary>Bytes used at the backend, when known.</summary>
    public long? UsedBytes { get; init; }

    /// <summary>Sum of the sizes of volumes and template copies on it, those that are being made or grown included.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>Whether the VM's template is on it, or being brought: a copy that is not there takes room of its own.</summary>
    public bool HasTemplate { get; init; }
}

/// <summary>How far a binding can be counted on.</summary>
public enum BindingHealth
{
    /// <summary>Driver and backend serve.</summary>
    Serving,

    /// <summary>Not heard of yet, or starting: ask the host, its answer decides.</summary>
    Unclear,

    /// <summary>The control plane is down, but the driver may attach what is locally there.</summary>
    LocalOnly,

    /// <summary>Does not serve.</summary>
    Down,
}

/// <summary>A pool on a host.</summary>
/// <param name="IncarnationId">The host's installation.</param>
/// <param name="PoolId">The pool.</param>
/// <param name="Health">How far it can be counted on.</param>
/// <param name="Error">What is wrong, in the backend's words.</param>
/// <param name="NoNewVolumes">Why no volume is made there, however healthy it is; null: volumes are.</param>
public sealed record BindingFacts(IncarnationId IncarnationId, PoolId PoolId, BindingHealth Health, string? Error, string? NoNewVolumes = null);

/// <summary>What placing a VM takes and what there is.</summary>
public sealed record PlacementFacts
{
    /// <summary>Virtual CPUs.</summary>
    public required int Cpus { get; init; }

    /// <summary>Memory in MiB.</summary>
    public required long MemoryMib { get; init; }

    /// <summary>Tags its host must have.</summary>
    public IReadOnlyList<string> HostTags { get; init; } = [];

    /// <summary>What it boots by.</summary>
    public MachineFirmware Firmware { get; init; }

    /// <summary>The affinity groups that it is in.</summary>
    public IReadOnlyList<AffinityFacts> Affinities { get; init; } = [];

    /// <summary>Where it ran last: taken when nothing speaks against it.</summary>
    public HostId? LastHost { get; init; }

    /// <summary>The only host that will do.</summary>
    public HostId? OnlyHost { get; init; }

    /// <summary>The only cluster that will do.</summary>
    public ClusterId? OnlyCluster { get; init; }

    /// <summary>Whether it may be in a zone, pod or cluster that is disabled: what root administrators own may, so that they can try a place before others use it.</summary>
    public bool MayUseDisabledPlaces { get; init; }

    /// <summary>What a pool may promise.</summary>
    public required StorageRule Storage { get; init; }

    /// <summary>The size of the VM's template.</summary>
    public long TemplateBytes { get; init; }

    /// <summary>Hosts to choose from. Of a large zone, some that can take the VM; when none can, some of each kind that cannot.</summary>
    public required IReadOnlyList<HostCandidate> Hosts { get; init; }

    /// <summary>Pools on these hosts.</summary>
    public required IReadOnlyList<PoolFacts> Pools { get; init; }

    /// <summary>Which pool is on which of these hosts.</summary>
    public required IReadOnlyList<BindingFacts> Bindings { get; init; }

    /// <summary>Further pools of the zone that are not given: they are on none of these hosts.</summary>
    public int MorePools { get; init; }

    /// <summary>Further hosts that are not given: they could run the VM, and their storage cannot take it.</summary>
    public int MoreHosts { get; init; }
}

/// <summary>Where a VM goes. A closed hierarchy.</summary>
public abstract record Placement
{
    private protected Placement()
    {
    }

    /// <summary>There.</summary>
    /// <param name="Host">The host.</param>
    /// <param name="Pools">Pools for the volumes that had none.</param>
    public sealed record Found(HostCandidate Host, IReadOnlyDictionary<VolumeId, PoolId> Pools) : Placement;

    /// <summary>Nowhere.</summary>
    /// <param name="Fault">Why.</param>
    public sealed record Nowhere(PlanFault Fault) : Placement;
}
