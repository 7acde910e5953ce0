using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Hosts;

/// <summary>A join token as given to the operator once.</summary>
/// <param name="Token">The text for the agent (secret).</param>
/// <param name="Id">Its id.</param>
/// <param name="Expires">When it ends.</param>
internal sealed record JoinTokenIssued(string Token, JoinTokenId Id, DateTimeOffset Expires);

/// <summary>Hosts. Root administrators only; the API has checked that.</summary>
internal interface IHostOperations
{
    /// <summary>
    /// createHostJoinToken. One-time, ends after <paramref name="lifetime"/> (one hour when null, at most 7 days). With a host named, the token re-joins that
    /// host: its earlier installations are retired and absolved. 431 unknown cluster or host; no cluster named: the only one, else 431.
    /// </summary>
    Task<Outcome<JoinTokenIssued>> CreateJoinTokenAsync(Caller caller, ClusterId? clusterId, HostId? hostId, TimeSpan? lifetime, CancellationToken cancellationToken);

    /// <summary>
    /// prepareHostForMaintenance. The host takes no VM any more; the job ends with that, and the host is in Maintenance once no guest is on it. Storage pools go on
    /// being removed there, and what is owed is still settled. 431 unknown host; 530 a host that is disabled, or in maintenance already.
    /// </summary>
    Task<JobOutcome> PrepareForMaintenanceAsync(Caller caller, HostId hostId, CancellationToken cancellationToken);

    /// <summary>cancelHostMaintenance. The host takes VMs again. 431 unknown host; 530 a host that is not in maintenance.</summary>
    Task<JobOutcome> CancelMaintenanceAsync(Caller caller, HostId hostId, CancellationToken cancellationToken);

    /// <summary>
    /// deleteHost: the caller says that nothing of the host runs any more. Its installation is retired: it may not speak again, its bindings are absolved in the
    /// caller's name, its guests count as gone, their leases end. 431 unknown host; 530 without <paramref name="forced"/> a host that is not in maintenance; 530 in any
    /// case a host that is up and has guests, or a host that alone has a storage pool: naming them.
    /// </summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, HostId hostId, bool forced, CancellationToken cancellationToken);
}
