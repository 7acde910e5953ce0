using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Annotations;

/// <inheritdoc/>
internal sealed class AnnotationOperations : IAnnotationOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public AnnotationOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<AnnotationRow>> AddAsync(Caller caller, EntityKind kind, Guid entity, string text, bool adminsOnly, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<AnnotationRow>>(
        async (turn, ct) => new Outcome<AnnotationRow>.Done(await turn.Part<AnnotationBook>().AddAsync(caller, kind.AnnotationType!, entity, text, adminsOnly, ct)),
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<AnnotationRow>> RemoveAsync(Caller caller, AnnotationId id, CancellationToken cancellationToken) => OnAsync(
        caller,
        id,
        "removeAnnotation",
        async (turn, row, ct) =>
        {
            await turn.Db.Annotations.Where(a => a.Id == id).DeleteAsync(ct);
            return row;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<AnnotationRow>> ShowAsync(Caller caller, AnnotationId id, bool adminsOnly, CancellationToken cancellationToken) => OnAsync(
        caller,
        id,
        "updateAnnotationVisibility",
        async (turn, row, ct) =>
        {
            var changed = row with { AdminsOnly = adminsOnly };
            await turn.Db.UpdateAsync(changed, token: ct);
            return changed;
        },
        cancellationToken);

    private Task<Outcome<AnnotationRow>> OnAsync(
        Caller caller, AnnotationId id, string command, Func<Turn, AnnotationRow, CancellationToken, Task<AnnotationRow>> work, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<AnnotationRow>>(
        async (turn, ct) =>
        {
            var (all, user) = (caller.IsRootAdmin, caller.UserId);
            return await turn.Db.Annotations.FirstOrDefaultAsync(a => a.Id == id && (all || a.UserId == user), ct) is { } row
                ? new Outcome<AnnotationRow>.Done(await work(turn, row, ct))
                : new Outcome<AnnotationRow>.Refused(Faults.NoSuchEntity(command, "id", id));
        },
        cancellationToken);
}
