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

        var total = IsEndOf(page, limit, rows.Count) ? page.Offset + rows.Count : await ordered.CountAsync(cancellationToken);
        return new Listing<T>(rows, total);
    }

    /// <summary>
    /// Reads a page of a long list: which rows are on it is found first, from an index where there is one, and only of those the rest is read. One statement all the same,
    /// and one more when the page is full.
    /// </summary>
    /// <param name="ids">The whole list, in an order without ties.</param>
    /// <param name="rows">The rows of some ids, in the same order. Begins with the ids: PostgreSQL takes many joins in the order in which they are written.</param>
    /// <param name="page">Which part.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public static async Task<Listing<T>> ReadAsync<TId, T>(IQueryable<TId> ids, Func<IQueryable<TId>, IQueryable<T>> rows, Page page, CancellationToken cancellationToken)
    {
        if (page.Limit is not { } limit)
        {
            var all = await rows(ids).ToListAsync(cancellationToken);
            return new Listing<T>(all, all.Count);
        }

        var some = await rows(ids.Skip(page.Offset).Take(limit)).ToListAsync(cancellationToken);
        var total = IsEndOf(page, limit, some.Count) ? page.Offset + some.Count : await ids.CountAsync(cancellationToken);
        return new Listing<T>(some, total);
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

    // A page that is not full shows where the list ends; an empty one may lie beyond the end.
    private static bool IsEndOf(Page page, int limit, int rows) => rows < limit && (rows > 0 || page.Offset == 0);
}
