using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.InstanceGroups;

/// <inheritdoc/>
internal sealed class InstanceGroupOperations : IInstanceGroupOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public InstanceGroupOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<InstanceGroupId>> CreateAsync(Caller caller, string name, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<InstanceGroupId>>(
        async (turn, ct) =>
        {
            if (await caller.WhyNotOwnerAsync(turn.Db, ct) is { } ended)
            {
                return new Outcome<InstanceGroupId>.Refused(ended);
            }

            if (await NameFaultAsync(turn, caller.AccountId, name, null, ct) is { } fault)
            {
                return new Outcome<InstanceGroupId>.Refused(fault);
            }

            var row = await turn.Part<InstanceGroupBook>().AddAsync(caller.AccountId, name, ct);
            await TellAsync(turn, caller, EventTypes.InstanceGroupCreate, $"Created group {row.Name} ({row.Id})", row, ct);
            return new Outcome<InstanceGroupId>.Done(row.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<InstanceGroupId>> UpdateAsync(Caller caller, InstanceGroupId id, string? name, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<InstanceGroupId>>(
        async (turn, ct) =>
        {
            if (await FindAsync(turn, caller, id, ct) is not { } row)
            {
                return new Outcome<InstanceGroupId>.Refused(Faults.NoSuchEntity("updateInstanceGroup", "id", id));
            }

            if (name is null)
            {
                return new Outcome<InstanceGroupId>.Done(id);
            }

            if (await NameFaultAsync(turn, row.AccountId, name, id, ct) is { } fault)
            {
                return new Outcome<InstanceGroupId>.Refused(fault);
            }

            var changed = row with { Name = name.Trim() };
            await turn.Db.UpdateAsync(changed, token: ct);
            await TellAsync(turn, caller, EventTypes.InstanceGroupUpdate, $"Renamed group {row.Name} ({id}) to {changed.Name}", changed, ct);
            return new Outcome<InstanceGroupId>.Done(id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, InstanceGroupId id, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            if (await FindAsync(turn, caller, id, ct) is not { } row)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteInstanceGroup", "id", id));
            }

            await turn.Db.Vms.Where(v => v.GroupId == id).Set(v => v.GroupId, (InstanceGroupId?)null).UpdateAsync(ct);
            await turn.Db.InstanceGroups.Where(g => g.Id == id).DeleteAsync(ct);
            await TellAsync(turn, caller, EventTypes.InstanceGroupDelete, $"Deleted group {row.Name} ({id})", row, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    private static Task<InstanceGroupRow?> FindAsync(Turn turn, Caller caller, InstanceGroupId id, CancellationToken cancellationToken)
    {
        var owners = caller.Accounts(turn.Db);
        return turn.Db.InstanceGroups.FirstOrDefaultAsync(g => g.Id == id && owners.Any(a => a.Id == g.AccountId), cancellationToken);
    }

    private static async Task<ApiFault?> NameFaultAsync(Turn turn, AccountId account, string name, InstanceGroupId? except, CancellationToken cancellationToken) =>
        InstanceGroupBook.NameFault(name) is { } fault ? fault
        : await turn.Part<InstanceGroupBook>().FindAsync(account, name, cancellationToken) is { } taken && taken.Id != except
            ? Faults.Invalid($"The account has a group named {taken.Name} already: {taken.Id}")
            : null;

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, InstanceGroupRow row, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, row.AccountId, caller.UserId, ResourceTypes.InstanceGroup, row.Id.Value, row.Name, null, cancellationToken);
}
