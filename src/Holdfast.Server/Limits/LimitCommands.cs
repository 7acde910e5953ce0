using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Limits;

/// <summary>Commands about what accounts and domains may have.</summary>
internal static class LimitCommands
{
    private const string Key = "resourcelimit";
    private const string CountKey = "resourcecount";

    private static readonly string Types = string.Join(", ", LimitedResources.All.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Number} {r.Name}")));

    private static readonly TextParameter Account = Text("account", "the name of the account, with domainid; the caller's own when neither this, domainid nor projectid is sent");
    private static readonly ValueParameter<DomainId> Domain = Id<DomainId>("domainid", "the domain of that account; without account, the domain with all below it");
    private static readonly ValueParameter<DomainId> CountedDomain = Id<DomainId>("domainid", "the domain of that account; without account, the domain with all below it", required: true);
    private static readonly ValueParameter<int> Type = Int("resourcetype", $"the type of the resource: {Types}");
    private static readonly ValueParameter<int> LimitedType = Int("resourcetype", $"the type of the resource: {Types}", required: true);
    private static readonly TextParameter TypeName = Text("resourcetypename", "the name of the type of the resource, in place of its number");
    private static readonly ValueParameter<long> Maximum = Long("max", "how much it may have; -1, as when it is not sent: any number");
    private static readonly ValueParameter<bool> ListAll = Bool("listall", "whether to list everything the caller may see", noEffect: "the limits of one account or domain are listed");
    private static readonly ValueParameter<bool> IsRecursive = Bool("isrecursive", "whether to list from the domain named by domainid down", noEffect: "the limits of one account or domain are listed");

    private static readonly View<LimitEntry> OwnerView = Api.Commands.View<LimitEntry>.Build(v => v
        .Text("account", "the name of the account; not there for a domain's or a project's", e => e.Owner.Account is { IsProject: false } account ? account.Name : null)
        .OptionalId("projectid", "the id of the project", e => e.Owner.Account?.ProjectId)
        .Text("project", "the name of the project", e => e.Owner.Account is { IsProject: true } project ? project.Name : null)
        .Id("domainid", "the id of the domain", e => e.Owner.Domain.Id)
        .Text("domain", "the name of the domain", e => e.Owner.Domain.Name)
        .Text("domainpath", "the path of the domain", e => e.Owner.Domain.Path)
        .Text("resourcetype", "the number of the type of the resource", e => e.Resource.Number.ToString(CultureInfo.InvariantCulture))
        .Text("resourcetypename", "the name of the type of the resource", e => e.Resource.Name));

    private static readonly View<LimitEntry> View = Api.Commands.View<LimitEntry>.Build(v => v
        .Include(OwnerView, e => e)
        .Long("max", "how much it may have; -1: any number", e => e.Owner.Have.Limits[e.Resource.Resource] ?? -1));

