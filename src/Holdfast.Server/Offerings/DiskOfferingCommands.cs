using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Offerings;

/// <summary>Commands about disk offerings.</summary>
internal static class DiskOfferingCommands
{
    private const string Key = "diskoffering";

    private static readonly ValueParameter<DiskOfferingId> FilterId = Id<DiskOfferingId>("id", "the id of the offering");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the offering, whatever its case");
    private static readonly ValueParameter<ZoneId> FilterZone = Id<ZoneId>("zoneid", "the zone", noEffect: "every offering is for all zones");
    private static readonly TextParameter FilterStorageType = Text("storagetype", "shared or local");
    private static readonly TextParameter FilterState = Text("state", "Active or Inactive; all are Active");
    private static readonly ValueParameter<bool> FilterEncrypt = Bool("encrypt", "whether to list offerings of encrypted volumes; there are none");

    private static readonly TextParameter Name = Text("name", "the name", required: true);
    private static readonly TextParameter DisplayText = Text("displaytext", "the display text; the name when not sent", length: 4096);
    private static readonly ValueParameter<long> Size = Long("disksize", "the size in GiB; not for customized offerings");
    private static readonly ValueParameter<bool> Customized = Bool("customized", "whether the size is chosen with each volume");
    private static readonly TextParameter StorageType = Text("storagetype", "only shared: storage of one host is chosen by tags");
    private static readonly TextParameter Provisioning = Text("provisioningtype", "how space is set aside: thin");
    private static readonly ListParameter<string> Tags = Texts("tags", "tags that the storage pool must have, comma-separated");
    private static readonly ValueParameter<bool> Display = Bool("displayoffering", "whether others than root administrators see the offering; true when not sent");
    private static readonly TextParameter CacheMode = Text("cachemode", "only none");
    private static readonly ValueParameter<bool> Encrypt = Bool("encrypt", "only false");
    private static readonly MapParameter Details = Map("details", "details: details[0].KEY=VALUE");

    private static readonly ValueParameter<DiskOfferingId> Own = Id<DiskOfferingId>("id", "the id of the offering", required: true);
    private static readonly TextParameter OtherName = Text("name", "another name");
    private static readonly TextParameter OtherText = Text("displaytext", "another display text", length: 4096);
    private static readonly ListParameter<string> OtherTags = Texts("tags", "other tags that the storage pool must have; empty for none", clearable: true);
    private static readonly ValueParameter<bool> OtherDisplay = Bool("displayoffering", "whether others than root administrators see the offering");

    private static readonly View<DiskOfferingRow> View = Api.Commands.View<DiskOfferingRow>.Build(v => v
        .Id("id", "the id of the offering", o => o.Id)
        .Text("name", "the name of the offering", o => o.Name)
        .Text("displaytext", "the display text of the offering", o => o.DisplayText)
        .Long("disksize", "the size in GiB; 0 when it is chosen with each volume", o => o.SizeBytes >> 30)
        .Date("created", "when the offering was made", o => o.Created)
        .Bool("iscustomized", "true if the size is chosen with each volume", o => o.Customized)
        .Bool("iscustomizediops", "always false: operations a second are not limited", _ => false)
        .Text("tags", "tags that the storage pool must have", o => o.Tags.Length == 0 ? null : o.Tags)
        .Text("storagetype", "shared or local", o => o.StorageType)
        .Text("provisioningtype", "how space is set aside", o => o.ProvisioningType)
        .Bool("displayoffering", "as recorded", o => o.DisplayOffering)
        .Text("cacheMode", "the cache mode", o => o.CacheMode)
        .Bool("disksizestrictness", "always false", _ => false)
        .Bool("encrypt", "always false: volumes are not encrypted", _ => false)
        .Map("details", "the offering's details", o => StoredJson.Map(o.Details))
        .Text("state", "Active", _ => "Active"));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listDiskOfferings",
            Description = "Lists disk offerings",
            Roles = Roles.Authenticated,
            Parameters = [FilterId, FilterName, FilterZone, FilterStorageType, FilterState, FilterEncrypt, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "createDiskOffering",
            Description = "Makes a disk offering",
            Roles = Roles.RootAdmin,
            Parameters = [Name, DisplayText, Size, Customized, StorageType, Provisioning, Tags, Display, CacheMode, Encrypt, Details],
            Response = ResponseShape.Of(Key, View),
            Handler = CreateAsync,
        },
        new()
        {
            Name = "updateDiskOffering",
            Description = "Changes a disk offering; tags hold for new volumes",
            Roles = Roles.RootAdmin,
            Parameters = [Own, OtherName, OtherText, OtherTags, OtherDisplay],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => (await call.Services.Of<IOfferingOperations>().UpdateDiskOfferingAsync(
                call.Caller.ForOperations,
                new UpdateDiskOffering { Id = call.Require(Own), Name = call.Get(OtherName), DisplayText = call.Get(OtherText), Tags = call.Get(OtherTags), DisplayOffering = call.Get(OtherDisplay) },
                ct)).ToResult(row => ApiResult.Object(Key, View, row)),
        },
        new()
        {
            Name = "deleteDiskOffering",
            Description = "Deletes a disk offering; volumes that have it keep it",
            Roles = Roles.RootAdmin,
            Parameters = [Own],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IOfferingOperations>().DeleteDiskOfferingAsync(call.Caller.ForOperations, call.Require(Own), ct)).ToResult(),
        },
    ];

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(FilterEncrypt) == true || (call.Get(FilterState) is { } state && !state.Equals("Active", StringComparison.OrdinalIgnoreCase)))
        {
            return ApiResult.EmptyList();
        }

        var seesAll = call.Caller.IsRootAdmin;
        var id = call.Get(FilterId);
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var storageType = call.Get(FilterStorageType)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                db.DiskOfferings
                    .Where(o => o.Removed == null
                        && (seesAll || o.DisplayOffering)
                        && (id == null || o.Id == id)
                        && (name == null || o.Name.ToLower() == name)
                        && (keyword == null || o.Name.ToLower().Contains(keyword) || o.DisplayText.ToLower().Contains(keyword))
                        && (storageType == null || o.StorageType.ToLower() == storageType))
                    .OrderBy(o => o.Created)
                    .ThenBy(o => o.Id),
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(Encrypt) == true)
        {
            return ApiError.InvalidParameter("Encrypted volumes are not supported: encrypt must be false");
        }

        var outcome = await call.Services.Of<IOfferingOperations>().CreateDiskOfferingAsync(
            call.Caller.ForOperations,
            new CreateDiskOffering
            {
                Name = call.Require(Name),
                DisplayText = call.Get(DisplayText),
                SizeGib = call.Get(Size),
                Customized = call.Get(Customized) ?? false,
                StorageType = call.Get(StorageType),
                ProvisioningType = call.Get(Provisioning),
                Tags = call.Get(Tags) ?? [],
                DisplayOffering = call.Get(Display) ?? true,
                CacheMode = call.Get(CacheMode),
                Details = call.Get(Details)?.Entries ?? new Dictionary<string, string>(),
            },
            cancellationToken);
        return outcome.ToResult(row => ApiResult.Object(Key, View, row));
    }
}
