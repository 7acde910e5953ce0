namespace Holdfast.Worlds.Matrix;

/// <summary>A row of the fault matrix: a fault, the operations under it, what must come of it.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Fault">The fault and where it is: own storage of the VM or other.</param>
/// <param name="Operations">The operations.</param>
/// <param name="Outcome">What is required.</param>
internal sealed record MatrixRow(int Number, string Fault, string Operations, string Outcome)
{
    /// <summary>Plays it; throws <see cref="WorldException"/> when something is not as required. Null for a row that waits.</summary>
    public Action<Scene>? Play { get; init; }

    /// <summary>Why it is not played yet: the operation that it needs.</summary>
    public string? Waiting { get; init; }

    /// <summary>What the world is like.</summary>
    public Func<int, WorldOptions> Options { get; init; } = static seed => new WorldOptions { Seed = seed };

    /// <summary>What is done to the world before it is built.</summary>
    public Action<World>? Prepare { get; init; }

    /// <summary>Plays one seed: builds the world, plays, heals, and demands that everything comes to rest.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="keepsLog">Whether log lines become part of the history.</param>
    /// <param name="look">Shown the world at the end.</param>
    public void Run(int seed, bool keepsLog = true, Action<World>? look = null)
    {
        using var world = new World(Options(seed) with { KeepsLog = keepsLog });
        var scene = new Scene(world);
        Prepare?.Invoke(world);
        world.Build();
        Play!(scene);
        world.HealAndSettle();
        scene.AfterSettling();
        look?.Invoke(world);
    }
}
