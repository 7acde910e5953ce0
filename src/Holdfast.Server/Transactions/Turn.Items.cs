using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using LinqToDB.Data;

namespace Holdfast.Server.Transactions;

/// <summary>The host document.</summary>
internal sealed partial class Turn
{
    /// <summary>
    /// Writes what a host should have. Takes the next revision of the host's document under the lock of its incarnation, so that revisions become visible in
    /// their order. An older or equal generation is a bug and refused.
    /// </summary>
    /// <param name="incarnation">The host's installation.</param>
    /// <param name="kind">The kind of item.</param>
    /// <param name="id">The item.</param>
    /// <param name="generation">Its new generation.</param>
    /// <param name="desired">What is wanted.</param>
    /// <param name="spec">The rest of what is wanted, as JSON.</param>
    /// <param name="expires">Until when the host may begin; null: always.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="isNew">Whether the host cannot have an item of this id.</param>
    /// <returns>The item's revision.</returns>
    public async Task<long> PutItemAsync(
        IncarnationId incarnation,
        ItemKind kind,
        Guid id,
        Generation generation,
        Desired desired,
        string? spec,
        DateTimeOffset? expires,
        CancellationToken cancellationToken,
        bool isNew = false)
    {
        var revision = await NextRevisionAsync(incarnation, cancellationToken);
        var updated = isNew ? 0 : await Db.HostItems
            .Where(i => i.IncarnationId == incarnation && i.Kind == kind && i.Id == id && i.Generation < generation)
            .Set(i => i.Revision, revision)
            .Set(i => i.Generation, generation)
            .Set(i => i.Desired, desired)
            .Set(i => i.Spec, spec)
            .Set(i => i.Expires, expires)
            .UpdateAsync(cancellationToken);
        if (updated == 0)
        {
            await Db.InsertAsync(
                new HostItemRow
                {
                    IncarnationId = incarnation,
                    Kind = kind,
                    Id = id,
                    Revision = revision,
                    Generation = generation,
                    Desired = desired,
                    Spec = spec,
                    Expires = expires,
                    Created = Now,
                },
                token: cancellationToken);
        }

        Db.IsStep = true;
        await SignalAsync(incarnation.Value, cancellationToken);
        return revision;
    }

    /// <summary>
    /// Takes a storage pool for this turn, unless another node works on it just now; on SQLite nobody does. For work in steps, where two that do the same one after the other
    /// would only undo each other; that nothing is done twice is the transaction's own to see to.
    /// </summary>
    public async Task<bool> TryTakeAsync(PoolId pool, CancellationToken cancellationToken) =>
        !_services.Database.IsShared
            || await Db.ExecuteAsync<string?>("SELECT id FROM storage_pools WHERE id = :pool FOR UPDATE SKIP LOCKED", cancellationToken, new DataParameter("pool", pool.ToString(), DataType.Text)) is not null;

    /// <summary>Whether an installation may still speak.</summary>
    public Task<bool> IsActiveAsync(IncarnationId incarnation, CancellationToken cancellationToken) =>
        Db.Incarnations.AnyAsync(i => i.Id == incarnation && i.State == Core.States.IncarnationState.Active, cancellationToken);

    private async Task<long> NextRevisionAsync(IncarnationId incarnation, CancellationToken cancellationToken)
    {
        var written = Db.Incarnations
            .Where(i => i.Id == incarnation)
            .Set(i => i.Revision, i => i.Revision + 1)
            .UpdateWithOutputAsync((_, now) => now.Revision);
        await foreach (var revision in written.WithCancellation(cancellationToken))
        {
            return revision;
        }

        throw new InvalidOperationException($"Installation {incarnation} is not on record.");
    }
}
