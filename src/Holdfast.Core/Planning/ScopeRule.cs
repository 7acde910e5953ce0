using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>
/// A pool whose volumes only one host can use is that host's own storage: it has scope HOST. With a wider scope, volumes and template copies would be made where the host that
/// needs them cannot use them, and its room would be counted for hosts that have none of it. Pure.
/// </summary>
public static class ScopeRule
{
    /// <summary>What speaks against new volumes on a pool.</summary>
    /// <param name="scope">The pool's scope.</param>
    /// <param name="notShared">Why only one host can use each volume, as a driver says; null: several can.</param>
    /// <returns>Why the pool takes no new volumes; null: it takes them.</returns>
    public static string? Objection(PoolScope scope, string? notShared) => scope == PoolScope.Host ? null : notShared;
}
