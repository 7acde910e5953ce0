using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Settings;

/// <inheritdoc/>
internal sealed class ConfigurationOperations : IConfigurationOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public ConfigurationOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<SettingState>> UpdateAsync(Caller caller, string name, string? value, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            if (Setting.Find(name) is not { } setting)
            {
                return new Outcome<SettingState>.Refused(Faults.NoSuchSetting(name));
            }

            if (value is null)
            {
                return await StateOfAsync(turn, setting, ct);
            }

            return setting.Normalise(value.Trim()) is { } wanted
                ? await ChangeAsync(turn, caller, setting, wanted, ct)
                : new Outcome<SettingState>.Refused(BadSetting(setting, value));
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<SettingState>> ResetAsync(Caller caller, string name, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) => Setting.Find(name) is { } setting
            ? await ChangeAsync(turn, caller, setting, null, ct)
            : new Outcome<SettingState>.Refused(Faults.NoSuchSetting(name)),
        cancellationToken);

    private static async Task<Outcome<SettingState>> ChangeAsync(Turn turn, Caller caller, Setting setting, string? stored, CancellationToken cancellationToken)
    {
        var before = await turn.Db.Settings.Where(s => s.Name == setting.Name).Select(s => s.Value).FirstOrDefaultAsync(cancellationToken);
        if (before != stored)
        {
            var old = (await SettingValues.ReadAsync(turn, cancellationToken)).TextOf(setting);
            await turn.Db.Settings.Where(s => s.Name == setting.Name).DeleteAsync(cancellationToken);
            if (stored is not null)
            {
                await turn.Db.InsertAsync(new SettingRow { Name = setting.Name, Value = stored }, token: cancellationToken);
            }

            var now = stored ?? $"its default, {setting.DefaultText(turn.Timings)}";
            await turn.TellAsync(
                EventTypes.ConfigurationEdit,
                EventLevel.Info,
                EventState.Completed,
                $"{caller.UserName} changed the setting {setting.Name} from {old} to {now} ({setting.UnitName})",
                caller.AccountId,
                caller.UserId,
                ResourceTypes.Configuration,
                null,
                setting.Name,
                null,
                cancellationToken);
        }

        return await StateOfAsync(turn, setting, cancellationToken);
    }

    private static async Task<Outcome<SettingState>> StateOfAsync(Turn turn, Setting setting, CancellationToken cancellationToken) =>
        new Outcome<SettingState>.Done(new SettingState(
            setting,
            (await SettingValues.ReadAsync(turn, cancellationToken)).TextOf(setting),
            setting.DefaultText(turn.Timings)));

    private static ApiFault BadSetting(Setting setting, string value) => Faults.Invalid(
        $"There was an error in trying to parse value: {value}. Please enter a valid {setting.ValueName} value for parameter {setting.Name}: {setting.UnitName}, {setting.Range}");
}
