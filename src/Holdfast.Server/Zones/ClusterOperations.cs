using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Zones;

/// <inheritdoc/>
internal sealed class ClusterOperations : IClusterOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public ClusterOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<ClusterId>> AddAsync(Caller caller, ZoneId zoneId, PodId podId, string name, string? allocationState, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            const string command = "addCluster";
            var db = turn.Db;
            if (await db.Zones.FirstOrDefaultAsync(z => z.Id == zoneId && z.Removed == null, ct) is not { } zone)
            {
                return Refused(Faults.NoSuchEntity(command, "zoneid", zoneId));
            }

            if (await db.Pods.FirstOrDefaultAsync(p => p.Id == podId && p.Removed == null, ct) is not { } pod)
            {
                return Refused(Faults.NoSuchEntity(command, "podid", podId));
            }

            if (pod.ZoneId != zoneId)
            {
                return Refused(Faults.NotWithin($"Pod {pod.Name} ({podId})", $"zone {zone.Name} ({zoneId})"));
            }

            var row = new ClusterRow
            {
                Id = new ClusterId(turn.NewId()),
                ZoneId = zoneId,
                PodId = podId,
                Name = name.Trim(),
                Hypervisor = "KVM",
                AllocationState = AllocationStates.Enabled,
                Created = turn.Now,
            };
            if (await FaultAsync(db, row, name, allocationState, ct) is { } fault)
            {
                return Refused(fault);
            }

            row = row with { AllocationState = allocationState is null ? row.AllocationState : AllocationStates.Read(allocationState)! };
            await db.InsertAsync(row, token: ct);
            await TellAsync(turn, caller, EventTypes.ClusterCreate, $"Cluster {row.Name} ({row.Id}) was made", row, ct);
            return new Outcome<ClusterId>.Done(row.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<ClusterId>> UpdateAsync(Caller caller, ClusterId id, string? name, string? allocationState, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            var db = turn.Db;
            if (await FindAsync(db, id, ct) is not { } cluster)
            {
                return Refused(Faults.NoSuchEntity("updateCluster", "id", id));
            }

            if (await FaultAsync(db, cluster, name, allocationState, ct) is { } fault)
            {
                return Refused(fault);
            }

            var changed = cluster with
            {
                Name = name?.Trim() ?? cluster.Name,
                AllocationState = allocationState is null ? cluster.AllocationState : AllocationStates.Read(allocationState)!,
            };
            await db.UpdateAsync(changed, token: ct);
            await TellAsync(turn, caller, EventTypes.ClusterEdit, $"Cluster {changed.Name} ({id}) was changed{ZoneOperations.StateText(cluster.AllocationState, changed.AllocationState)}", changed, ct);
            return new Outcome<ClusterId>.Done(id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, ClusterId id, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var db = turn.Db;
            if (await FindAsync(db, id, ct) is not { } cluster)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteCluster", "id", id));
            }

            var contents = PlaceContents.Of(db.Hosts.Where(h => h.ClusterId == id))
                .Concat(PlaceContents.Of(db.StoragePools.Where(p => p.ClusterId == id)))
                .Concat(PlaceContents.Of(db.Vms.Where(v => v.OnlyClusterId == id)));
            if (await PlaceContents.WhyNotDeletedAsync($"Cluster {cluster.Name} ({id})", contents, ct) is { } inUse)
            {
                return new Outcome<Success>.Refused(inUse);
            }

            await db.UpdateAsync(cluster with { Removed = turn.Now }, token: ct);
            await TellAsync(turn, caller, EventTypes.ClusterDelete, $"Cluster {cluster.Name} ({id}) was deleted", cluster, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    private static Outcome<ClusterId> Refused(ApiFault fault) => new Outcome<ClusterId>.Refused(fault);

    private static Task<ClusterRow?> FindAsync(StoreConnection db, ClusterId id, CancellationToken cancellationToken) =>
        db.Clusters.FirstOrDefaultAsync(c => c.Id == id && c.Removed == null, cancellationToken);

    private static async Task<ApiFault?> FaultAsync(StoreConnection db, ClusterRow cluster, string? name, string? state, CancellationToken cancellationToken)
    {
        if (((name is null ? null : PlaceNames.NameFault("clustername", name)) ?? PlaceNames.StateFault(state)) is { } fault)
        {
            return fault;
        }

        var (pod, id, lower) = (cluster.PodId, cluster.Id, name?.Trim().ToLowerInvariant());
        return lower is not null && await db.Clusters.AnyAsync(c => c.PodId == pod && c.Name.ToLower() == lower && c.Id != id && c.Removed == null, cancellationToken)
            ? Faults.Invalid($"There is a cluster named {name!.Trim()} in the pod already")
            : null;
    }

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, ClusterRow cluster, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.Cluster, cluster.Id.Value, cluster.Name, null, cancellationToken);
}
