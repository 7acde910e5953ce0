using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Limits;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about domains.</summary>
internal static class DomainCommands
{
    private const string Key = "domain";

    private static readonly ValueParameter<DomainId> FilterDomain = Id<DomainId>("id", "the id of the domain");
    private static readonly TextParameter FilterName = Text("name", "the exact name, whatever its case");
    private static readonly ValueParameter<int> Level = Int("level", "the level of the domain; ROOT is 0");
    private static readonly TextParameter Details = Text("details", "groups of fields", noEffect: "all are answered");
    private static readonly ValueParameter<DomainId> Above = Id<DomainId>("id", "the domain above; the caller's own when it is not sent");
    private static readonly ValueParameter<bool> IsRecursive = Bool("isrecursive", "whether to list all below, and not only the next level");
    private static readonly ValueParameter<bool> ListAll = Bool("listall", "the same as isrecursive");
    private static readonly ValueParameter<DomainId> Domain = Id<DomainId>("id", "the id of the domain", required: true);
    private static readonly TextParameter NewName = Text("name", "the name of the domain, unique among those beside it", required: true);
    private static readonly ValueParameter<DomainId> Parent = Id<DomainId>("parentdomainid", "the domain above; the caller's own when it is not sent");
    private static readonly TextParameter NetworkDomain = Text("networkdomain", "the domain name of its networks", noEffect: "kept and shown; no network is made for a domain");
    private static readonly TextParameter OtherName = Text("name", "another name; the paths of all domains below change with it");
    private static readonly TextParameter OtherNetworkDomain = Text("networkdomain", "another domain name of its networks; empty for none", clearable: true);
    private static readonly ValueParameter<bool> CleanUp = Bool("cleanup", "true deletes all accounts, projects and domains in it first; else it must be empty");

    private static readonly View<DomainEntry> View = Api.Commands.View<DomainEntry>.Build(v => v
        .Id("id", "the id of the domain", e => e.Domain.Id)
        .Text("name", "the name of the domain", e => e.Domain.Name)
        .Int("level", "its level; ROOT is 0", e => e.Domain.Level)
        .OptionalId("parentdomainid", "the id of the domain above", e => e.Domain.ParentId)
        .Text("path", "its path", e => e.Domain.Path)
        .Bool("haschild", "true if there are domains below", e => e.HasChild)
        .Text("networkdomain", "the domain name of its networks", e => e.Domain.NetworkDomain)
        .Text("state", "the state of the domain: Active, or Inactive while it is being deleted", e => e.Domain.Deleted is null ? "Active" : "Inactive")
        .Date("created", "when the domain was made", e => e.Domain.Created)
        .Include(OwnerLimits.View, e => e.Have!));

