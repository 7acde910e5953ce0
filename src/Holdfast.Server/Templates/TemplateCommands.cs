using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Templates;

/// <summary>Commands about templates. A list has one row for each template and zone.</summary>
internal static class TemplateCommands
{
    private const string Key = "template";

    private static readonly TextParameter Filter = Text("templatefilter", "featured, self, selfexecutable, sharedexecutable, executable, community or all", required: true);
    private static readonly ValueParameter<TemplateId> FilterId = Id<TemplateId>("id", "the id of the template");
    private static readonly ListParameter<TemplateId> FilterIds = Ids<TemplateId>("ids", "the ids of the templates; not together with id");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the template, whatever its case");
    private static readonly ValueParameter<ZoneId> FilterZone = Id<ZoneId>("zoneid", "the zone");
    private static readonly TextParameter FilterHypervisor = Text("hypervisor", "the hypervisor");
    private static readonly TextParameter FilterType = Text("templatetype", "the type of the template; all are USER");
    private static readonly ValueParameter<bool> FilterReady = Bool("isready", "whether the template is ready");
    private static readonly ListParameter<string> FilterDetails = Texts("details", "groups of fields", noEffect: "all are answered");
    private static readonly ValueParameter<bool> ShowUnique = Bool("showunique", "whether each template is listed once, not once for each zone");

