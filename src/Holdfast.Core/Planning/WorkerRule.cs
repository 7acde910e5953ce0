using Holdfast.Core.Ids;

namespace Holdfast.Core.Planning;

/// <summary>A host that could do work of a pool that is not bound to one host.</summary>
/// <param name="IncarnationId">Its installation.</param>
/// <param name="IsUp">Whether it is heard of.</param>
/// <param name="IsServing">Whether driver and backend serve there.</param>
/// <param name="HoldsData">Whether it can hold data of the pool itself; null: not told, which counts as yes.</param>
public sealed record WorkerFacts(IncarnationId IncarnationId, bool IsUp, bool IsServing, bool? HoldsData);

/// <summary>Chooses who does work of a pool: imports, copies, deletions. Same facts, same answer.</summary>
public static class WorkerRule
{
    /// <summary>
    /// A host that is up and serves before one that is up, before one that may come back; among them one that can hold the data, so that bytes need not cross the network
    /// twice; among those the one for whom the work is done.
    /// </summary>
    /// <param name="hosts">Hosts that have the pool.</param>
    /// <param name="forWhom">The host that needs the result; null: nobody in particular.</param>
    /// <returns>The host; null: there is none.</returns>
    public static IncarnationId? Choose(IEnumerable<WorkerFacts> hosts, IncarnationId? forWhom) => hosts
        .OrderByDescending(host => host.IsUp)
        .ThenByDescending(host => host.IsServing)
        .ThenByDescending(host => host.HoldsData != false)
        .ThenByDescending(host => host.IncarnationId == forWhom)
        .ThenBy(host => host.IncarnationId.Value)
        .Select(host => (IncarnationId?)host.IncarnationId)
        .FirstOrDefault();
}
