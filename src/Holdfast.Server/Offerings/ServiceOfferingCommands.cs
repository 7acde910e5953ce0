using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Offerings;

/// <summary>Commands about service offerings.</summary>
internal static class ServiceOfferingCommands
{
    private const string Key = "serviceoffering";

    private static readonly ValueParameter<ServiceOfferingId> FilterId = Id<ServiceOfferingId>("id", "the id of the offering");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the offering, whatever its case");
    private static readonly ValueParameter<VmId> FilterVm = Id<VmId>("virtualmachineid", "a VM: lists the offerings that it could be changed to, also its own when that is a custom one");
    private static readonly ValueParameter<bool> IsSystem = Bool("issystem", "whether to list offerings of system VMs; there are none");
    private static readonly ValueParameter<ZoneId> FilterZone = Id<ZoneId>("zoneid", "the zone", noEffect: "every offering is for all zones");
    private static readonly ValueParameter<int> FilterCpus = Int("cpunumber", "offerings with at least so many CPUs, also custom ones that can give them");
    private static readonly ValueParameter<int> FilterSpeed = Int("cpuspeed", "offerings with CPUs of at least so many MHz, also custom ones that can give them");
    private static readonly ValueParameter<int> FilterMemory = Int("memory", "offerings with at least so many MiB of memory, also custom ones that can give them");
    private static readonly TextParameter FilterStorageType = Text("storagetype", "shared or local");
    private static readonly TextParameter FilterState = Text("state", "Active or Inactive; all are Active");
    private static readonly ValueParameter<TemplateId> FilterTemplate = Id<TemplateId>("templateid", "a template", noEffect: "every offering goes with every template");

    private static readonly TextParameter Name = Text("name", "the name", required: true);
    private static readonly TextParameter DisplayText = Text("displaytext", "the display text; the name when not sent", length: 4096);
    private static readonly ValueParameter<int> Cpus = Int("cpunumber", "the number of CPUs; without it and memory the offering is a custom one, whose VMs are each given their size");
    private static readonly ValueParameter<int> Speed = Int("cpuspeed", "the speed of a CPU in MHz; of a custom offering together with all four bounds");
    private static readonly ValueParameter<int> Memory = Int("memory", "the memory in MiB");
    private static readonly ValueParameter<int> MinCpus = Int(ServiceOfferingBounds.MinCpuNumber, "the fewest CPUs of a VM of a custom offering; all four bounds and cpuspeed, or none of them");
    private static readonly ValueParameter<int> MaxCpus = Int(ServiceOfferingBounds.MaxCpuNumber, "the most CPUs of a VM of a custom offering");
    private static readonly ValueParameter<int> MinMemory = Int(ServiceOfferingBounds.MinMemory, "the least memory in MiB of a VM of a custom offering");
    private static readonly ValueParameter<int> MaxMemory = Int(ServiceOfferingBounds.MaxMemory, "the most memory in MiB of a VM of a custom offering");
    private static readonly ValueParameter<bool> Customized = Bool("customized", "whether each VM is given its own size; when not sent, whether neither cpunumber nor memory is");
    private static readonly TextParameter StorageType = Text("storagetype", "only shared: storage of one host is chosen by tags");
    private static readonly TextParameter Provisioning = Text("provisioningtype", "how space is set aside: thin");
    private static readonly ListParameter<string> StorageTags = Texts("tags", "tags that the root disk's storage pool must have, comma-separated");
    private static readonly ListParameter<string> HostTags = Texts("hosttags", "tags that the host must have, comma-separated");
    private static readonly ValueParameter<long> RootDisk = Long("rootdisksize", "the size of the root disk in GiB; the template's when not sent");
    private static readonly ValueParameter<bool> DynamicScaling = Bool("dynamicscalingenabled", "whether its VMs may be given another size while they run; true when not sent");
    private static readonly ValueParameter<bool> OfferHa = Bool("offerha", "only false: no VM is restarted elsewhere by itself");
    private static readonly ValueParameter<bool> LimitCpu = Bool("limitcpuuse", "only false: CPU use is not limited to what is offered");
    private static readonly ValueParameter<bool> Volatile = Bool("isvolatile", "only false");
    private static readonly TextParameter CacheMode = Text("cachemode", "only none");
    private static readonly MapParameter Details = Map("serviceofferingdetails", "details: serviceofferingdetails[0].key=KEY and .value=VALUE");

