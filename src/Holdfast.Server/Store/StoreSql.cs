using Holdfast.Core.Ids;
using LinqToDB;

namespace Holdfast.Server.Store;

/// <summary>What statements on many rows need and no property translates to.</summary>
internal static class StoreSql
{
    /// <summary>An id whatever its type, in SQL only.</summary>
    [Sql.Expression("{0}", ServerSideOnly = true, IsNullable = Sql.IsNullableType.NotNullable)]
    public static Guid Plain<TId>(TId id)
        where TId : struct, ITypedId<TId> => throw new InvalidOperationException("Only in SQL.");

    /// <summary>The next generation, in SQL only.</summary>
    [Sql.Expression("({0} + 1)", ServerSideOnly = true, IsNullable = Sql.IsNullableType.NotNullable)]
    public static Generation Next(Generation generation) => throw new InvalidOperationException("Only in SQL.");

    /// <summary>
    /// Where a host stands on the ring of all hosts, in SQL only: by the random end of its id, so that a search that begins anywhere on the ring meets hosts in an order that
    /// has nothing to do with when they joined. The indexes are on this very expression.
    /// </summary>
    [Sql.Expression("(substr({0}, 25) || {0})", ServerSideOnly = true, IsNullable = Sql.IsNullableType.NotNullable)]
    public static string RingKey(HostId id) => throw new InvalidOperationException("Only in SQL.");

    /// <summary>Whether a host stands after a place on the ring, in SQL only.</summary>
    [Sql.Expression("(substr({0}, 25) || {0}) > {1}", ServerSideOnly = true, IsPredicate = true, IsNullable = Sql.IsNullableType.NotNullable)]
    public static bool IsAfterOnRing(HostId id, string place) => throw new InvalidOperationException("Only in SQL.");

    /// <summary>Whether a VM comes after another by their ids, in SQL only; after null comes every one.</summary>
    [Sql.Expression("{0} > coalesce({1}, '')", ServerSideOnly = true, IsPredicate = true, IsNullable = Sql.IsNullableType.NotNullable)]
    public static bool IsAfter(VmId? id, VmId? place) => throw new InvalidOperationException("Only in SQL.");

    /// <summary>Where a search for a host begins on the ring: another place for each object that is searched for, and always the same for one.</summary>
    /// <param name="id">What a host is searched for.</param>
    public static string RingPlace(Guid id) => id.ToString("D")[24..];
}
