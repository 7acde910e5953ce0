using Holdfast.Core.States;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Limits;

/// <summary>The limits of an account or a domain: those that were set, and else those of the settings. Pure.</summary>
internal sealed class LimitSet
{
    private readonly Dictionary<LimitedResource, long> _maximum;

    private LimitSet(Dictionary<LimitedResource, long> maximum) => _maximum = maximum;

    /// <summary>At most so much, in the resource's unit; null: as much as one likes.</summary>
    public long? this[LimitedResource resource] => _maximum[resource] is >= 0 and var most ? most : null;

    /// <summary>The limits of an account, or of a project. A root administrator's account has none.</summary>
    /// <param name="account">The account.</param>
    /// <param name="rows">What was set for it.</param>
    /// <param name="settings">What holds else.</param>
    public static LimitSet Of(AccountRow account, IEnumerable<ResourceLimitRow> rows, SettingValues settings) =>
        account.Type == AccountRow.RootAdmin ? None() : Of(rows, resource => account.IsProject ? (resource.OfProject is { } setting ? settings[setting] : -1) : settings[resource.OfAccount]);

    /// <summary>The limits of a domain with all below it. ROOT has none.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="rows">What was set for it.</param>
    /// <param name="settings">What holds else.</param>
    public static LimitSet Of(DomainRow domain, IEnumerable<ResourceLimitRow> rows, SettingValues settings) =>
        domain.ParentId is null ? None() : Of(rows, resource => settings[resource.OfDomain]);

    /// <summary>What would be too much; null: it fits.</summary>
    /// <param name="used">What there is.</param>
    /// <param name="more">What is asked for. Of what nothing more is asked for there may be too much already: limits can be lowered.</param>
    public LimitedResources? Exceeded(ResourceAmounts used, ResourceAmounts more) =>
        LimitedResources.All.FirstOrDefault(r => this[r.Resource] is { } most && more[r.Resource] > 0 && (used + more)[r.Resource] > most);

    /// <summary>Whether what is asked for could be too much.</summary>
    /// <param name="more">What is asked for.</param>
    public bool Concerns(ResourceAmounts more) => LimitedResources.All.Any(r => this[r.Resource] is not null && more[r.Resource] > 0);

    private static LimitSet None() => Of([], _ => -1);

    private static LimitSet Of(IEnumerable<ResourceLimitRow> rows, Func<LimitedResources, long> otherwise)
    {
        var set = rows.ToDictionary(r => r.Resource, r => r.Maximum);
        return new LimitSet(LimitedResources.All.ToDictionary(r => r.Resource, r => set.TryGetValue(r.Resource, out var maximum) ? maximum : otherwise(r)));
    }
}
