namespace Holdfast.Server.Store;

/// <summary>Which database. A closed hierarchy.</summary>
internal abstract record DatabaseOptions
{
    private DatabaseOptions()
    {
    }

    /// <summary>A SQLite file; one server node only.</summary>
    /// <param name="Path">The file; made when missing.</param>
    public sealed record Sqlite(string Path) : DatabaseOptions;

    /// <summary>PostgreSQL; any number of server nodes.</summary>
    /// <param name="ConnectionString">Npgsql connection string. Must reach the server directly: a pooler in transaction mode breaks LISTEN.</param>
    public sealed record PostgreSql(string ConnectionString) : DatabaseOptions;
}
