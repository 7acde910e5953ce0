using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Transactions;

/// <summary>The host document.</summary>
internal sealed partial class Turn
{
    /// <summary>
    /// Writes what a host should have. Takes the next revision of the host's document under the lock of its incarnation, so that revisions become visible in
    /// their order. An older or equal generation is a bug and refused.
    /// </summary>
    public async Task PutItemAsync(
        IncarnationId incarnation,
        ItemKind kind,
        Guid id,
        Generation generation,
        Desired desired,
        string? spec,
        DateTimeOffset? expires,
        CancellationToken cancellationToken)
    {
        var revision = await NextRevisionAsync(incarnation, cancellationToken);
        var updated = await Db.HostItems
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
    }

    /// <summary>Whether an installation may still speak.</summary>
    public Task<bool> IsActiveAsync(IncarnationId incarnation, CancellationToken cancellationToken) =>
        Db.Incarnations.AnyAsync(i => i.Id == incarnation && i.State == Core.States.IncarnationState.Active, cancellationToken);

    private async Task<long> NextRevisionAsync(IncarnationId incarnation, CancellationToken cancellationToken)
    {
        await Db.Incarnations
            .Where(i => i.Id == incarnation)
            .Set(i => i.Revision, i => i.Revision + 1)
            .UpdateAsync(cancellationToken);
        return await Db.Incarnations.Where(i => i.Id == incarnation).Select(i => i.Revision).SingleAsync(cancellationToken);
    }
}