    private static readonly ValueParameter<ServiceOfferingId> Own = Id<ServiceOfferingId>("id", "the id of the offering", required: true);
    private static readonly TextParameter OtherName = Text("name", "another name");
    private static readonly TextParameter OtherText = Text("displaytext", "another display text", length: 4096);
    private static readonly ListParameter<string> OtherStorageTags = Texts("storagetags", "other tags that the root disk's storage pool must have; empty for none", clearable: true);
    private static readonly ListParameter<string> OtherHostTags = Texts("hosttags", "other tags that the host must have; empty for none", clearable: true);

    private static readonly View<ServiceOfferingRow> View = Api.Commands.View<ServiceOfferingRow>.Build(v => v
        .Id("id", "the id of the offering", o => o.Id)
        .Text("name", "the name of the offering", o => o.Name)
        .Text("displaytext", "the display text of the offering", o => o.DisplayText)
        .Int("cpunumber", "the number of CPUs; missing of a custom offering", o => o.Customized ? null : o.Cpus)
        .Int("cpuspeed", "the speed of a CPU in MHz; missing of a custom offering without bounds", o => o is { Customized: true, MinCpus: null } ? null : o.CpuMhz)
        .Int("memory", "the memory in MiB; missing of a custom offering", o => o.Customized ? null : o.MemoryMib)
        .Date("created", "when the offering was made", o => o.Created)
        .Text("storagetype", "shared or local", o => o.StorageType)
        .Text("provisioningtype", "how space is set aside", o => o.ProvisioningType)
        .Bool("offerha", "as recorded", o => o.OfferHa)
        .Bool("limitcpuuse", "true if CPU use is limited to what is offered", o => o.LimitCpuUse)
        .Bool("isvolatile", "true if the root disk is made anew at each start", o => o.IsVolatile)
        .Text("storagetags", "tags that the root disk's storage pool must have", o => o.StorageTags.Length == 0 ? null : o.StorageTags)
        .Text("hosttags", "tags that the host must have", o => o.HostTags.Length == 0 ? null : o.HostTags)
        .Bool("issystem", "always false: there are no system VMs", _ => false)
        .Bool("defaultuse", "always false: there are no system VMs", _ => false)
        .Bool("iscustomized", "true if each VM is given its own size", o => o.Customized)
        .Bool("iscustomizediops", "always false: operations a second are not limited", _ => false)
        .Long("rootdisksize", "the size of the root disk in GiB", o => o.RootDiskBytes is { } bytes ? bytes >> 30 : null)
        .Bool("dynamicscalingenabled", "true if its VMs may be given another size while they run", o => o.DynamicScaling)
        .Bool("diskofferingstrictness", "always false", _ => false)
        .Bool("encryptroot", "always false: root disks are not encrypted", _ => false)
        .Text("cacheMode", "the cache mode of the root disk", o => o.CacheMode)
        .Map("serviceofferingdetails", "the offering's details; of a custom one its bounds too: mincpunumber, maxcpunumber, minmemory, maxmemory", DetailsOf)
        .Text("state", "Active", _ => "Active"));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listServiceOfferings",
            Description = "Lists service offerings",
            Roles = Roles.Authenticated,
            Parameters =
            [
                FilterId, FilterName, FilterVm, IsSystem, FilterZone, FilterCpus, FilterSpeed, FilterMemory, FilterStorageType, FilterState, FilterTemplate,
                .. CommonParameters.OwnedList,
            ],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "createServiceOffering",
            Description = "Makes a service offering",
            Roles = Roles.RootAdmin,
            Parameters =
            [
                Name, DisplayText, Cpus, Speed, Memory, Customized, MinCpus, MaxCpus, MinMemory, MaxMemory, StorageType, Provisioning, StorageTags, HostTags, RootDisk, OfferHa, LimitCpu, Volatile,
                DynamicScaling, CacheMode, Details,
            ],
            Response = ResponseShape.Of(Key, View),
            Handler = CreateAsync,
        },
        new()
        {
            Name = "updateServiceOffering",
            Description = "Changes a service offering; tags hold from the next start of its VMs on",
            Roles = Roles.RootAdmin,
            Parameters = [Own, OtherName, OtherText, OtherStorageTags, OtherHostTags],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => (await call.Services.Of<IOfferingOperations>().UpdateServiceOfferingAsync(
                call.Caller.ForOperations,
                new UpdateServiceOffering
                {
                    Id = call.Require(Own), Name = call.Get(OtherName), DisplayText = call.Get(OtherText), StorageTags = call.Get(OtherStorageTags), HostTags = call.Get(OtherHostTags),
                },
                ct)).ToResult(row => ApiResult.Object(Key, View, row)),
        },
        new()
        {
            Name = "deleteServiceOffering",
            Description = "Deletes a service offering; VMs that have it keep it",
            Roles = Roles.RootAdmin,
            Parameters = [Own],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IOfferingOperations>().DeleteServiceOfferingAsync(call.Caller.ForOperations, call.Require(Own), ct)).ToResult(),
        },
    ];

    private static Dictionary<string, string> DetailsOf(ServiceOfferingRow offering)
    {
        var details = new Dictionary<string, string>(StoredJson.Map(offering.Details));
        foreach (var (name, value) in ServiceOfferingBounds.Of(offering))
        {
            details[name] = value.ToString(CultureInfo.InvariantCulture);
        }

        return details;
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(IsSystem) == true || (call.Get(FilterState) is { } state && !state.Equals("Active", StringComparison.OrdinalIgnoreCase)))
        {
            return ApiResult.EmptyList();
        }

        var id = call.Get(FilterId);
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var cpus = call.Get(FilterCpus);
        var speed = call.Get(FilterSpeed);
        var memory = call.Get(FilterMemory);
        var storageType = call.Get(FilterStorageType)?.ToLowerInvariant();
        var vmId = call.Get(FilterVm);
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                db.ServiceOfferings
                    .Where(o => o.Removed == null
                        && (id == null || o.Id == id)
                        && (name == null || o.Name.ToLower() == name)
                        && (keyword == null || o.Name.ToLower().Contains(keyword) || o.DisplayText.ToLower().Contains(keyword))
                        && (cpus == null || o.Cpus >= cpus || (o.Customized && (o.MaxCpus == null || o.MaxCpus >= cpus)))
                        && (speed == null || o.CpuMhz >= speed || (o.Customized && o.MinCpus == null))
                        && (memory == null || o.MemoryMib >= memory || (o.Customized && (o.MaxMemoryMib == null || o.MaxMemoryMib >= memory)))
                        && (storageType == null || o.StorageType.ToLower() == storageType)
                        && (vmId == null || o.Customized || !db.Vms.Any(v => v.Id == vmId && v.ServiceOfferingId == o.Id)))
                    .OrderBy(o => o.Created)
                    .ThenBy(o => o.Id),
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(Volatile) == true)
        {
            return ApiError.InvalidParameter("Volatile root disks are not supported: isvolatile must be false");
        }

        var outcome = await call.Services.Of<IOfferingOperations>().CreateServiceOfferingAsync(
            call.Caller.ForOperations,
            new CreateServiceOffering
            {
                Name = call.Require(Name),
                DisplayText = call.Get(DisplayText),
                Customized = call.Get(Customized),
                Cpus = call.Get(Cpus),
                CpuMhz = call.Get(Speed),
                MemoryMib = call.Get(Memory),
                MinCpus = call.Get(MinCpus),
                MaxCpus = call.Get(MaxCpus),
                MinMemoryMib = call.Get(MinMemory),
                MaxMemoryMib = call.Get(MaxMemory),
                StorageType = call.Get(StorageType),
                ProvisioningType = call.Get(Provisioning),
                StorageTags = call.Get(StorageTags) ?? [],
                HostTags = call.Get(HostTags) ?? [],
                RootDiskGib = call.Get(RootDisk),
                OfferHa = call.Get(OfferHa) ?? false,
                LimitCpuUse = call.Get(LimitCpu) ?? false,
                DynamicScaling = call.Get(DynamicScaling) ?? true,
                CacheMode = call.Get(CacheMode),
                Details = call.Get(Details)?.Entries ?? new Dictionary<string, string>(),
            },
            cancellationToken);
        return outcome.ToResult(row => ApiResult.Object(Key, View, row));
    }
}
