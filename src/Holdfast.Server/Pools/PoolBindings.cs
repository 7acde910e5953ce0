using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Obligations;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <summary>Storage pools on hosts.</summary>
internal sealed class PoolBindings : TurnPart, ITurnPart<PoolBindings>
{
    private const int HostsAtOnce = 500;

    private PoolBindings(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static PoolBindings Of(Turn turn) => new(turn);

    /// <summary>Makes the bindings of a pool on installations of hosts. The same few statements for one and for five hundred.</summary>
    public async Task AddBindingsAsync(StoragePoolRow pool, IReadOnlyCollection<(HostId Host, IncarnationId Incarnation)> hosts, CancellationToken cancellationToken)
    {
        var desired = pool.State is PoolState.Maintenance or PoolState.PrepareForMaintenance ? Desired.Quiesced : Desired.Attached;
        await Db.InsertAllAsync(
            [
                .. hosts.Select(h => new BindingRow
                {
                    IncarnationId = h.Incarnation,
                    PoolId = pool.Id,
                    HostId = h.Host,
                    Generation = Generation.First,
                    Desired = desired,
                    ControlPlane = PlaneHealth.Unknown,
                    DataPlane = PlaneHealth.Unknown,
                    CanAttachLocally = false,
                    Conditions = "[]",
                    Since = Now,
                    Created = Now,
                }),
            ],
            cancellationToken);
        foreach (var part in hosts.Select(h => h.Incarnation).Chunk(HostsAtOnce))
        {
            // As in Turn.PutItemAsync: the lock of its incarnation makes the revisions of a document visible in their order.
            await Db.Incarnations.Where(i => part.Contains(i.Id)).Set(i => i.Revision, i => i.Revision + 1).UpdateAsync(cancellationToken);
            var revisions = await Db.Incarnations.Where(i => part.Contains(i.Id)).OrderBy(i => i.Id).Select(i => new { i.Id, i.Revision }).ToListAsync(cancellationToken);
            await Db.InsertAllAsync(
                [
                    .. revisions.Select(i => new HostItemRow
                    {
                        IncarnationId = i.Id,
                        Kind = ItemKind.Binding,
                        Id = pool.Id.Value,
                        Revision = i.Revision,
                        Generation = Generation.First,
                        Desired = desired,
                        Created = Now,
                    }),
                ],
                cancellationToken);
        }

        Db.IsStep |= hosts.Count > 0;
        await Turn.SignalAsync([.. hosts.Select(h => h.Incarnation.Value)], cancellationToken);
    }

    /// <summary>Tells every installation that has the pool what should be, as a new generation of its binding. Hosts that are away are told when they come back.</summary>
    public async Task TellBindingsAsync(PoolId pool, Desired desired, CancellationToken cancellationToken)
    {
        // Statements for the pool, not for each of its hosts: the same few for one host and for a thousand.
        var told = Db.Bindings.Where(b => b.PoolId == pool && b.Absent == null);
        var incarnations = await told.Select(b => b.IncarnationId).ToListAsync(cancellationToken);
        if (incarnations.Count > 0)
        {
            await told
                .Set(b => b.Generation, b => StoreSql.Next(b.Generation))
                .Set(b => b.Desired, desired)
                .Set(b => b.Since, Now)
                .UpdateAsync(cancellationToken);

            // As in PutItemAsync: the lock of its incarnation makes the revisions of a document visible in their order.
            await Db.Incarnations
                .Where(i => told.Any(b => b.IncarnationId == i.Id))
                .Set(i => i.Revision, i => i.Revision + 1)
                .UpdateAsync(cancellationToken);
            var items = await Db.HostItems
                .Where(i => i.Kind == ItemKind.Binding && i.Id == pool.Value && told.Any(b => b.IncarnationId == i.IncarnationId))
                .Set(i => i.Revision, i => Db.Incarnations.Where(n => n.Id == i.IncarnationId).Select(n => n.Revision).First())
                .Set(i => i.Generation, i => told.Where(b => b.IncarnationId == i.IncarnationId).Select(b => b.Generation).First())
                .Set(i => i.Desired, desired)
                .Set(i => i.Spec, (string?)null)
                .Set(i => i.Expires, (DateTimeOffset?)null)
                .UpdateAsync(cancellationToken);
            if (items < incarnations.Count)
            {
                // A binding whose item is missing must be told all the same, or it could never be confirmed.
                var missing = await told
                    .Where(b => !Db.HostItems.Any(i => i.Kind == ItemKind.Binding && i.Id == pool.Value && i.IncarnationId == b.IncarnationId))
                    .Select(b => new { b.IncarnationId, b.Generation })
                    .ToListAsync(cancellationToken);
                foreach (var binding in missing)
                {
                    await Turn.PutItemAsync(binding.IncarnationId, ItemKind.Binding, pool.Value, binding.Generation, desired, null, null, cancellationToken);
                }
            }
        }

        await Turn.SignalAsync([.. incarnations.Select(i => i.Value), pool.Value], cancellationToken);
    }

    /// <summary>
    /// Takes one host out of the reckoning of a removal, because a named person says so. The host goes on trying, and tells when it is done; what it owed will be
    /// done by nobody.
    /// </summary>
    public async Task AbsolveAsync(StoragePoolRow pool, HostRow host, BindingRow binding, string by, string why, CancellationToken cancellationToken)
    {
        await Db.UpdateAsync(binding with { Absent = Now, Absolved = why, AbsolvedBy = by, Since = Now }, token: cancellationToken);
        await Turn.TellSystemAsync(
            EventTypes.BindingAbsolved,
            EventLevel.Warn,
            $"{by} absolved host {host.Name} ({host.Id}) of storage pool {pool.Name} ({pool.Id}): {why}{(binding.DriverPid is { } pid ? $". Process {pid} of its driver may still be there" : string.Empty)}",
            ResourceTypes.StoragePool,
            pool.Id.Value,
            pool.Name,
            cancellationToken);
        var owed = await Db.Obligations.Where(o => o.PoolId == pool.Id && o.IncarnationId == binding.IncarnationId && o.State == ObligationState.Owed).ToListAsync(cancellationToken);
        await Turn.Part<ObligationDesk>().OrphanAsync(owed, $"will be done by nobody: its storage pool was removed, and {by} absolved the host that owed it", cancellationToken);
        Turn.Mark(pool.Id);
    }
}
