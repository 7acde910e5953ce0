using System.Data.Common;
using LinqToDB.Internal.Common;
using LinqToDB.Internal.Options;

namespace Holdfast.Server.Store;

/// <summary>
/// The connection that a <see cref="StoreConnection"/> works on, handed to linq2db as an option of ours. Given the way linq2db has for it, the connection's string becomes
/// part of the key of every compiled query, and a process with many databases one after another (tests, World) compiles all queries anew for each: 15 ms and more a query.
/// All our databases have one schema.
/// </summary>
internal sealed record OpenConnection : IOptionSet
{
    /// <summary>Open; disposed of with the <see cref="StoreConnection"/>. Null in linq2db's default of the option only, which nobody asks.</summary>
    public DbConnection? Connection { get; init; }

    // One number for all is the point.
    int IConfigurationID.ConfigurationID => 0;

    IOptionSet IOptionSet.Default => this;
}
