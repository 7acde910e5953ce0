using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Sweeps;

/// <summary>One sweep over the database.</summary>
/// <param name="Db">The store, for reading.</param>
/// <param name="Now">The time, by the database's clock.</param>
/// <param name="Settings">What the settings are.</param>
/// <param name="Timings">What is no setting.</param>
/// <param name="IsThorough">Whether also what nobody waits for is looked for: what was kept long enough, and what has been so for hours.</param>
internal sealed record SweepMoment(StoreConnection Db, DateTimeOffset Now, SettingValues Settings, ReconcileTimings Timings, bool IsThorough)
{
    /// <summary>How much of a sort is found at a time.</summary>
    public const int Batch = 200;

    /// <summary>What is older than a setting says; null: the setting is 0, and nothing is too old, or this sweep does not look for it.</summary>
    /// <param name="keep">How long it is kept.</param>
    public DateTimeOffset? Before(DurationSetting keep) => IsThorough && Settings[keep] is var age && age > TimeSpan.Zero ? Now - age : null;

    /// <summary>Failures before this are tried again.</summary>
    public DateTimeOffset Retry => Now - Timings.RetryPause;
}
