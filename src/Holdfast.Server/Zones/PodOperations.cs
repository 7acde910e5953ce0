using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Zones;

/// <inheritdoc/>
internal sealed class PodOperations : IPodOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public PodOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<PodId>> CreateAsync(Caller caller, ZoneId zoneId, PodChange pod, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            if (!await turn.Db.Zones.AnyAsync(z => z.Id == zoneId && z.Removed == null, ct))
            {
                return Refused(Faults.NoSuchEntity("createPod", "zoneid", zoneId));
            }

            var (row, fault) = await ChangedAsync(
                turn.Db, new PodRow { Id = new PodId(turn.NewId()), ZoneId = zoneId, Name = string.Empty, AllocationState = AllocationStates.Enabled, Created = turn.Now }, pod, ct);
            if (row is null)
            {
                return Refused(fault!);
            }

            await turn.Db.InsertAsync(row, token: ct);
            await TellAsync(turn, caller, EventTypes.PodCreate, $"Pod {row.Name} ({row.Id}) was made", row, ct);
            return new Outcome<PodId>.Done(row.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<PodId>> UpdateAsync(Caller caller, PodId id, PodChange change, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            if (await FindAsync(turn.Db, id, ct) is not { } pod)
            {
                return Refused(Faults.NoSuchEntity("updatePod", "id", id));
            }

            var (changed, fault) = await ChangedAsync(turn.Db, pod, change, ct);
            if (changed is null)
            {
                return Refused(fault!);
            }

            await turn.Db.UpdateAsync(changed, token: ct);
            await TellAsync(turn, caller, EventTypes.PodEdit, $"Pod {changed.Name} ({id}) was changed{ZoneOperations.StateText(pod.AllocationState, changed.AllocationState)}", changed, ct);
            return new Outcome<PodId>.Done(id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, PodId id, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var db = turn.Db;
            if (await FindAsync(db, id, ct) is not { } pod)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deletePod", "id", id));
            }

            var contents = db.Clusters.Where(c => c.PodId == id && c.Removed == null).Select(c => new PlaceContent { What = "cluster", Name = c.Name, Id = StoreSql.Plain(c.Id) })
                .Concat(PlaceContents.Of(db.Hosts.Where(h => h.PodId == id)))
                .Concat(PlaceContents.Of(db.StoragePools.Where(p => p.PodId == id)));
            if (await PlaceContents.WhyNotDeletedAsync($"Pod {pod.Name} ({id})", contents, ct) is { } inUse)
            {
                return new Outcome<Success>.Refused(inUse);
            }

            await db.UpdateAsync(pod with { Removed = turn.Now }, token: ct);
            await TellAsync(turn, caller, EventTypes.PodDelete, $"Pod {pod.Name} ({id}) was deleted", pod, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    private static Outcome<PodId> Refused(ApiFault fault) => new Outcome<PodId>.Refused(fault);

    private static Task<PodRow?> FindAsync(StoreConnection db, PodId id, CancellationToken cancellationToken) =>
        db.Pods.FirstOrDefaultAsync(p => p.Id == id && p.Removed == null, cancellationToken);

    private static async Task<(PodRow? Row, ApiFault? Fault)> ChangedAsync(StoreConnection db, PodRow pod, PodChange change, CancellationToken cancellationToken)
    {
        if (((change.Name is { } text ? PlaceNames.NameFault("name", text) : null) ?? PlaceNames.StateFault(change.AllocationState)) is { } fault)
        {
            return (null, fault);
        }

        var told = change.Addresses;
        var (addresses, badAddresses) = new PodAddresses(told.Gateway ?? pod.Gateway, told.Netmask ?? pod.Netmask, told.Start ?? pod.StartIp, told.End ?? pod.EndIp).Read();
        if (addresses is null)
        {
            return (null, badAddresses);
        }

        var (zone, id, lower) = (pod.ZoneId, pod.Id, change.Name?.Trim().ToLowerInvariant());
        return lower is not null && await db.Pods.AnyAsync(p => p.ZoneId == zone && p.Name.ToLower() == lower && p.Id != id && p.Removed == null, cancellationToken)
            ? (null, Faults.Invalid($"There is a pod named {change.Name!.Trim()} in the zone already"))
            : (pod with
            {
                Name = change.Name?.Trim() ?? pod.Name,
                AllocationState = change.AllocationState is { } state ? AllocationStates.Read(state)! : pod.AllocationState,
                Gateway = addresses.Gateway,
                Netmask = addresses.Netmask,
                StartIp = addresses.Start,
                EndIp = addresses.End,
            }, null);
    }

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, PodRow pod, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.Pod, pod.Id.Value, pod.Name, null, cancellationToken);
}
