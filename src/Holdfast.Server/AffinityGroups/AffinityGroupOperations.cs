using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.AffinityGroups;

/// <inheritdoc/>
internal sealed class AffinityGroupOperations : IAffinityGroupOperations
{
    private const int Longest = 255;

    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public AffinityGroupOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<JobOutcome> CreateAsync(Caller caller, string name, AffinityType type, string? description, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            if (await caller.WhyNotOwnerAsync(turn.Db, ct) is { } ended)
            {
                return new JobOutcome.Refused(ended);
            }

            if (string.IsNullOrWhiteSpace(name) || name.Length > Longest || name.Any(char.IsControl) || name.Contains(','))
            {
                return new JobOutcome.Refused(Faults.Invalid($"The name of an affinity group must have 1 to {Longest} printable characters and no comma, which lists of names are made with"));
            }

            var lower = name.Trim().ToLowerInvariant();
            if (await turn.Db.AffinityGroups.FirstOrDefaultAsync(g => g.AccountId == caller.AccountId && g.Name.ToLower() == lower, ct) is { } taken)
            {
                return new JobOutcome.Refused(Faults.Invalid($"Unable to create affinity group, a group with name {taken.Name} already exists: {taken.Id}"));
            }

            var row = new AffinityGroupRow
            {
                Id = new AffinityGroupId(turn.NewId()), AccountId = caller.AccountId, Name = name.Trim(), Type = type, Description = description, Created = turn.Now,
            };
            await turn.Db.InsertAsync(row, token: ct);
            return await DoneAsync(turn, caller, AffinityJobs.CreateAffinityGroup, row, "creating", ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DeleteAsync(Caller caller, AffinityGroupId id, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            var owners = caller.Accounts(turn.Db);
            var row = await turn.Db.AffinityGroups.FirstOrDefaultAsync(g => g.Id == id && owners.Any(a => a.Id == g.AccountId), ct);
            return row is null ? new JobOutcome.Refused(Faults.NoSuchEntity("deleteAffinityGroup", "id", id)) : await DeleteAsync(turn, caller, row, ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DeleteAsync(Caller caller, string name, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            if (await caller.WhyNotActForAsync(turn.Db, ct) is { } others)
            {
                return new JobOutcome.Refused(others);
            }

            var lower = name.Trim().ToLowerInvariant();
            var row = await turn.Db.AffinityGroups.FirstOrDefaultAsync(g => g.AccountId == caller.AccountId && g.Name.ToLower() == lower, ct);
            return row is null ? new JobOutcome.Refused(Faults.Invalid($"Unable to find affinity group {name}")) : await DeleteAsync(turn, caller, row, ct);
        },
        cancellationToken);

    private static async Task<JobOutcome> DeleteAsync(Turn turn, Caller caller, AffinityGroupRow row, CancellationToken cancellationToken)
    {
        await turn.Db.AffinityMembers.Where(m => m.GroupId == row.Id).DeleteAsync(cancellationToken);
        await turn.Db.AffinityGroups.Where(g => g.Id == row.Id).DeleteAsync(cancellationToken);
        return await DoneAsync(turn, caller, AffinityJobs.DeleteAffinityGroup, row, "deleting", cancellationToken);
    }

    private static async Task<JobOutcome> DoneAsync(Turn turn, Caller caller, JobKind kind, AffinityGroupRow row, string verb, CancellationToken cancellationToken)
    {
        var job = await turn.AddJobAsync(
            caller.AccountId, caller.UserId, kind, ResourceTypes.AffinityGroup, row.Id.Value, $"{verb} affinity group {row.Name} ({row.Id})", turn.Timings.ChangeDeadline, cancellationToken);
        await turn.CompleteJobAsync(job.Id, cancellationToken);
        return new JobOutcome.Accepted(job.Id, row.Id.Value);
    }
}
