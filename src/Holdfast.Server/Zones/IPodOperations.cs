using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Zones;

/// <summary>What a pod is to be, or what of it is to change; null leaves a field.</summary>
internal sealed record PodChange
{
    public string? Name { get; init; }

    public string? AllocationState { get; init; }

    /// <summary>Each that is null is left.</summary>
    public PodAddresses Addresses { get; init; } = new(null, null, null, null);
}

/// <summary>Pods. Root administrators only; the API has checked that.</summary>
internal interface IPodOperations
{
    /// <summary>createPod. 431 unknown zone, a name that a pod of the zone has, addresses that do not go together.</summary>
    Task<Outcome<PodId>> CreateAsync(Caller caller, ZoneId zoneId, PodChange pod, CancellationToken cancellationToken);

    /// <summary>updatePod. 431 unknown id, a name that a pod of the zone has, addresses that do not go together.</summary>
    Task<Outcome<PodId>> UpdateAsync(Caller caller, PodId id, PodChange change, CancellationToken cancellationToken);

    /// <summary>deletePod. 431 unknown id; 530 while a cluster, host or storage pool is in it, naming them.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, PodId id, CancellationToken cancellationToken);
}