    private static readonly TextParameter Name = Text("name", "the name", required: true);
    private static readonly TextParameter Format = Text("format", "QCOW2 or RAW", required: true);
    private static readonly TextParameter Hypervisor = Text("hypervisor", "the hypervisor: KVM", required: true);
    private static readonly TextParameter Url = Text("url", "where the image is: http, https, or file for an image that the hosts have (root administrators only)", required: true, length: 2048);
    private static readonly TextParameter DisplayText = Text("displaytext", "the display text; the name when not sent", length: 4096);
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "the zone; -1, or neither this nor zoneids: all zones", minusOne: true);
    private static readonly ListParameter<ZoneId> Zones = Ids<ZoneId>("zoneids", "one zone, or -1 for all; not together with zoneid", minusOne: true);
    private static readonly ValueParameter<OsTypeId> OsType = Id<OsTypeId>("ostypeid", "the guest operating system type; Other (64-bit) when it is not sent");
    private static readonly ValueParameter<bool> IsPublic = Bool("ispublic", "whether other accounts may use it");
    private static readonly ValueParameter<bool> IsFeatured = Bool("isfeatured", "whether it is featured; root administrators only");
    private static readonly ValueParameter<bool> IsExtractable = Bool("isextractable", "whether it may be downloaded; recorded", noEffect: "there is no command to download it with");
    private static readonly ValueParameter<bool> PasswordEnabled = Bool("passwordenabled", "whether its guests take a password: one is made for each VM and told to its guest");
    private static readonly ValueParameter<bool> SshKeyEnabled = Bool("sshkeyenabled", "whether the image takes an SSH key; recorded", noEffect: "a key is offered to every guest; its image takes it or not");
    private static readonly ValueParameter<bool> RequiresHvm = Bool("requireshvm", "whether the guest needs hardware virtualization; recorded, true when not sent", noEffect: "every guest has it");
    private static readonly ValueParameter<bool> Scalable = Bool("isdynamicallyscalable", "whether its guests take more processors and memory while they run; false when not sent");
    private static readonly ValueParameter<int> Bits = Int("bits", "32 or 64; 64 when not sent, recorded and shown");
    private static readonly TextParameter Checksum = Text("checksum", "the checksum of the image: {SHA-256}HEX, {SHA-512}HEX, {SHA-1}HEX, {MD5}HEX, or bare hexadecimal");
    private static readonly MapParameter Details = Map("details", "details: details[0].KEY=VALUE");

    private static readonly ValueParameter<TemplateId> Own = Id<TemplateId>("id", "the id of the template", toChange: true, required: true);
    private static readonly TextParameter OtherName = Text("name", "another name");
    private static readonly TextParameter OtherText = Text("displaytext", "another display text", length: 4096);
    private static readonly TextParameter SameFormat = Text("format", "its format, as it is: an image is not converted");
    private static readonly ValueParameter<OsTypeId> OtherOsType = Id<OsTypeId>("ostypeid", "another guest operating system type");
    private static readonly ValueParameter<bool> OtherPasswordEnabled = Bool("passwordenabled", "whether its guests take a password; of VMs that are there it holds for resetPasswordForVirtualMachine");
    private static readonly ValueParameter<bool> OtherRequiresHvm = Bool("requireshvm", "whether the guest needs hardware virtualization; recorded", noEffect: "every guest has it");
    private static readonly ValueParameter<bool> OtherScalable = Bool("isdynamicallyscalable", "whether its guests take more processors and memory while they run; those that run have room for that only when they were started so");
    private static readonly MapParameter OtherDetails = Map("details", "all its details, in place of those that it has: details[0].KEY=VALUE");
    private static readonly ValueParameter<bool> CleanUpDetails = Bool("cleanupdetails", "whether all its details go");
    private static readonly ValueParameter<ZoneId> DeleteZone = Id<ZoneId>("zoneid", "the zone of the template", noEffect: "the template is deleted in all its zones");
    private static readonly ValueParameter<bool> Forced = Bool("forced", "whether a template that VMs were made from is deleted", noEffect: "VMs do not need the template they were made from");

    private static readonly ValueParameter<TemplateId> Linked = Id<TemplateId>("templateid", "the id of the template", toChange: true, required: true);
    private static readonly ValueParameter<UserDataId> UserData = Id<UserDataId>("userdataid", "the id of the registered user data; without it the template has none any more");
    private static readonly TextParameter Policy = Text("userdatapolicy", "what becomes of it when a VM is given its own: ALLOWOVERRIDE, also when it is not sent, APPEND tells both, DENYOVERRIDE refuses the VM's; goes with userdataid");

    private static readonly View<TemplateCopyEntry> CopyView = Api.Commands.View<TemplateCopyEntry>.Build(v => v
        .Text("datastore", "the storage pool", c => c.PoolName)
        .Text("datastoreId", "the id of the storage pool", c => c.Copy.PoolId.ToString())
        .Text("datastoreRole", "always Primary: there is no secondary storage", _ => "Primary")
        .Text("downloadState", "DOWNLOAD_IN_PROGRESS, CREATING (downloaded, being checked and written to the pool) or DOWNLOADED", c => c.DownloadState)
        .Text("downloadPercent", "how much of its image was downloaded", c => c.DownloadPercent.ToString(CultureInfo.InvariantCulture)));

    private static readonly View<TemplateEntry> View = Api.Commands.View<TemplateEntry>.Build(v => v
        .Id("id", "the id of the template", e => e.Template.Id)
        .Text("name", "the name of the template", e => e.Template.Name)
        .Text("displaytext", "the display text of the template", e => e.Template.DisplayText)
        .Bool("ispublic", "true if other accounts may use it", e => e.Template.IsPublic)
        .Bool("isready", "true if VMs can be made from it", e => e.Template.State == TemplateState.Ready)
        .Bool("isfeatured", "true if it is featured", e => e.Template.IsFeatured)
        .Date("created", "when it was registered", e => e.Template.Created)
        .Date("removed", "when it was deleted", e => e.Template.Removed)
        .Bool("crossZones", "true if it is in all zones", e => e.Template.ZoneId is null)
        .Text("format", "the format of its image", e => e.Template.Format.ToUpperInvariant())
        .Text("hypervisor", "the hypervisor", e => e.Template.Hypervisor)
        .OptionalId("ostypeid", "the id of its guest operating system type", e => e.Template.OsTypeId)
        .Text("ostypename", "its guest operating system type", e => e.OsType?.Description)
        .Id("zoneid", "the id of the zone", e => e.Zone.Id)
        .Text("zonename", "the name of the zone", e => e.Zone.Name)
        .Text("status", "Download Complete, or what stands in the way", e => e.Template.Status)
        .Text("templatetype", "the type of the template", _ => "USER")
        .Long("size", "the size of its disk in bytes", e => e.Template.SizeBytes)
        .Bool("passwordenabled", "true if its guests take a password", e => e.Template.PasswordEnabled)
        .Bool("sshkeyenabled", "as recorded", e => e.Template.SshKeyEnabled)
        .Bool("isextractable", "as recorded", e => e.Template.IsExtractable)
        .Text("checksum", "the checksum of its image", e => e.Template.Checksum)
        .Bool("bootable", "always true", _ => true)
        .Bool("isdynamicallyscalable", "true if its guests take more processors and memory while they run", e => e.Template.DynamicallyScalable)
        .Bool("directdownload", "always false", _ => false)
        .Bool("deployasis", "always false", _ => false)
        .Bool("requireshvm", "as recorded", e => e.Template.RequiresHvm)
        .Int("bits", "32 or 64", e => e.Template.Bits)
        .Include(OwnerView.View, e => e.Account)
        .OptionalId("accountid", "the id of the account that owns it", e => e.Account.ShownId)
        .Id("domainid", "the id of the owner's domain", e => e.Domain.Id)
        .Text("domain", "the owner's domain", e => e.Domain.Path)
        .Only(Roles.RootAdmin, admin => admin
            .Text("url", "where its image is", e => e.Template.Url)
            .List("downloaddetails", "how far it is on each storage pool that has it or gets it", CopyView, e => e.Copies))
        .OptionalId("userdataid", "the id of the registered user data that VMs made from it have", e => e.UserDataName is null ? null : e.Template.UserDataId)
        .Text("userdataname", "the name of that user data", e => e.UserDataName)
        .Text("userdatapolicy", "what becomes of that when a VM is given its own: ALLOWOVERRIDE, APPEND or DENYOVERRIDE", e => e.UserDataName is null ? null : e.Template.UserDataPolicy?.ToString().ToUpperInvariant())
        .Text("userdataparams", "the names of the variables that it declares", e => e.UserDataParams)
        .Map("details", "its details", e => StoredJson.Map(e.Template.Details))
        .List("tags", "its tags", TagView.View, e => e.Tags));

    private static readonly IconedList<TemplateEntry> Listed = new(Key, View, e => [e.Template.Id.Value]);

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listTemplates",
            Description = "Lists templates, one row for each template and zone",
            Roles = Roles.Authenticated,
            Parameters =
            [
                Filter, FilterId, FilterIds, FilterName, FilterZone, FilterHypervisor, FilterType, FilterReady, FilterDetails, ShowUnique, IconedList.Show,
                .. CommonParameters.OwnedList,
            ],
            Response = Listed.Response,
            Handler = ListAsync,
        },
        new()
        {
            Name = "registerTemplate",
            Description = "Registers a template; it is ready when a host has checked and imported its image",
            Roles = Roles.Authenticated,
            Parameters =
            [
                Name, Format, Hypervisor, Url, DisplayText, Zone, Zones, OsType, IsPublic, IsFeatured, IsExtractable, PasswordEnabled, SshKeyEnabled,
                RequiresHvm, Scalable, Bits, Checksum, Details, .. OwnerParameters.All,
            ],
            Response = ResponseShape.Of(Key, View),
            Handler = RegisterAsync,
        },
        new()
        {
            Name = "linkUserDataToTemplate",
            Description = "Has VMs that are made from a template told registered user data, or no more",
            Roles = Roles.Authenticated,
            Parameters = [Linked, UserData, Policy],
            Response = ResponseShape.Of(Key, View),
            Handler = LinkUserDataAsync,
        },
        new()
        {
            Name = "updateTemplate",
            Description = "Changes what a template is called, and what is said of its image",
            Roles = Roles.Authenticated,
            Parameters = [Own, OtherName, OtherText, SameFormat, OtherOsType, OtherPasswordEnabled, SshKeyEnabled, OtherRequiresHvm, OtherScalable, OtherDetails, CleanUpDetails],
            Response = ResponseShape.Of(Key, View),
            Handler = UpdateAsync,
        },
        new()
        {
            Name = "deleteTemplate",
            Description = "Deletes a template; what backends still owe is shown by listObligations",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Own, DeleteZone, Forced],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<ITemplateOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Own), ct)).ToResult(),
        },
    ];

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterId);
        var ids = call.Get(FilterIds);
        if (id is not null && ids is not null)
        {
            return ApiError.InvalidParameter("Specify either id or ids but not both parameters");
        }

        var filter = call.Require(Filter).ToLowerInvariant();
        if (filter is not ("featured" or "self" or "selfexecutable" or "sharedexecutable" or "executable" or "community" or "all"))
        {
            return ApiError.InvalidParameter($"Unable to parse template filter {call.Require(Filter)}");
        }

        if (filter == "all" && call.Caller.Role == Roles.User)
        {
            return ApiError.InvalidParameter("Filter all can be specified by admins only");
        }

        if ((call.Get(FilterHypervisor) is { } hypervisor && !hypervisor.Equals("KVM", StringComparison.OrdinalIgnoreCase))
            || (call.Get(FilterType) is { } type && !type.Equals("USER", StringComparison.OrdinalIgnoreCase))
            || filter == "sharedexecutable")
        {
            // Nothing is shared with single accounts.
            return ApiResult.EmptyList();
        }

        var listing = await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                var page = await Listing.ReadAsync(Rows(db, Filtered(db, call, filter, id is { } one ? [one] : ids), call.Get(FilterZone), call.Get(ShowUnique) ?? false), call.Page, ct);
                var tagsOf = await TagReader.ReadAsync(db, page.Rows.Select(e => e.Template.Id.Value).Distinct(), ct);
                page = page with { Rows = [.. page.Rows.Select(e => e with { Tags = [.. tagsOf[e.Template.Id.Value]] })] };
                return call.Caller.IsRootAdmin ? page with { Rows = await WithCopiesAsync(db, page.Rows, ct) } : page;
            },
            cancellationToken);
        return await Listed.AnswerAsync(call, listing, cancellationToken);
    }

    private static IQueryable<TemplateRow> Filtered(StoreConnection db, CommandCall call, string filter, IReadOnlyList<TemplateId>? ids)
    {
        // A project's are asked for by the project, as if it were the caller.
        var project = Ownership.ProjectOf(call);
        var own = project ?? call.Caller.AccountId;
        var isRoot = call.Caller.IsRootAdmin && project is null;
        var templates = db.Templates.Where(t => t.Removed == null);
        templates = filter switch
        {
            "featured" => templates.Where(t => t.IsPublic && t.IsFeatured),
            "self" => templates.Where(t => t.AccountId == own),
            "selfexecutable" => templates.Where(t => t.AccountId == own && t.State == TemplateState.Ready),
            "executable" => templates.Where(t => t.State == TemplateState.Ready && (isRoot || t.IsPublic || t.AccountId == own)),
            "community" => templates.Where(t => t.IsPublic && !t.IsFeatured),
            _ when project is not null => templates.Where(t => t.IsPublic || t.AccountId == own),
            _ => OfVisible(db, templates, call, withProjects: ids is not null || Ownership.AsksForAllProjects(call)),
        };
        if (ids is not null)
        {
            templates = templates.Where(t => ids.Contains(t.Id));
        }

        if (call.Get(CommonParameters.Tags)?.Entries is { } wanted)
        {
            var tags = TagReader.Any(db, wanted);
            templates = templates.Where(t => tags.Any(tag => tag.ResourceId == StoreSql.Plain(t.Id)));
        }

        if (call.Get(FilterName)?.ToLowerInvariant() is { } name)
        {
            templates = templates.Where(t => t.Name.ToLower() == name);
        }

        if (call.Get(CommonParameters.Keyword)?.ToLowerInvariant() is { } keyword)
        {
            templates = templates.Where(t => t.Name.ToLower().Contains(keyword) || t.DisplayText.ToLower().Contains(keyword));
        }

        if (call.Get(FilterReady) is { } ready)
        {
            templates = templates.Where(t => (t.State == TemplateState.Ready) == ready);
        }

        if (call.Get(CommonParameters.Account)?.ToLowerInvariant() is { } account)
        {
            templates = templates.Where(t => db.Accounts.Any(a => a.Id == t.AccountId && a.Type != AccountRow.Project && a.Name.ToLower() == account));
        }

        if (call.Get(CommonParameters.Domain) is { } domain)
        {
            templates = templates.Where(t => db.Accounts.Any(a => a.Id == t.AccountId && a.DomainId == domain));
        }

        return templates;
    }

    private static IQueryable<TemplateRow> OfVisible(StoreConnection db, IQueryable<TemplateRow> templates, CommandCall call, bool withProjects)
    {
        var caller = call.Caller.ForOperations;
        var visible = withProjects ? caller.Accounts(db) : caller.AccountsAlone(db);
        return templates.Where(t => t.IsPublic || visible.Any(a => a.Id == t.AccountId));
    }

    private static IQueryable<TemplateEntry> Rows(StoreConnection db, IQueryable<TemplateRow> templates, ZoneId? zoneId, bool unique)
    {
        var first = db.Zones.Where(z => z.Removed == null).OrderBy(z => z.Created).ThenBy(z => z.Id).Select(z => z.Id).Take(1);
        return
            from template in templates
            join account in db.Accounts on template.AccountId equals account.Id
            join domain in db.Domains on account.DomainId equals domain.Id
            from zone in db.Zones.InnerJoin(z => z.Removed == null && (template.ZoneId == null || template.ZoneId == z.Id))
            from osType in db.OsTypes.LeftJoin(o => o.Id == template.OsTypeId)
            from userData in db.UserData.LeftJoin(u => u.Id == template.UserDataId)
            where (zoneId == null || zone.Id == zoneId) && (!unique || zoneId != null || template.ZoneId != null || first.Contains(zone.Id))
            orderby template.Created, template.Id, zone.Created, zone.Id
            select new TemplateEntry { Template = template, Account = account, Domain = domain, Zone = zone, OsType = osType, UserDataName = userData.Name, UserDataParams = userData.Params };
    }

    private static async Task<IReadOnlyList<TemplateEntry>> WithCopiesAsync(StoreConnection db, IReadOnlyList<TemplateEntry> entries, CancellationToken cancellationToken)
    {
        var copies = await Listing.ChildrenAsync(
            entries.Select(e => e.Template.Id),
            ids => from copy in db.TemplateCopies
                   join pool in db.StoragePools on copy.PoolId equals pool.Id
                   from task in db.Tasks.LeftJoin(t => t.Id == copy.TaskId)
                   where ids.Contains(copy.TemplateId) && copy.Removed == null && (copy.State == TemplateCopyState.Importing || copy.State == TemplateCopyState.Ready)
                   orderby copy.Created, copy.Id
                   select new TemplateCopyEntry { Copy = copy, PoolName = pool.Name, Percent = task.Percent },
            cancellationToken);
        var byTemplate = copies.ToLookup(c => c.Copy.TemplateId);
        return [.. entries.Select(e => e with { Copies = [.. byTemplate[e.Template.Id]] })];
    }

    private static async Task<ApiResult> RegisterAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (maker, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        if (maker is null)
        {
            return notOwner!;
        }

        var zone = call.Get(Zone);
        if (call.Get(Zones) is { } zones)
        {
            if (zone is not null || zones.Count != 1)
            {
                return ApiError.InvalidParameter("Specify one zone, by zoneid or zoneids, or none for all zones");
            }

            zone = zones[0];
        }

        if (call.Get(IsFeatured) == true && !call.Caller.IsRootAdmin)
        {
            return new ApiError(531, ApiErrorCodes.PermissionDenied, "Only root administrators may feature a template");
        }

        if (call.Get(Bits) is { } bits and not (32 or 64))
        {
            return ApiError.InvalidParameter($"Invalid parameter bits value={bits}: it must be 32 or 64");
        }

        var outcome = await call.Services.Of<ITemplateOperations>().RegisterAsync(
            maker,
            new RegisterTemplate
            {
                Name = call.Require(Name),
                DisplayText = call.Get(DisplayText),
                Url = call.Require(Url),
                Format = call.Require(Format),
                Hypervisor = call.Require(Hypervisor),
                Checksum = call.Get(Checksum),
                ZoneId = zone is { Value: var id } && id != Guid.Empty ? zone : null,
                OsTypeId = call.Get(OsType),
                IsPublic = call.Get(IsPublic) ?? false,
                IsFeatured = call.Get(IsFeatured) ?? false,
                IsExtractable = call.Get(IsExtractable) ?? false,
                PasswordEnabled = call.Get(PasswordEnabled) ?? false,
                SshKeyEnabled = call.Get(SshKeyEnabled) ?? false,
                RequiresHvm = call.Get(RequiresHvm) ?? true,
                DynamicallyScalable = call.Get(Scalable) ?? false,
                Bits = call.Get(Bits) ?? 64,
                Details = call.Get(Details)?.Entries ?? new Dictionary<string, string>(),
            },
            cancellationToken);
        return await outcome.ToResultAsync(async row =>
        {
            var listing = await call.Services.Database.ReadAsync(
                (db, ct) => Listing.ReadAsync(Rows(db, db.Templates.Where(t => t.Id == row.Id), null, unique: false), new Page(0, null), ct),
                cancellationToken);
            return ApiResult.List(Key, View, listing.Rows, listing.Total);
        });
    }

    private static async Task<ApiResult> LinkUserDataAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (id, sent) = (call.Require(Linked), call.Get(Policy));
        if (sent is not null && call.Get(UserData) is null)
        {
            return ApiError.InvalidParameter("Parameter userdatapolicy goes with userdataid");
        }

        var policies = Enum.GetValues<UserDataPolicy>();
        var policy = policies.Where(p => p.ToString().Equals(sent ?? nameof(UserDataPolicy.AllowOverride), StringComparison.OrdinalIgnoreCase)).Select(p => (UserDataPolicy?)p).FirstOrDefault();
        if (policy is null)
        {
            return ApiError.InvalidParameter($"Invalid parameter userdatapolicy value={sent}: it is one of {string.Join(", ", policies.Select(p => p.ToString().ToUpperInvariant()))}");
        }

        var outcome = await call.Services.Of<ITemplateOperations>().LinkUserDataAsync(call.Caller.ForOperations, id, call.Get(UserData), policy.Value, cancellationToken);
        return await outcome.ToResultAsync(async _ =>
        {
            var entry = await call.Services.Database.ReadAsync((db, ct) => Rows(db, db.Templates.Where(t => t.Id == id), null, unique: true).FirstOrDefaultAsync(ct), cancellationToken);
            return entry is null ? call.UnknownEntity(Linked, id) : ApiResult.Object(Key, View, entry);
        });
    }

    private static async Task<ApiResult> UpdateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var details = call.Get(OtherDetails)?.Entries;
        if (details is not null && call.Get(CleanUpDetails) == true)
        {
            return ApiError.InvalidParameter("Send either details or cleanupdetails=true");
        }

        var outcome = await call.Services.Of<ITemplateOperations>().UpdateAsync(
            call.Caller.ForOperations,
            new UpdateTemplate
            {
                Id = call.Require(Own),
                Name = call.Get(OtherName),
                DisplayText = call.Get(OtherText),
                Format = call.Get(SameFormat),
                OsTypeId = call.Get(OtherOsType),
                PasswordEnabled = call.Get(OtherPasswordEnabled),
                SshKeyEnabled = call.Get(SshKeyEnabled),
                RequiresHvm = call.Get(OtherRequiresHvm),
                DynamicallyScalable = call.Get(OtherScalable),
                Details = call.Get(CleanUpDetails) == true ? new Dictionary<string, string>() : details,
            },
            cancellationToken);
        return await outcome.ToResultAsync(async row =>
        {
            var listing = await call.Services.Database.ReadAsync(
                (db, ct) => Listing.ReadAsync(Rows(db, db.Templates.Where(t => t.Id == row.Id), null, unique: true), new Page(0, 1), ct),
                cancellationToken);
            return ApiResult.Object(Key, View, listing.Rows[0]);
        });
    }

    private sealed record TemplateEntry
    {
        public required TemplateRow Template { get; init; }

        public required AccountRow Account { get; init; }

        public required DomainRow Domain { get; init; }

        public required ZoneRow Zone { get; init; }

        public OsTypeRow? OsType { get; init; }

        public string? UserDataName { get; init; }

        public string? UserDataParams { get; init; }

        public IReadOnlyList<TemplateCopyEntry> Copies { get; init; } = [];

        public IReadOnlyList<TagEntry> Tags { get; init; } = [];
    }

    private sealed record TemplateCopyEntry
    {
        private const int All = 100;

        public required TemplateCopyRow Copy { get; init; }

        public required string PoolName { get; init; }

        public int? Percent { get; init; }

        public string DownloadState => Copy.State switch
        {
            TemplateCopyState.Ready => "DOWNLOADED",
            _ when Percent >= All => "CREATING",
            _ => "DOWNLOAD_IN_PROGRESS",
        };

        public int DownloadPercent => Copy.State == TemplateCopyState.Ready ? All : Percent ?? 0;
    }
}