    private static readonly IconedList<DomainEntry> Listed = new(Key, View, e => [e.Domain.Id.Value]);

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listDomains",
            Description = "Lists domains",
            Roles = Roles.Authenticated,
            Parameters = [FilterDomain, FilterName, Level, CommonParameters.ListAll, Details, IconedList.Show, .. CommonParameters.List],
            Response = Listed.Response,
            Handler = ListDomainsAsync,
        },
        new()
        {
            Name = "listDomainChildren",
            Description = "Lists the domains below a domain",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [Above, FilterName, IsRecursive, ListAll, IconedList.Show, .. CommonParameters.List],
            Response = Listed.Response,
            Handler = ListChildrenAsync,
        },
        new()
        {
            Name = "createDomain",
            Description = "Makes a domain below another",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [NewName, Parent, NetworkDomain],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => await (await call.Services.Of<IDomainOperations>().CreateAsync(
                call.Caller.ForOperations, call.Require(NewName), call.Get(Parent), call.Get(NetworkDomain), ct)).ToResultAsync(id => ShowAsync(call, id, ct)),
        },
        new()
        {
            Name = "updateDomain",
            Description = "Changes a domain",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [Domain, OtherName, OtherNetworkDomain],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => await (await call.Services.Of<IDomainOperations>().UpdateAsync(
                call.Caller.ForOperations, call.Require(Domain), call.Get(OtherName), call.Get(OtherNetworkDomain), ct)).ToResultAsync(id => ShowAsync(call, id, ct)),
        },
        new()
        {
            Name = "deleteDomain",
            Description = "Deletes a domain, with all in it when asked; it cannot be undone",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [Domain, CleanUp],
            Response = ResponseShape.Success,
            IsAsync = true,
            Handler = async (call, ct) => await RoleGuard.WhyNotAsync(call, call.Require(Domain), ct) is { } beyond
                ? beyond
                : (await call.Services.Of<IDomainOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Domain), call.Get(CleanUp) ?? false, ct)).ToResult(),
        },
    ];

    private static async Task<ApiResult> ListDomainsAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterDomain);
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var level = call.Get(Level);
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => PageAsync(
                call,
                db,
                from domain in Ownership.VisibleDomains(db, call.Caller)
                where domain.Removed == null
                    && (id == null || domain.Id == id)
                    && (name == null || domain.Name.ToLower() == name)
                    && (keyword == null || domain.Name.ToLower().Contains(keyword))
                    && (level == null || domain.Level == level)
                orderby domain.Created, domain.Id
#pragma warning disable VSTHRD103 // Part of the query: nothing is awaited here.
                select new DomainEntry { Domain = domain, HasChild = db.Domains.Any(c => c.ParentId == domain.Id && c.Removed == null) },
#pragma warning restore VSTHRD103
                ct),
            cancellationToken);
        return await Listed.AnswerAsync(call, listing, cancellationToken);
    }

    private static async Task<ApiResult> ListChildrenAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var above = call.Get(Above) ?? call.Caller.DomainId;
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var all = call.Get(IsRecursive) == true || call.Get(ListAll) == true;
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => PageAsync(
                call,
                db,
                from domain in Ownership.VisibleDomains(db, call.Caller)
                from top in Ownership.VisibleDomains(db, call.Caller)
                where top.Id == above && domain.Removed == null
                    && (all ? domain.Path.StartsWith(top.Path + "/") : domain.ParentId == top.Id)
                    && (name == null || domain.Name.ToLower() == name)
                    && (keyword == null || domain.Name.ToLower().Contains(keyword))
                orderby domain.Created, domain.Id
#pragma warning disable VSTHRD103 // Part of the query: nothing is awaited here.
                select new DomainEntry { Domain = domain, HasChild = db.Domains.Any(c => c.ParentId == domain.Id && c.Removed == null) },
#pragma warning restore VSTHRD103
                ct),
            cancellationToken);
        return await Listed.AnswerAsync(call, listing, cancellationToken);
    }

    private static async Task<ApiResult> ShowAsync(CommandCall call, DomainId id, CancellationToken cancellationToken)
    {
        var entry = await call.Services.Database.ReadAsync(
            async (db, ct) => (await WithLimitsAsync(
                call,
                db,
                [
                    new DomainEntry
                    {
                        Domain = await db.Domains.SingleAsync(d => d.Id == id, ct),
                        HasChild = await db.Domains.AnyAsync(c => c.ParentId == id && c.Removed == null, ct),
                    },
                ],
                ct))[0],
            cancellationToken);
        return ApiResult.Object(Key, View, entry);
    }

    private static async Task<Listing<DomainEntry>> PageAsync(CommandCall call, StoreConnection db, IQueryable<DomainEntry> ordered, CancellationToken cancellationToken)
    {
        var listing = await Listing.ReadAsync(ordered, call.Page, cancellationToken);
        return listing with { Rows = await WithLimitsAsync(call, db, listing.Rows, cancellationToken) };
    }

    private static async Task<IReadOnlyList<DomainEntry>> WithLimitsAsync(CommandCall call, StoreConnection db, IReadOnlyList<DomainEntry> entries, CancellationToken cancellationToken)
    {
        var settings = await SettingValues.ReadAsync(db, call.Services.Timings, cancellationToken);
        var have = await OwnerLimits.ByDomainAsync(db, [.. entries.Select(e => e.Domain)], settings, cancellationToken);
        return [.. entries.Select(e => e with { Have = have[e.Domain.Id] })];
    }

    private sealed record DomainEntry
    {
        public required DomainRow Domain { get; init; }

        public required bool HasChild { get; init; }

        // Read apart.
        public OwnerLimits? Have { get; init; }
    }
}
