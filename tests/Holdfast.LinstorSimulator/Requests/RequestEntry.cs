namespace Holdfast.LinstorSimulation;

/// <summary>One request the simulator received.</summary>
public sealed record RequestEntry
{
    /// <summary>Counts from 1 since the simulator was created; not reset by clearing.</summary>
    public required long Number { get; init; }

    /// <summary>When its head had been read.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The connection it came on.</summary>
    public required string Connection { get; init; }

    /// <summary>HTTP method.</summary>
    public required string Method { get; init; }

    /// <summary>Path without query, as sent.</summary>
    public required string Path { get; init; }

    /// <summary>Query with its question mark, or empty.</summary>
    public required string Query { get; init; }

    /// <summary>The path template it matched; null when the simulator knows no such path.</summary>
    public string? Route { get; init; }

    /// <summary>The body as text, cut at 4,000 characters.</summary>
    public string? Body { get; init; }

    /// <summary>The status sent; null while not answered, or when a fault left it unanswered.</summary>
    public int? Status { get; init; }

    /// <summary>The fault that hit it.</summary>
    public FaultKind? Fault { get; init; }

    /// <summary>Milliseconds until the answer was handed to the network, or the request given up; null while under way.</summary>
    public double? Milliseconds { get; init; }
}
