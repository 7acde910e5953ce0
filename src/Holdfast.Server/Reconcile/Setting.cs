using System.Globalization;

namespace Holdfast.Server.Reconcile;

/// <summary>
/// A setting of the installation: a length of time that operators may change while the server runs. CloudStack's names and units where it has the same setting.
/// Immutable.
/// </summary>
internal sealed record Setting
{
    private Setting()
    {
    }

    /// <summary>How long an obligation may be owed before an alert.</summary>
    public static Setting ObligationAlertAge { get; } = new()
    {
        Name = "obligation.alert.age",
        Category = "Alert",
        Description = "Seconds that something may be owed to a storage backend before an alert is told, once for each obligation",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Maximum = 315_360_000,
        DefaultOf = static timings => timings.ObligationAlertAge,
    };

    /// <summary>How long a destroyed VM can be recovered.</summary>
    public static Setting ExpungeDelay { get; } = new()
    {
        Name = "expunge.delay",
        Category = "Advanced",
        Description = "Seconds from the destruction of a VM until it is expunged; it can be recovered for so long",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Maximum = 315_360_000,
        DefaultOf = static timings => timings.ExpungeDelay,
    };

    /// <summary>How long ended jobs are kept.</summary>
    public static Setting JobExpire { get; } = new()
    {
        Name = "job.expire.minutes",
        Category = "Advanced",
        Description = "Minutes that an async job is kept after its end; queryAsyncJobResult does not know it afterwards",
        Unit = TimeSpan.FromMinutes(1),
        UnitName = "minutes",
        Minimum = 1,
        Maximum = 5_256_000,
        DefaultOf = static timings => timings.KeepJobs,
    };

    /// <summary>How long a storage pool may go on being added.</summary>
    public static Setting PoolAddTimeout { get; } = new()
    {
        Name = "storage.pool.add.timeout",
        Category = "Storage",
        Description = "Seconds from createStoragePool until a host must serve the storage pool; afterwards it is removed again, with an event that says what each host said. Pools that are being added keep what was set when they were begun",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Minimum = 1,
        Maximum = 86_400,
        DefaultOf = static timings => timings.AddPool,
    };

    /// <summary>How long createStoragePool waits for a host.</summary>
    public static Setting PoolAddWait { get; } = new()
    {
        Name = "storage.pool.add.wait",
        Category = "Storage",
        Description = "Seconds that createStoragePool waits for a host to serve the storage pool before it answers with the pool in state Initialized, which goes on being added; many clients give up at 10 seconds",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Minimum = 1,
        Maximum = 3600,
        DefaultOf = static timings => timings.AddPoolWait,
    };

    /// <summary>How often a pool's backend is looked at.</summary>
    public static Setting InventoryInterval { get; } = new()
    {
        Name = "storage.pool.inventory.interval",
        Category = "Storage",
        Description = "Seconds from one look at what a storage pool's backend has to the next; what is missing there, and what belongs to nobody, shows so",
        Unit = TimeSpan.FromSeconds(1),
        UnitName = "seconds",
        Minimum = 10,
        Maximum = 315_360_000,
        DefaultOf = static timings => timings.InventoryInterval,
    };

    /// <summary>Every setting there is, by name.</summary>
    public static IReadOnlyList<Setting> All { get; } = [ExpungeDelay, JobExpire, ObligationAlertAge, PoolAddTimeout, PoolAddWait, InventoryInterval];

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>CloudStack's category.</summary>
    public required string Category { get; init; }

    /// <summary>What it does, with its unit.</summary>
    public required string Description { get; init; }

    /// <summary>What one of it is.</summary>
    public required TimeSpan Unit { get; init; }

    /// <summary>The name of the unit, for error texts.</summary>
    public required string UnitName { get; init; }

    /// <summary>The least allowed, in its unit.</summary>
    public long Minimum { get; init; }

    /// <summary>The most allowed, in its unit.</summary>
    public required long Maximum { get; init; }

    private Func<ReconcileTimings, TimeSpan> DefaultOf { get; init; } = null!;

    /// <summary>Finds a setting whatever the case of its name.</summary>
    public static Setting? Find(string name) => All.FirstOrDefault(s => s.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>What it is while nobody has set it.</summary>
    public TimeSpan Default(ReconcileTimings timings) => DefaultOf(timings);

    /// <summary>A value in its unit, as it is stored and shown.</summary>
    public string Format(TimeSpan value) => ((long)(value / Unit)).ToString(CultureInfo.InvariantCulture);

    /// <summary>Reads a value that was sent or stored; null when it is no whole number or not in range.</summary>
    public TimeSpan? Parse(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= Minimum && count <= Maximum ? Unit * count : null;
}
