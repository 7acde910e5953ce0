using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Tags;

/// <inheritdoc/>
internal sealed class TagOperations : ITagOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public TagOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<JobOutcome> CreateAsync(
        Caller caller, EntityKind kind, IReadOnlyList<Guid> resources, IReadOnlyDictionary<string, string> tags, string? customer, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var owners = await kind.OwnersAsync(turn.Db, resources, ct);
            if (Gone("createTags", resources, owners) is { } gone)
            {
                return new JobOutcome.Refused(gone);
            }

            var (ids, keys) = (resources.ToList(), tags.Keys.ToList());
            if (await turn.Db.Tags.FirstOrDefaultAsync(t => ids.Contains(t.ResourceId) && keys.Contains(t.Key), ct) is { } taken)
            {
                return new JobOutcome.Refused(Faults.Invalid($"tag {taken.Key} already on {kind.TagType} with id {taken.ResourceId}: its value is {taken.Value}"));
            }

            await turn.Db.InsertAllAsync(
                [
                    .. from id in resources
                       from tag in tags
                       select new TagRow { ResourceId = id, Key = tag.Key, Value = tag.Value, ResourceType = kind.TagType!, AccountId = owners[id], Customer = customer, Created = turn.Now },
                ],
                ct);
            return await DoneAsync(turn, caller, TagJobs.CreateTags, kind, resources, $"tags {string.Join(", ", keys)}", ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DeleteAsync(
        Caller caller, EntityKind kind, IReadOnlyList<Guid> resources, IReadOnlyList<OldTag>? tags, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            if (Gone("deleteTags", resources, await kind.OwnersAsync(turn.Db, resources, ct)) is { } gone)
            {
                return new JobOutcome.Refused(gone);
            }

            var ids = resources.ToList();
            var doomed = turn.Db.Tags.Where(t => ids.Contains(t.ResourceId));
            if (tags is null)
            {
                await doomed.DeleteAsync(ct);
            }

            foreach (var (key, value) in tags ?? [])
            {
                await doomed.Where(t => t.Key == key && (value == null || t.Value == value)).DeleteAsync(ct);
            }

            return await DoneAsync(turn, caller, TagJobs.DeleteTags, kind, resources, tags is null ? "all tags" : $"tags {string.Join(", ", tags.Select(t => t.Key))}", ct);
        },
        cancellationToken);

    private static ApiFault? Gone(string command, IReadOnlyList<Guid> resources, IReadOnlyDictionary<Guid, AccountId> owners) =>
        resources.Where(id => !owners.ContainsKey(id)).Select(id => (Guid?)id).FirstOrDefault() is { } gone ? Faults.NoSuchEntity(command, "resourceids", gone) : null;

    private static async Task<JobOutcome> DoneAsync(Turn turn, Caller caller, JobKind job, EntityKind kind, IReadOnlyList<Guid> resources, string what, CancellationToken cancellationToken)
    {
        var named = string.Join(", ", resources.Take(10)) + (resources.Count > 10 ? $" and {resources.Count - 10} more" : string.Empty);
        var row = await turn.AddJobAsync(caller.AccountId, caller.UserId, job, kind.Name, resources[0], $"{what} of {kind.TagType} {named}", turn.Timings.ChangeDeadline, cancellationToken);
        await turn.CompleteJobAsync(row.Id, cancellationToken);
        return new JobOutcome.Accepted(row.Id, resources[0]);
    }
}
