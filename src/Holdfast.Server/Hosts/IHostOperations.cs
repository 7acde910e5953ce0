using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Hosts;

/// <summary>A join token as given to the operator once.</summary>
/// <param name="Token">The text for the agent (secret).</param>
/// <param name="Id">Its id.</param>
/// <param name="Expires">When it ends.</param>
internal sealed record JoinTokenIssued(string Token, JoinTokenId Id, DateTimeOffset Expires);

/// <summary>A host that is to join.</summary>
internal sealed record AddHost
{
    public required ZoneId ZoneId { get; init; }

    public required PodId PodId { get; init; }

    /// <summary>Null: the cluster of <see cref="ClusterName"/>, or the only one of the pod.</summary>
    public ClusterId? ClusterId { get; init; }

    public string? ClusterName { get; init; }

    /// <summary>Its name or address, bare or as an HTTP URL; it is called that.</summary>
    public required string Url { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Enabled or Disabled; enabled when null.</summary>
    public string? AllocationState { get; init; }
}

/// <summary>What to change of a host; null leaves a field.</summary>
internal sealed record UpdateHost
{
    public required HostId Id { get; init; }

    public string? Name { get; init; }

    /// <summary>Enable or Disable.</summary>
    public string? AllocationState { get; init; }

    /// <summary>Empty: none.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>A comment to make on it.</summary>
    public string? Annotation { get; init; }
}

/// <summary>A host that was added, and the token with which it joins.</summary>
/// <param name="Id">The host.</param>
/// <param name="Token">The token.</param>
internal sealed record HostAdded(HostId Id, JoinTokenIssued Token);

/// <summary>Hosts. Root administrators only; the API has checked that.</summary>
internal interface IHostOperations
{
    /// <summary>
    /// createHostJoinToken. One-time, ends after <paramref name="lifetime"/> (one hour when null, at most 7 days). With a host named, the token re-joins that
    /// host: its earlier installations are retired and absolved. 431 unknown cluster or host; no cluster named: the only one, else 431.
    /// </summary>
    Task<Outcome<JoinTokenIssued>> CreateJoinTokenAsync(Caller caller, ClusterId? clusterId, HostId? hostId, TimeSpan? lifetime, CancellationToken cancellationToken);

    /// <summary>
    /// addHost: makes the host's row, which its agent fills when it joins with the token that comes with it. Nobody calls the host. 431 unknown zone, pod or cluster, places that
    /// are not in each other, a name that will not do or that a host of the zone has.
    /// </summary>
    Task<Outcome<HostAdded>> AddAsync(Caller caller, AddHost request, CancellationToken cancellationToken);

    /// <summary>
    /// updateHost. Tags and state hold for the next placement: what runs goes on. 431 unknown id, a name that will not do or that a host of the zone has, another state than
    /// Enable and Disable; 530 a state while it is in maintenance.
    /// </summary>
    Task<Outcome<HostId>> UpdateAsync(Caller caller, UpdateHost request, CancellationToken cancellationToken);

    /// <summary>
    /// reconnectHost: the host's watch is ended; its agent begins another and tells the host's properties anew, which ends the job. Guests do not notice. 431 unknown id; 530 a host that is not Up.
    /// </summary>
    Task<JobOutcome> ReconnectAsync(Caller caller, HostId hostId, CancellationToken cancellationToken);

    /// <summary>
    /// prepareHostForMaintenance. The host takes no VM any more; the job ends with that, and the host is in Maintenance once no guest is on it. Storage pools go on
    /// being removed there, and what is owed is still settled. 431 unknown host; 530 a host that is disabled, or in maintenance already.
    /// </summary>
    Task<JobOutcome> PrepareForMaintenanceAsync(Caller caller, HostId hostId, CancellationToken cancellationToken);

    /// <summary>cancelHostMaintenance. The host takes VMs again. 431 unknown host; 530 a host that is not in maintenance.</summary>
    Task<JobOutcome> CancelMaintenanceAsync(Caller caller, HostId hostId, CancellationToken cancellationToken);

    /// <summary>
    /// deleteHost: the caller says that nothing of the host runs any more. Its installation is retired: it may not speak again, its bindings are absolved in the
    /// caller's name, its guests count as gone, their leases end. 431 unknown host; 530 without <paramref name="forced"/> a host that joined once and is not in maintenance; 530 in any
    /// case a host that is up and has guests, or a host that alone has a storage pool: naming them.
    /// </summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, HostId hostId, bool forced, CancellationToken cancellationToken);
}
