using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Security;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Hosts;

/// <inheritdoc/>
internal sealed class HostOperations : IHostOperations
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(7);
    private readonly TurnFactory _turns;
    private readonly Authority _authority;
    private readonly ISecretSource _random;

    /// <summary>Made once per node.</summary>
    public HostOperations(TurnFactory turns, Authority authority, ISecretSource random)
    {
        _turns = turns;
        _authority = authority;
        _random = random;
    }

    /// <inheritdoc/>
    public Task<Outcome<JoinTokenIssued>> CreateJoinTokenAsync(Caller caller, ClusterId? clusterId, HostId? hostId, TimeSpan? lifetime, CancellationToken cancellationToken)
    {
        if (lifetime is { } wanted && (wanted <= TimeSpan.Zero || wanted > Longest))
        {
            return Task.FromResult<Outcome<JoinTokenIssued>>(new Outcome<JoinTokenIssued>.Refused(Faults.Invalid($"A join token lives for at most {Longest.TotalSeconds:0} seconds")));
        }

        return _turns.RunAsync<Outcome<JoinTokenIssued>>(
            async (turn, ct) =>
            {
                const string command = "createHostJoinToken";
                var cluster = clusterId;
                if (hostId is { } known)
                {
                    var host = await turn.Db.Hosts.FirstOrDefaultAsync(h => h.Id == known && h.Removed == null, ct);
                    if (host is null)
                    {
                        return new Outcome<JoinTokenIssued>.Refused(Faults.NoSuchEntity(command, "hostid", known));
                    }

                    if (clusterId is { } named && named != host.ClusterId)
                    {
                        var other = await turn.Db.Clusters.FirstOrDefaultAsync(c => c.Id == named && c.Removed == null, ct);
                        return new Outcome<JoinTokenIssued>.Refused(
                            other is null ? Faults.NoSuchEntity(command, "clusterid", named) : Faults.NotWithin($"Host {host.Name} ({host.Id})", $"cluster {other.Name} ({named})"));
                    }

                    cluster = host.ClusterId;
                }

                if (cluster is null)
                {
                    var all = await turn.Db.Clusters.Where(c => c.Removed == null).Select(c => c.Id).ToListAsync(ct);
                    if (all is not [var only])
                    {
                        return new Outcome<JoinTokenIssued>.Refused(Faults.Missing(command, "clusterid"));
                    }

                    cluster = only;
                }
                else if (!await turn.Db.Clusters.AnyAsync(c => c.Id == cluster && c.Removed == null, ct))
                {
                    return new Outcome<JoinTokenIssued>.Refused(Faults.NoSuchEntity(command, "clusterid", cluster));
                }

                var token = new JoinToken(new Secret(_random.Next(32)), _authority.Fingerprint);
                var row = new JoinTokenRow
                {
                    Id = new JoinTokenId(turn.NewId()),
                    Hash = TokenHash.Of(token.Value.Reveal()),
                    ClusterId = cluster.Value,
                    HostId = hostId,
                    CreatedBy = caller.UserId,
                    Created = turn.Now,
                    Expires = turn.Now + (lifetime ?? TimeSpan.FromHours(1)),
                };
                await turn.Db.InsertAsync(row, token: ct);
                return new Outcome<JoinTokenIssued>.Done(new JoinTokenIssued(token.Reveal(), row.Id, row.Expires));
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<JobOutcome> PrepareForMaintenanceAsync(Caller caller, HostId hostId, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var host = await FindAsync(turn, hostId, ct);
            if (host is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("prepareHostForMaintenance", "id", hostId));
            }

            if (host.ResourceState != ResourceState.Enabled)
            {
                return new JobOutcome.Refused(Faults.HostNotReadyForMaintenance(host.Id, host.Name, host.ResourceState));
            }

            var job = await turn.AddJobAsync(caller.AccountId, caller.UserId, JobKind.PrepareHostForMaintenance, ResourceTypes.Host, hostId.Value, $"preparing host {host.Name} ({host.Id}) for maintenance", turn.Timings.Of(JobKind.PrepareHostForMaintenance), ct);
            await turn.Db.Hosts.Where(h => h.Id == hostId).Set(h => h.ResourceState, ResourceState.PrepareForMaintenance).UpdateAsync(ct);
            await turn.Part<HostSettler>().SettleAsync(hostId, ct);
            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, hostId.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> CancelMaintenanceAsync(Caller caller, HostId hostId, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var host = await FindAsync(turn, hostId, ct);
            if (host is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("cancelHostMaintenance", "id", hostId));
            }

            if (host.ResourceState is not (ResourceState.PrepareForMaintenance or ResourceState.Maintenance))
            {
                return new JobOutcome.Refused(Faults.HostNotInMaintenance(host.Id, host.Name, host.ResourceState));
            }

            var job = await turn.AddJobAsync(caller.AccountId, caller.UserId, JobKind.CancelHostMaintenance, ResourceTypes.Host, hostId.Value, $"ending the maintenance of host {host.Name} ({host.Id})", turn.Timings.Of(JobKind.CancelHostMaintenance), ct);
            await turn.Db.Hosts.Where(h => h.Id == hostId).Set(h => h.ResourceState, ResourceState.Enabled).UpdateAsync(ct);
            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, hostId.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, HostId hostId, bool forced, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var host = await FindAsync(turn, hostId, ct);
            if (host is null)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteHost", "id", hostId));
            }

            if (!forced && host.ResourceState != ResourceState.Maintenance)
            {
                return new Outcome<Success>.Refused(Faults.HostNotDeletable(host.Id, host.Name));
            }

            // The person says that nothing runs there; a host that reports says otherwise. Two writers would be the price of believing the wrong one.
            var vms = await turn.Db.Vms.Where(v => v.HostId == hostId && v.Removed == null).OrderBy(v => v.Name).Select(v => new { v.Id, v.Name, v.State }).ToListAsync(ct);
            if (host.State == HostState.Up && vms.Count > 0)
            {
                return new Outcome<Success>.Refused(Faults.HostHasGuests(host.Id, host.Name, string.Join(", ", vms.Select(v => $"VM {v.Name} ({v.Id}), state {v.State}"))));
            }

            var pools = await turn.Db.StoragePools.Where(p => p.HostId == hostId && p.Removed == null).OrderBy(p => p.Name).Select(p => new { p.Id, p.Name }).ToListAsync(ct);
            if (pools.Count > 0)
            {
                return new Outcome<Success>.Refused(Faults.HostHasPools(host.Id, host.Name, string.Join(", ", pools.Select(p => $"storage pool {p.Name} ({p.Id})"))));
            }

            await turn.Part<HostRetirement>().RetireIncarnationsAsync(host, caller.UserName, $"host {host.Name} was deleted{(forced ? " by force" : string.Empty)} while it was {host.State}", ct);
            await turn.Db.Hosts.Where(h => h.Id == hostId)
                .Set(h => h.State, HostState.Removed)
                .Set(h => h.ResourceState, ResourceState.Disabled)
                .Set(h => h.IncarnationId, (IncarnationId?)null)
                .Set(h => h.Removed, turn.Now)
                .UpdateAsync(ct);
            await turn.TellAsync(EventTypes.HostDelete, EventLevel.Warn, EventState.Completed, $"Host {host.Name} ({host.Id}) was deleted", caller.AccountId, caller.UserId, ResourceTypes.Host, hostId.Value, host.Name, null, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    private static Task<HostRow?> FindAsync(Turn turn, HostId id, CancellationToken cancellationToken) =>
        turn.Db.Hosts.FirstOrDefaultAsync(h => h.Id == id && h.Removed == null, cancellationToken);
}