    private static readonly View<LimitEntry> CountView = Api.Commands.View<LimitEntry>.Build(v => v
        .Include(OwnerView, e => e)
        .Long("resourcecount", "how much it has", e => e.Owner.Have.Used[e.Resource.Resource]));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listResourceLimits",
            Description = "Lists what an account, a project, or a domain with all below it, may have",
            Roles = Roles.Authenticated,
            Parameters = [Account, Domain, Type, TypeName, ListAll, IsRecursive, CommonParameters.Project, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = (call, ct) => ListAsync(call, Key, View, call.Get(Type), call.Get(TypeName), call.Get(Domain), ct),
        },
        new()
        {
            Name = "updateResourceLimit",
            Description = "Sets how much an account, a project, or a domain with all below it, may have; what it has already it keeps",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [Account, Domain, LimitedType, Maximum, CommonParameters.Project],
            Response = ResponseShape.Of(Key, View),
            Handler = UpdateAsync,
        },
        new()
        {
            Name = "updateResourceCount",
            Description = "Counts what an account, a project, or a domain with all below it, has; it is counted at each use too, so that nothing is mended by it",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [Account, CountedDomain, Type, CommonParameters.Project],
            Response = ResponseShape.Of(CountKey, CountView),
            Handler = (call, ct) => ListAsync(call, CountKey, CountView, call.Get(Type), null, call.Require(CountedDomain), ct),
        },
    ];

    private static async Task<ApiResult> ListAsync(
        CommandCall call, string key, View<LimitEntry> view, int? number, string? name, DomainId? domain, CancellationToken cancellationToken)
    {
        var (resources, wrong) = ResourcesOf(number, name);
        if (wrong is not null)
        {
            return wrong;
        }

        var (owner, error) = await OwnerAsync(call, domain, cancellationToken);
        if (owner is null)
        {
            return error!;
        }

        List<LimitEntry> entries = [.. resources.Where(r => r.OfProject is not null || owner.Account is not { IsProject: true }).Select(r => new LimitEntry(owner, r))];
        return ApiResult.List(key, view, [.. entries.Skip(call.Page.Offset).Take(call.Page.Limit ?? entries.Count)], entries.Count);
    }

    private static async Task<ApiResult> UpdateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (resources, wrong) = ResourcesOf(call.Require(LimitedType), null);
        if (wrong is not null)
        {
            return wrong;
        }

        var maximum = call.Get(Maximum) ?? -1;
        if (CountSetting.Parse(maximum.ToString(CultureInfo.InvariantCulture)) is null)
        {
            return ApiError.InvalidParameter($"Invalid parameter max value={maximum}: it is {Setting.AccountVms.Range}");
        }

        var (owner, error) = await OwnerAsync(call, call.Get(Domain), cancellationToken);
        if (owner is null)
        {
            return error!;
        }

        var operations = call.Services.Of<ILimitOperations>();
        var outcome = owner.Account is { } account
            ? await operations.SetAsync(call.Caller.ForOperations, account.Id, resources[0].Resource, maximum, cancellationToken)
            : await operations.SetAsync(call.Caller.ForOperations, owner.Domain.Id, resources[0].Resource, maximum, cancellationToken);
        return await outcome.ToResultAsync(async _ =>
            ApiResult.Object(Key, View, new LimitEntry(await call.Services.Database.ReadAsync((db, ct) => ReadAsync(call, db, owner.Account, owner.Domain, ct), cancellationToken), resources[0])));
    }

    private static (IReadOnlyList<LimitedResources> Resources, ApiError? Error) ResourcesOf(int? number, string? name)
    {
        List<LimitedResources> resources =
            [.. LimitedResources.All.Where(r => (number is null || r.Number == number) && (name is null || r.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))];
        return resources.Count > 0
            ? (resources, null)
            : (resources, ApiError.InvalidParameter($"Invalid parameter resourcetype value={(number is { } n ? n.ToString(CultureInfo.InvariantCulture) : name)}: of a resource of that type there is no limit; there are {Types}"));
    }

    private static async Task<(OwnerEntry? Owner, ApiError? Error)> OwnerAsync(CommandCall call, DomainId? domain, CancellationToken cancellationToken)
    {
        var (project, name) = (Ownership.ProjectOf(call), call.Get(Account));
        if (project is not null && name is not null)
        {
            return (null, ApiError.InvalidParameter("Account and projectId can't be specified together: a limit has one owner"));
        }

        var account = project is { } id ? await call.Services.Database.ReadAsync((db, ct) => Ownership.Visible(db, call.Caller).FirstOrDefaultAsync(a => a.Id == id && a.Removed == null, ct), cancellationToken)
            : name is not null ? await OwnerParameters.FindAsync(call, name, domain ?? call.Caller.DomainId, cancellationToken)
            : null;
        if (account is null && (project is not null || name is not null))
        {
            return (null, project is { } gone ? call.UnknownEntity(CommonParameters.Project, gone) : OwnerParameters.NotFound(name!, domain ?? call.Caller.DomainId));
        }

        var own = call.Caller.AccountId;
        return (await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                // What a domain may have is for those who look after it.
                var row = account ?? (domain is null || call.Caller.Role == Roles.User ? await db.Accounts.SingleAsync(a => a.Id == own, ct) : null);
                var place = row?.DomainId ?? domain!.Value;
                return await ReadAsync(call, db, row, await db.Domains.SingleAsync(d => d.Id == place, ct), ct);
            },
            cancellationToken), null);
    }

    private static async Task<OwnerEntry> ReadAsync(CommandCall call, StoreConnection db, AccountRow? account, DomainRow domain, CancellationToken cancellationToken)
    {
        var settings = await SettingValues.ReadAsync(db, call.Services.Timings, cancellationToken);
        return new OwnerEntry(
            account,
            domain,
            account is null
                ? (await OwnerLimits.ByDomainAsync(db, [domain], settings, cancellationToken))[domain.Id]
                : (await OwnerLimits.ByAccountAsync(db, [account], settings, cancellationToken))[account.Id]);
    }

    private sealed record OwnerEntry(AccountRow? Account, DomainRow Domain, OwnerLimits Have);

    private sealed record LimitEntry(OwnerEntry Owner, LimitedResources Resource);
}
