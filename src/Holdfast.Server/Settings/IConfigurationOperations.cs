using Holdfast.Server.Transactions;

namespace Holdfast.Server.Settings;

/// <summary>A setting and what it is.</summary>
/// <param name="Setting">The setting.</param>
/// <param name="Value">What it is, as it is shown.</param>
/// <param name="Default">What it is while nobody has set it, as it is shown.</param>
internal sealed record SettingState(Setting Setting, string Value, string Default);

/// <summary>Settings of the installation. Root administrators only; the API has checked that. A change holds at once, on every node.</summary>
internal interface IConfigurationOperations
{
    /// <summary>updateConfiguration: sets a value and writes an event; null asks for the present one. 431 unknown name, value that is no number or out of range.</summary>
    Task<Outcome<SettingState>> UpdateAsync(Caller caller, string name, string? value, CancellationToken cancellationToken);

    /// <summary>resetConfiguration: back to the default. 431 unknown name.</summary>
    Task<Outcome<SettingState>> ResetAsync(Caller caller, string name, CancellationToken cancellationToken);
}
