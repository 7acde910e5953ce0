namespace Holdfast.Libvirt;

/// <summary>How many threads a lane has, and where they connect to.</summary>
public sealed record LibvirtLaneOptions
{
    /// <summary>The name of the lane; the threads carry it.</summary>
    public required string Name { get; init; }

    /// <summary>The connection URI.</summary>
    public required string Uri { get; init; }

    /// <summary>How many calls run at the same time, stuck ones not counted.</summary>
    public int MaxThreads { get; init; } = 4;

    /// <summary>How many calls may be stuck before the lane refuses to start more threads in their place.</summary>
    public int MaxStuck { get; init; } = 12;

    /// <summary>How many calls wait for a thread before the lane refuses more.</summary>
    public int MaxQueued { get; init; } = 256;

    /// <summary>
    /// How many threads share one connection. libvirtd works on five requests of a connection at a time and lets the others wait behind them.
    /// </summary>
    public int ThreadsPerConnection { get; init; } = 5;

    /// <summary>How many calls with the same key may be under way, so that one hung domain cannot take the whole lane.</summary>
    public int MaxPerKey { get; init; } = 2;
}
