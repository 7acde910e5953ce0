using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Annotations;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
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

                return new Outcome<JoinTokenIssued>.Done(await AddTokenAsync(turn, caller, cluster.Value, hostId, lifetime, ct));
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Outcome<HostAdded>> AddAsync(Caller caller, AddHost request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<HostAdded>>(
        async (turn, ct) =>
        {
            if (NameOf(request.Url) is not { } name)
            {
                return new Outcome<HostAdded>.Refused(Faults.Invalid($"Parameter url is the name or the IPv4 address of the host, such as http://kvm1.example.org; {HostNames.Rule}"));
            }

            if (request.AllocationState is { } wanted && AllocationStates.Read(wanted) is null)
            {
                return new Outcome<HostAdded>.Refused(Faults.Invalid($"Parameter allocationstate is Enabled or Disabled, not {wanted}"));
            }

            var (cluster, fault) = await ClusterAsync(turn.Db, request, ct);
            if (cluster is null)
            {
                return new Outcome<HostAdded>.Refused(fault!);
            }

            if (await NamesakeAsync(turn.Db, request.ZoneId, name, null, ct) is { } namesake)
            {
                return new Outcome<HostAdded>.Refused(Faults.HostNameTaken(name, namesake));
            }

            var host = new HostRow
            {
                Id = new HostId(turn.NewId()),
                ZoneId = cluster.ZoneId,
                PodId = cluster.PodId,
                ClusterId = cluster.Id,
                Name = name,
                NodeName = string.Empty,
                State = HostState.Connecting,
                ResourceState = request.AllocationState is { } state && AllocationStates.Read(state) == AllocationStates.Disabled ? ResourceState.Disabled : ResourceState.Enabled,
                Cpus = 0,
                CpuMhz = 0,
                MemoryBytes = 0,
                Accelerator = string.Empty,
                AgentVersion = string.Empty,
                Drivers = "{}",
                HostTags = TagsOf(request.Tags),
                Created = turn.Now,
            };
            await turn.Db.InsertAsync(host, token: ct);
            var token = await AddTokenAsync(turn, caller, cluster.Id, host.Id, null, ct);
            await TellAsync(turn, caller, EventTypes.HostAdd, $"Host {name} ({host.Id}) was added; it is to join by token {token.Id} until {token.Expires:O}", host, ct);
            return new Outcome<HostAdded>.Done(new HostAdded(host.Id, token));
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<HostId>> UpdateAsync(Caller caller, UpdateHost request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<HostId>>(
        async (turn, ct) =>
        {
            if (await FindAsync(turn, request.Id, ct) is not { } host)
            {
                return new Outcome<HostId>.Refused(Faults.NoSuchEntity("updateHost", "id", request.Id));
            }

            if (request.Name is { } name && name != host.Name)
            {
                if (!HostNames.IsName(name))
                {
                    return new Outcome<HostId>.Refused(Faults.Invalid($"Parameter name will not do: {HostNames.Rule}"));
                }

                if (await NamesakeAsync(turn.Db, host.ZoneId, name, host.Id, ct) is { } namesake)
                {
                    return new Outcome<HostId>.Refused(Faults.HostNameTaken(name, namesake));
                }
            }

            var state = host.ResourceState;
            if (request.AllocationState is { } wanted)
            {
                if (Switched(wanted) is not { } switched)
                {
                    return new Outcome<HostId>.Refused(Faults.Invalid($"Parameter allocationstate is Enable or Disable, not {wanted}"));
                }

                if (state is not (ResourceState.Enabled or ResourceState.Disabled))
                {
                    return new Outcome<HostId>.Refused(Faults.HostNotSwitchable(host.Id, host.Name, state));
                }

                state = switched;
            }

            // Only these columns: the rest is the host's own to tell.
            var changed = host with { Name = request.Name ?? host.Name, ResourceState = state, HostTags = request.Tags is { } tags ? TagsOf(tags) : host.HostTags };
            await turn.Db.Hosts.Where(h => h.Id == host.Id)
                .Set(h => h.Name, changed.Name)
                .Set(h => h.ResourceState, changed.ResourceState)
                .Set(h => h.HostTags, changed.HostTags)
                .UpdateAsync(ct);
            if (request.Annotation is { } comment)
            {
                await turn.Part<AnnotationBook>().AddAsync(caller, HostKind.CommentType, host.Id.Value, comment, adminsOnly: false, ct);
            }

            await TellAsync(turn, caller, EventTypes.HostUpdate, $"Host {changed.Name} ({host.Id}) was changed: it is {changed.ResourceState}, its tags are {(changed.HostTags.Length == 0 ? "none" : changed.HostTags)}", changed, ct);
            return new Outcome<HostId>.Done(host.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> ReconnectAsync(Caller caller, HostId hostId, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            if (await FindAsync(turn, hostId, ct) is not { } host)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("reconnectHost", "id", hostId));
            }

            if (host is not { State: HostState.Up, IncarnationId: { } incarnation })
            {
                return new JobOutcome.Refused(Faults.HostNotReconnectable(host.Id, host.Name, host.State));
            }

            var job = await turn.AddJobAsync(caller.AccountId, caller.UserId, HostJobs.ReconnectHost, ResourceTypes.Host, hostId.Value, $"having host {host.Name} ({host.Id}) connect anew", turn.Timings.ReconnectDeadline, ct);
            await turn.Db.Incarnations.Where(i => i.Id == incarnation).Set(i => i.Watch, i => i.Watch + 1).UpdateAsync(ct);
            await turn.SignalAsync(incarnation.Value, ct);
            return new JobOutcome.Accepted(job.Id, hostId.Value);
        },
        cancellationToken);

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

            // One that was added and never joined has nothing to be afraid for.
            if (!forced && host.ResourceState != ResourceState.Maintenance && await turn.Db.Incarnations.AnyAsync(i => i.HostId == hostId, ct))
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

    private static ResourceState? Switched(string wanted) =>
        wanted.Equals("Enable", StringComparison.OrdinalIgnoreCase) ? ResourceState.Enabled : wanted.Equals("Disable", StringComparison.OrdinalIgnoreCase) ? ResourceState.Disabled : null;

    private static string TagsOf(IEnumerable<string> tags) => Csv.Join(tags.Distinct(StringComparer.OrdinalIgnoreCase));

    // A name is all that a host is known by before it joins: credentials, ports and paths mean nothing here.
    private static string? NameOf(string url)
    {
        var name = url.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? url["http://".Length..] : url.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? url["https://".Length..] : url;
        name = name.TrimEnd('/');
        return HostNames.IsName(name) ? name : null;
    }

    private static Task<HostId?> NamesakeAsync(StoreConnection db, ZoneId zone, string name, HostId? except, CancellationToken cancellationToken)
    {
        var lower = name.ToLowerInvariant();
        return db.Hosts.Where(h => h.ZoneId == zone && h.Name.ToLower() == lower && h.Removed == null && (except == null || h.Id != except)).Select(h => (HostId?)h.Id).FirstOrDefaultAsync(cancellationToken);
    }

    private static async Task<(ClusterRow? Cluster, ApiFault? Fault)> ClusterAsync(StoreConnection db, AddHost request, CancellationToken cancellationToken)
    {
        const string command = "addHost";
        var (zoneId, podId) = (request.ZoneId, request.PodId);
        if (await db.Zones.FirstOrDefaultAsync(z => z.Id == zoneId && z.Removed == null, cancellationToken) is not { } zone)
        {
            return (null, Faults.NoSuchEntity(command, "zoneid", zoneId));
        }

        if (await db.Pods.FirstOrDefaultAsync(p => p.Id == podId && p.Removed == null, cancellationToken) is not { } pod)
        {
            return (null, Faults.NoSuchEntity(command, "podid", podId));
        }

        if (pod.ZoneId != zoneId)
        {
            return (null, Faults.NotWithin($"Pod {pod.Name} ({podId})", $"zone {zone.Name} ({zoneId})"));
        }

        if (request.ClusterId is { } id)
        {
            var named = await db.Clusters.FirstOrDefaultAsync(c => c.Id == id && c.Removed == null, cancellationToken);
            return named is null ? (null, Faults.NoSuchEntity(command, "clusterid", id))
                : named.PodId != podId ? (null, Faults.NotWithin($"Cluster {named.Name} ({id})", $"pod {pod.Name} ({podId})"))
                : (named, null);
        }

        var name = request.ClusterName?.ToLowerInvariant();
        var some = await db.Clusters.Where(c => c.PodId == podId && c.Removed == null && (name == null || c.Name.ToLower() == name)).Take(2).ToListAsync(cancellationToken);
        return some is [var only] ? (only, null)
            : name is not null ? (null, Faults.Invalid($"There is no cluster named {request.ClusterName} in pod {pod.Name} ({podId})"))
            : (null, Faults.Missing(command, "clusterid"));
    }

    private async Task<JoinTokenIssued> AddTokenAsync(Turn turn, Caller caller, ClusterId cluster, HostId? host, TimeSpan? lifetime, CancellationToken cancellationToken)
    {
        var token = new JoinToken(new Secret(_random.Next(32)), _authority.Fingerprint);
        var row = new JoinTokenRow
        {
            Id = new JoinTokenId(turn.NewId()),
            Hash = TokenHash.Of(token.Value.Reveal()),
            ClusterId = cluster,
            HostId = host,
            CreatedBy = caller.UserId,
            Created = turn.Now,
            Expires = turn.Now + (lifetime ?? TimeSpan.FromHours(1)),
        };
        await turn.Db.InsertAsync(row, token: cancellationToken);
        return new JoinTokenIssued(token.Reveal(), row.Id, row.Expires);
    }

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, HostRow host, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.Host, host.Id.Value, host.Name, null, cancellationToken);

    private static Task<HostRow?> FindAsync(Turn turn, HostId id, CancellationToken cancellationToken) =>
        turn.Db.Hosts.FirstOrDefaultAsync(h => h.Id == id && h.Removed == null, cancellationToken);
}
