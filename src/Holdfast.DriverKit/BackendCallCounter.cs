using System.Collections.Concurrent;

namespace Holdfast.DriverKit;

/// <summary>Counts requests to the backend by name, for <see cref="Holdfast.Protocol.Driver.DriverPaths.Calls"/>. Safe to use from any thread.</summary>
public sealed class BackendCallCounter
{
    private const int MaximumNames = 256;
    private readonly ConcurrentDictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>Counts one request. Call it before sending: a request that gets no answer was sent all the same.</summary>
    /// <param name="name">A name without ids, such as <c>GET /v1/nodes</c> or <c>qemu-img create</c>.</param>
    public void Count(string name)
    {
        var key = _counts.ContainsKey(name) || _counts.Count < MaximumNames ? name : "other";
        _counts.AddOrUpdate(key, 1, static (_, count) => count + 1);
    }

    /// <summary>The counts so far.</summary>
    /// <returns>Count by name.</returns>
    public IReadOnlyDictionary<string, long> Snapshot() => new SortedDictionary<string, long>(_counts, StringComparer.Ordinal);
}
