using Holdfast.Core.Planning;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Settings;

/// <summary>What the settings are in one transaction. A stored value that no command would have accepted counts as not set.</summary>
internal sealed class SettingValues
{
    private readonly Dictionary<string, string> _stored;
    private readonly ReconcileTimings _timings;

    private SettingValues(Dictionary<string, string> stored, ReconcileTimings timings) => (_stored, _timings) = (stored, timings);

    /// <summary>What a storage pool may promise.</summary>
    public StorageRule Storage => new(this[Setting.StorageOverprovisioning], this[Setting.StorageFullShare]);

    /// <summary>What a setting is.</summary>
    public TimeSpan this[DurationSetting setting] => setting.Parse(_stored.GetValueOrDefault(setting.Name)) ?? setting.DefaultOf(_timings);

    /// <summary>What a setting is.</summary>
    public decimal this[FactorSetting setting] => setting.Of(_stored.GetValueOrDefault(setting.Name));

    /// <summary>What a setting is.</summary>
    public string this[WordSetting setting] => setting.Of(_stored.GetValueOrDefault(setting.Name));

    /// <summary>What a setting is.</summary>
    public bool this[FlagSetting setting] => setting.Of(_stored.GetValueOrDefault(setting.Name));

    /// <summary>What a setting is; -1: no limit.</summary>
    public long this[CountSetting setting] => setting.Of(_stored.GetValueOrDefault(setting.Name));

    /// <summary>What a setting is, as it is shown.</summary>
    public string TextOf(Setting setting) => setting.Normalise(_stored.GetValueOrDefault(setting.Name)) ?? setting.DefaultText(_timings);

    /// <summary>What they are in a turn: one statement, once.</summary>
    public static Task<SettingValues> ReadAsync(Turn turn, CancellationToken cancellationToken) =>
        turn.KeptAsync("settings", string.Empty, () => ReadAsync(turn.Db, turn.Timings, cancellationToken), typeof(SettingRow));

    /// <summary>Reads them: one statement.</summary>
    public static async Task<SettingValues> ReadAsync(StoreConnection db, ReconcileTimings timings, CancellationToken cancellationToken)
    {
        var names = Setting.All.Select(s => s.Name).ToList();
        return new SettingValues(await db.Settings.Where(s => names.Contains(s.Name)).ToDictionaryAsync(s => s.Name, s => s.Value, cancellationToken), timings);
    }
}
