using Holdfast.Server.Transactions;

namespace Holdfast.Worlds;

/// <summary>What a world is made of.</summary>
internal sealed record WorldOptions
{
    public required int Seed { get; init; }

    public int Hosts { get; init; } = 2;

    /// <summary>Storage systems; each gets a pool at once.</summary>
    public int Pools { get; init; } = 2;

    public Twins Twins { get; init; } = new();

    /// <summary>Whether the first storage system's driver can cut I/O off; the others' can.</summary>
    public bool CanCut { get; init; } = true;

    /// <summary>Sweeps are rarer than in production: they are most of what an idle world costs, and their only effect is to come later.</summary>
    public ReconcileTimings Timings { get; init; } = new() { SweepInterval = TimeSpan.FromSeconds(5) };

    /// <summary>How often somebody looks at all VMs and jobs and compares them with what is so; zero: never.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether log lines become part of the history.</summary>
    public bool KeepsLog { get; init; } = true;
}
