using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Zones;

/// <summary>Clusters. Root administrators only; the API has checked that.</summary>
internal interface IClusterOperations
{
    /// <summary>addCluster. 431 unknown zone or pod, a pod of another zone, a name that a cluster of the pod has.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="zoneId">Its zone.</param>
    /// <param name="podId">Its pod.</param>
    /// <param name="name">Its name.</param>
    /// <param name="allocationState">Enabled when null.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<ClusterId>> AddAsync(Caller caller, ZoneId zoneId, PodId podId, string name, string? allocationState, CancellationToken cancellationToken);

    /// <summary>updateCluster; null leaves a field. 431 unknown id, a name that a cluster of the pod has.</summary>
    Task<Outcome<ClusterId>> UpdateAsync(Caller caller, ClusterId id, string? name, string? allocationState, CancellationToken cancellationToken);

    /// <summary>deleteCluster. 431 unknown id; 530 while a host or storage pool is in it, or a VM is to be started in it only, naming them.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, ClusterId id, CancellationToken cancellationToken);
}
