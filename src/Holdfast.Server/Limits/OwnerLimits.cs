using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Limits;

/// <summary>What an account or a domain may have, and what it has.</summary>
/// <param name="Limits">What it may have.</param>
/// <param name="Used">What it has.</param>
internal sealed record OwnerLimits(LimitSet Limits, ResourceAmounts Used)
{
    private const string Unlimited = "Unlimited";

    /// <summary>The fields that CloudStack's accounts and domains have of it.</summary>
    public static View<OwnerLimits> View { get; } = ViewOf(LimitedResources.All);

    /// <summary>Those that projects have.</summary>
    public static View<OwnerLimits> ProjectView { get; } = ViewOf(LimitedResources.All.Where(r => r.OfProject is not null));

    /// <summary>Those of accounts: two statements, however many they are.</summary>
    public static async Task<IReadOnlyDictionary<AccountId, OwnerLimits>> ByAccountAsync(
        StoreConnection db, IReadOnlyList<AccountRow> accounts, SettingValues settings, CancellationToken cancellationToken)
    {
        var found = new Dictionary<AccountId, OwnerLimits>();
        foreach (var some in accounts.Chunk(Listing.IdsPerQuery))
        {
            var ids = some.Select(a => a.Id).ToList();
            var nullable = ids.ConvertAll(id => (AccountId?)id);
            var used = await ResourceUsage.ByAccountAsync(db, ids, cancellationToken);
            var rows = (await db.ResourceLimits.Where(l => nullable.Contains(l.AccountId)).ToListAsync(cancellationToken)).ToLookup(r => r.AccountId!.Value);
            foreach (var account in some)
            {
                found[account.Id] = new OwnerLimits(LimitSet.Of(account, rows[account.Id], settings), used.GetValueOrDefault(account.Id) ?? new ResourceAmounts());
            }
        }

        return found;
    }

    /// <summary>Those of domains: two statements, however many they are.</summary>
    public static async Task<IReadOnlyDictionary<DomainId, OwnerLimits>> ByDomainAsync(
        StoreConnection db, IReadOnlyList<DomainRow> domains, SettingValues settings, CancellationToken cancellationToken)
    {
        var found = new Dictionary<DomainId, OwnerLimits>();
        foreach (var some in domains.Chunk(Listing.IdsPerQuery))
        {
            var ids = some.Select(d => d.Id).ToList();
            var nullable = ids.ConvertAll(id => (DomainId?)id);
            var used = await ResourceUsage.ByDomainAsync(db, ids, cancellationToken);
            var rows = (await db.ResourceLimits.Where(l => nullable.Contains(l.DomainId)).ToListAsync(cancellationToken)).ToLookup(r => r.DomainId!.Value);
            foreach (var domain in some)
            {
                found[domain.Id] = new OwnerLimits(LimitSet.Of(domain, rows[domain.Id], settings), used.GetValueOrDefault(domain.Id) ?? new ResourceAmounts());
            }
        }

        return found;
    }

    private static View<OwnerLimits> ViewOf(IEnumerable<LimitedResources> resources) => Api.Commands.View<OwnerLimits>.Build(v =>
    {
        foreach (var resource in resources)
        {
            v.Text($"{resource.Field}limit", $"how many {resource.What} it may have; {Unlimited}: any number", e => TextOf(e.Limits[resource.Resource]))
                .Long($"{resource.Field}total", $"how many {resource.What} it has", e => e.Used[resource.Resource])
                .Text($"{resource.Field}available", $"how many {resource.What} more it may have", e => TextOf(e.Limits[resource.Resource] - e.Used[resource.Resource] is { } left ? Math.Max(left, 0) : null));
        }
    });

    private static string TextOf(long? count) => count?.ToString(CultureInfo.InvariantCulture) ?? Unlimited;
}
