using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Zones;

/// <summary>Something that is in a zone, pod or cluster and keeps it from being deleted.</summary>
internal sealed record PlaceContent
{
    /// <summary>What it is, in words.</summary>
    public required string What { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its id.</summary>
    public required Guid Id { get; init; }
}

/// <summary>What a place still has.</summary>
internal static class PlaceContents
{
    // A text that a person can read, whatever the size of the place.
    private const int Named = 10;

    /// <summary>Why a place cannot be deleted; null: nothing is in it.</summary>
    /// <param name="place">The place, as texts name it.</param>
    /// <param name="contents">What is in it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<ApiFault?> WhyNotDeletedAsync(string place, IQueryable<PlaceContent> contents, CancellationToken cancellationToken)
    {
        var some = await contents.OrderBy(c => c.What).ThenBy(c => c.Name).ThenBy(c => c.Id).Take(Named).ToListAsync(cancellationToken);
        if (some.Count == 0)
        {
            return null;
        }

        var more = some.Count < Named ? 0 : await contents.CountAsync(cancellationToken) - Named;
        return Faults.Runtime($"{place} cannot be deleted, because it still has: {string.Join(", ", some.Select(c => $"{c.What} {c.Name} ({c.Id})"))}{(more > 0 ? $" and {more} more" : string.Empty)}");
    }

    /// <summary>The storage pools among them.</summary>
    public static IQueryable<PlaceContent> Of(IQueryable<StoragePoolRow> pools) =>
        pools.Where(p => p.Removed == null).Select(p => new PlaceContent { What = "storage pool", Name = p.Name, Id = StoreSql.Plain(p.Id) });

    /// <summary>The hosts among them.</summary>
    public static IQueryable<PlaceContent> Of(IQueryable<HostRow> hosts) =>
        hosts.Where(h => h.Removed == null).Select(h => new PlaceContent { What = "host", Name = h.Name, Id = StoreSql.Plain(h.Id) });

    /// <summary>The VMs among them.</summary>
    public static IQueryable<PlaceContent> Of(IQueryable<VmRow> vms) =>
        vms.Where(v => v.Removed == null).Select(v => new PlaceContent { What = "VM", Name = v.Name, Id = StoreSql.Plain(v.Id) });
}
