using Holdfast.Core.Ids;
using LinqToDB;

namespace Holdfast.Server.Store;

/// <summary>What statements on many rows need and no property translates to.</summary>
internal static class StoreSql
{
    /// <summary>The next generation, in SQL only.</summary>
    [Sql.Expression("({0} + 1)", ServerSideOnly = true, IsNullable = Sql.IsNullableType.NotNullable)]
    public static Generation Next(Generation generation) => throw new InvalidOperationException("Only in SQL.");
}
