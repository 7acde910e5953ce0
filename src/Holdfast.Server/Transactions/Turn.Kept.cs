using System.Collections.Concurrent;
using System.Reflection;
using LinqToDB.Mapping;

namespace Holdfast.Server.Transactions;

/// <summary>
/// Facts are loaded once in a transaction and kept while planners take their rounds: nobody else's writes are seen in it, and its own are noted by table. What was read of
/// a table is read again only after this turn has written to it.
/// </summary>
internal sealed partial class Turn
{
    private static readonly ConcurrentDictionary<Type, string> TableNames = new();

    private readonly Dictionary<(string What, object Key), (int Version, object? Value)> _kept = [];

    /// <summary>What a query gives, from this turn's memory if nothing was written to its tables meanwhile. The value must not be changed.</summary>
    /// <param name="what">The query.</param>
    /// <param name="key">Its parameters; compared by value.</param>
    /// <param name="load">Asks the database.</param>
    /// <param name="rows">The rows of the tables that the query reads.</param>
    /// <typeparam name="T">What it gives.</typeparam>
    public async Task<T> KeptAsync<T>(string what, object key, Func<Task<T>> load, params Type[] rows)
    {
        var version = Db.Writes.VersionOf(rows.Select(TableOf));
        if (_kept.TryGetValue((what, key), out var kept) && kept.Version == version)
        {
            return (T)kept.Value!;
        }

        var value = await load();
        _kept[(what, key)] = (version, value);
        return value;
    }

    /// <summary>What is remembered of a query and still holds; null: nothing.</summary>
    /// <param name="what">The query.</param>
    /// <param name="key">Its parameters.</param>
    /// <param name="rows">The rows of the tables that the query reads.</param>
    /// <typeparam name="T">What it gives.</typeparam>
    public T? Kept<T>(string what, object key, params Type[] rows)
        where T : class => _kept.TryGetValue((what, key), out var kept) && kept.Version == Db.Writes.VersionOf(rows.Select(TableOf)) ? (T?)kept.Value : null;

    /// <summary>Remembers what a query would give now, because this turn has just written it.</summary>
    /// <param name="what">The query.</param>
    /// <param name="key">Its parameters.</param>
    /// <param name="value">What it would give.</param>
    /// <param name="rows">The rows of the tables that the query reads.</param>
    /// <typeparam name="T">What it gives.</typeparam>
    public void Keep<T>(string what, object key, T value, params Type[] rows) => _kept[(what, key)] = (Db.Writes.VersionOf(rows.Select(TableOf)), value);

    private static string TableOf(Type row) => TableNames.GetOrAdd(
        row, static type => type.GetCustomAttribute<TableAttribute>()?.Name ?? throw new InvalidOperationException($"{type} is no row of a table."));
}
