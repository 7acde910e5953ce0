using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.ResourceDetails;

/// <inheritdoc/>
internal sealed class ResourceDetailOperations : IResourceDetailOperations
{
    // Lists of hundreds of resources answer the details of each.
    private const int MaxDetails = 100;
    private const int MaxNameLength = 255;

    private readonly TurnFactory _turns;
    private readonly EntityKinds _kinds;

    /// <summary>Made once per node.</summary>
    public ResourceDetailOperations(TurnFactory turns, EntityKinds kinds)
    {
        _turns = turns;
        _kinds = kinds;
    }

    /// <inheritdoc/>
    public Task<JobOutcome> AddAsync(
        Caller caller, DetailedKind kind, Guid resource, IReadOnlyDictionary<string, string> details, bool hidden, CancellationToken cancellationToken) => OnAsync(
        caller,
        kind,
        resource,
        ResourceDetailJobs.Add,
        "addResourceDetail",
        (entity, of) =>
        {
            if (details.Keys.Select(kind.WhyNot).FirstOrDefault(fault => fault is not null) is { } other)
            {
                return (null, other);
            }

            if (details.Keys.FirstOrDefault(key => key.Length > MaxNameLength) is { } longest)
            {
                return (null, Faults.Invalid($"The name of a detail has at most {MaxNameLength} characters: {longest}"));
            }

            var map = StoredText.Map(hidden ? entity.Hidden : entity.Shown);
            foreach (var (key, value) in details)
            {
                Take(map, key);
                map[key] = value;
            }

            var text = StoredText.Of(map);
            return map.Count > MaxDetails ? (null, Faults.Invalid($"{of} would have {map.Count} details; {MaxDetails} are kept"))
                : (hidden ? entity with { Hidden = text } : entity with { Shown = text }, null);
        },
        $"details {string.Join(", ", details.Keys)}",
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> RemoveAsync(Caller caller, DetailedKind kind, Guid resource, string? key, CancellationToken cancellationToken) => OnAsync(
        caller,
        kind,
        resource,
        ResourceDetailJobs.Remove,
        "removeResourceDetail",
        (entity, _) =>
        {
            if (key is not null && kind.WhyNot(key) is { } other)
            {
                return (null, other);
            }

            return (
                entity with
                {
                    Shown = Without(kind, entity.Shown, key),
                    Hidden = caller.IsRootAdmin ? Without(kind, entity.Hidden, key) : entity.Hidden,
                },
                null);
        },
        key is null ? "all details" : $"detail {key}",
        cancellationToken);

    private static string Without(DetailedKind kind, string details, string? key)
    {
        var map = StoredText.Map(details);
        foreach (var doomed in map.Keys.Where(k => key is null ? kind.WhyNot(k) is null : k.Equals(key, StringComparison.OrdinalIgnoreCase)).ToList())
        {
            map.Remove(doomed);
        }

        return StoredText.Of(map);
    }

    // Names are told apart whatever their case, as where they are read.
    private static void Take(SortedDictionary<string, string> map, string key)
    {
        if (map.Keys.FirstOrDefault(k => k.Equals(key, StringComparison.OrdinalIgnoreCase)) is { } same)
        {
            map.Remove(same);
        }
    }

    private Task<JobOutcome> OnAsync(
        Caller caller,
        DetailedKind kind,
        Guid resource,
        JobKind jobKind,
        string command,
        Func<DetailedEntity, string, (DetailedEntity? Changed, ApiFault? Fault)> change,
        string what,
        CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var owners = caller.Accounts(turn.Db);
            if (await kind.Entities(turn.Db).FirstOrDefaultAsync(e => e.Id == resource, ct) is not { } entity
                || (entity.Owner is { } owner && !await owners.AnyAsync(a => a.Id == owner, ct)))
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity(command, "resourceid", resource));
            }

            if (await kind.WhyNotNowAsync(turn, resource, ct) is { } notNow)
            {
                return new JobOutcome.Refused(notNow);
            }

            var of = $"{kind.Type} {resource}";
            var (changed, fault) = change(entity, of);
            if (changed is null)
            {
                return new JobOutcome.Refused(fault!);
            }

            if (changed != entity)
            {
                await kind.WriteAsync(turn, resource, changed.Shown, changed.Hidden, ct);
            }

            var name = _kinds.Of(new EntityReference(kind.IdType, IsToChange: true)).Name;
            var job = await turn.AddJobAsync(caller.AccountId, caller.UserId, jobKind, name, resource, $"{what} of {of}", turn.Timings.ChangeDeadline, ct);
            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, resource);
        },
        cancellationToken);
}
