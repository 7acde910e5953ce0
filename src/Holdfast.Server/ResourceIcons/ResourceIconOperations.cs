using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.ResourceIcons;

/// <inheritdoc/>
internal sealed class ResourceIconOperations : IResourceIconOperations
{
    private const int Named = 10;

    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public ResourceIconOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<Success>> UploadAsync(Caller caller, EntityKind kind, IReadOnlyList<Guid> resources, string image, CancellationToken cancellationToken) => OnAsync(
        caller,
        kind,
        resources,
        "uploadResourceIcon",
        (EventTypes.ResourceIconUpload, "Gave an icon to"),
        (turn, ct) => turn.Db.InsertAllAsync(
            [.. resources.Select(id => new ResourceIconRow { ResourceId = id, ResourceType = kind.IconType!, Image = image, Created = turn.Now })], ct),
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, EntityKind kind, IReadOnlyList<Guid> resources, CancellationToken cancellationToken) => OnAsync(
        caller,
        kind,
        resources,
        "deleteResourceIcon",
        (EventTypes.ResourceIconDelete, "Took the icon from"),
        (_, _) => Task.CompletedTask,
        cancellationToken);

    private Task<Outcome<Success>> OnAsync(
        Caller caller,
        EntityKind kind,
        IReadOnlyList<Guid> resources,
        string command,
        (string Type, string Text) told,
        Func<Turn, CancellationToken, Task> give,
        CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var ids = resources.ToList();
            var there = await kind.There(turn.Db).Where(id => ids.Contains(id)).ToListAsync(ct);
            if (ids.Where(id => !there.Contains(id)).Select(id => (Guid?)id).FirstOrDefault() is { } gone)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity(command, "resourceids", gone));
            }

            await turn.Db.ResourceIcons.Where(i => ids.Contains(i.ResourceId)).DeleteAsync(ct);
            await give(turn, ct);
            var named = string.Join(", ", resources.Take(Named)) + (resources.Count > Named ? $" and {resources.Count - Named} more" : string.Empty);
            await turn.TellAsync(
                told.Type, EventLevel.Info, EventState.Completed, $"{told.Text} {kind.IconType} {named}", caller.AccountId, caller.UserId, kind.Name, resources[0], null, null, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);
}
