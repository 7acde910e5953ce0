using Holdfast.Server.Api.Transport;
using LinqToDB.Async;

namespace Holdfast.Server.Api.Commands;

/// <summary>A page of a list and how many rows the whole list has.</summary>
/// <typeparam name="T">A row.</typeparam>
/// <param name="Rows">The page.</param>
/// <param name="Total">Rows of the whole list.</param>
internal sealed record Listing<T>(IReadOnlyList<T> Rows, int Total);

/// <summary>Reads lists.</summary>
internal static class Listing
{
    /// <summary>Ids put into one query.</summary>
    public const int IdsPerQuery = 500;

    /// <summary>Reads a page.</summary>
    /// <param name="ordered">The whole list, in an order without ties.</param>
    /// <param name="page">Which part.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public static async Task<Listing<T>> ReadAsync<T>(IQueryable<T> ordered, Page page, CancellationToken cancellationToken)
    {
        if (page.Limit is not { } limit)
        {
            var all = await ordered.ToListAsync(cancellationToken);
            return new Listing<T>(all, all.Count);
        }

        var rows = await ordered.Skip(page.Offset).Take(limit).ToListAsync(cancellationToken);

        // A page that is not full shows where the list ends; an empty one may lie beyond the end.
        var total = rows.Count < limit && (rows.Count > 0 || page.Offset == 0)
            ? page.Offset + rows.Count
            : await ordered.CountAsync(cancellationToken);
        return new Listing<T>(rows, total);
    }

    /// <summary>Reads what belongs to the rows of a page, a fixed number of ids a query.</summary>
    /// <param name="ids">Ids of the page's rows.</param>
    /// <param name="read">Makes the query for some of the ids.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public static async Task<List<TChild>> ChildrenAsync<TId, TChild>(
        IEnumerable<TId> ids,
        Func<TId[], IQueryable<TChild>> read,
        CancellationToken cancellationToken)
    {
        var children = new List<TChild>();
        foreach (var chunk in ids.Distinct().Chunk(IdsPerQuery))
        {
            children.AddRange(await read(chunk).ToListAsync(cancellationToken));
        }

        return children;
    }
}
