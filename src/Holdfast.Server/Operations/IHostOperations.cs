using Holdfast.Core.Ids;

namespace Holdfast.Server.Operations;

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
}
