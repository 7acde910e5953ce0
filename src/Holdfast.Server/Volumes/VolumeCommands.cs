using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Volumes;

/// <summary>Commands about volumes.</summary>
internal static class VolumeCommands
{
    private static readonly ValueParameter<VolumeId> Volume = Id<VolumeId>("id", "the id of the volume", required: true);
    private static readonly ValueParameter<bool> Expunge = Bool("expunge", "whether it is deleted at once, and cannot be recovered");
    private static readonly ValueParameter<VolumeId> MaybeVolume = Id<VolumeId>("id", "the id of the volume");
    private static readonly ListParameter<VolumeId> FilterIds = Ids<VolumeId>("ids", "the ids of the volumes; not together with id");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the volume, whatever its case");
    private static readonly TextParameter FilterType = Text("type", "a part of the type: ROOT or DATADISK");
    private static readonly TextParameter FilterState = Text("state", "the state of the volume");
    private static readonly ValueParameter<VmId> FilterVm = Id<VmId>("virtualmachineid", "the VM that the volume is attached to");
    private static readonly ValueParameter<ZoneId> FilterZone = Id<ZoneId>("zoneid", "the zone of the volume");
    private static readonly ValueParameter<PodId> FilterPod = Id<PodId>("podid", "the pod of the storage pool that holds the volume");
    private static readonly ValueParameter<ClusterId> FilterCluster = Id<ClusterId>("clusterid", "the cluster of the storage pool that holds the volume");
    private static readonly ValueParameter<HostId> FilterHost = Id<HostId>("hostid", "the host that the volume's VM runs on");
    private static readonly ValueParameter<PoolId> FilterPool = Id<PoolId>("storageid", "the storage pool that holds the volume");
    private static readonly ValueParameter<DiskOfferingId> FilterDiskOffering = Id<DiskOfferingId>("diskofferingid", "the disk offering of the volume");
    private static readonly ValueParameter<ServiceOfferingId> FilterServiceOffering = Id<ServiceOfferingId>("serviceofferingid", "the service offering of the volume");

    private static readonly TextParameter Name = Text("name", "the name of the volume; made up when not sent");
    private static readonly ValueParameter<DiskOfferingId> DiskOffering = Id<DiskOfferingId>("diskofferingid", "the disk offering", required: true);
    private static readonly ValueParameter<DiskOfferingId> NewDiskOffering = Id<DiskOfferingId>("diskofferingid", "a new disk offering");
    private static readonly ValueParameter<long> Size = Long("size", "the size in GiB, when the offering is customized");
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "the zone; the VM's when one is named");
    private static readonly ValueParameter<VmId> Vm = Id<VmId>("virtualmachineid", "the VM", required: true);
    private static readonly ValueParameter<VmId> MaybeVm = Id<VmId>("virtualmachineid", "the VM");
    private static readonly ValueParameter<VmId> FromVm = Id<VmId>("virtualmachineid", "the VM that the volume is attached to; refused when it is attached to another");
    private static readonly ValueParameter<int> FromDevice = Int("deviceid", "the position at the VM; refused when the volume is at another");
    private static readonly ValueParameter<int> DeviceId = Int("deviceid", "the position at the VM: 1, 2 or 4 to 15; chosen when not sent");
    private static readonly TextParameter OtherName = Text("name", "another name");
    private static readonly ValueParameter<bool> ShrinkOk = Bool("shrinkok", "whether the volume may shrink", noEffect: "volumes only grow: shrinking is refused all the same");

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        List("listVolumes", "Lists volumes", VolumeView.View),
        List("listVolumesMetrics", "Lists volumes, with their sizes in words", VolumeView.Metrics),
        new()
        {
            Name = "createVolume",
            Description = "Makes a data volume; no backend holds anything of it until it is attached first",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [DiskOffering, Name, Size, Zone, MaybeVm, .. OwnerParameters.All],
            Response = VolumeView.Shape,
            Handler = CreateAsync,
        },
        new()
        {
            Name = "attachVolume",
            Description = "Attaches a data volume to a VM",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Volume, Vm, DeviceId],
            Response = VolumeView.Shape,
            Handler = async (call, ct) =>
                (await call.Services.Of<IVolumeOperations>().AttachAsync(call.Caller.ForOperations, call.Require(Volume), call.Require(Vm), call.Get(DeviceId), ct)).ToResult(),
        },
        new()
        {
            Name = "detachVolume",
            Description = "Detaches a data volume from its VM; named by its id, or by deviceid and virtualmachineid",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [MaybeVolume, FromVm, FromDevice],
            Response = VolumeView.Shape,
            Handler = DetachAsync,
        },
        new()
        {
            Name = "deleteVolume",
            Description = "Deletes a detached data volume; answers at once, and what the backend still owes is shown by listObligations",
            Roles = Roles.Authenticated,
            Parameters = [Volume],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => (await call.Services.Of<IVolumeOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(Volume), ct)).ToResult(),
        },
        new()
        {
            Name = "destroyVolume",
            Description = "Destroys a detached volume; it can be recovered until storage.cleanup.delay is over, or with expunge=true is deleted at once",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Volume, Expunge],
            Response = VolumeView.Shape,
            Handler = async (call, ct) => (await call.Services.Of<IVolumeOperations>().DestroyAsync(call.Caller.ForOperations, call.Require(Volume), call.Get(Expunge) ?? false, ct)).ToResult(),
        },
        new()
        {
            Name = "recoverVolume",
            Description = "Recovers a destroyed volume that was not expunged",
            Roles = Roles.Authenticated,
            Parameters = [Volume],
            Response = VolumeView.Shape,
            Handler = async (call, ct) => await (await call.Services.Of<IVolumeOperations>().RecoverAsync(call.Caller.ForOperations, call.Require(Volume), ct)).ToResultAsync(async id =>
                ApiResult.Object(VolumeView.Key, VolumeView.View, (await call.Services.Database.ReadAsync((db, token) => VolumeReader.FindAsync(db, id, token), ct))!)),
        },
        new()
        {
            Name = "updateVolume",
            Description = "Renames a volume; its backend does not know it by this name",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Volume, OtherName],
            Response = VolumeView.Shape,
            Handler = async (call, ct) => (await call.Services.Of<IVolumeOperations>().UpdateAsync(call.Caller.ForOperations, call.Require(Volume), call.Get(OtherName), ct)).ToResult(),
        },
        new()
        {
            Name = "resizeVolume",
            Description = "Grows a volume",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Volume, Size, NewDiskOffering, ShrinkOk],
            Response = VolumeView.Shape,
            Handler = async (call, ct) => (await call.Services.Of<IVolumeOperations>().ResizeAsync(
                call.Caller.ForOperations,
                new ResizeVolume(call.Require(Volume), call.Get(Size), call.Get(NewDiskOffering), call.Get(ShrinkOk) ?? false),
                ct)).ToResult(),
        },
    ];

    private static ApiCommand List(string name, string description, View<VolumeEntry> view) => new()
    {
        Name = name,
        Description = description,
        Roles = Roles.Authenticated,
        Parameters =
        [
            MaybeVolume, FilterIds, FilterName, FilterType, FilterState, FilterVm, FilterZone, FilterPod, FilterCluster, FilterHost, FilterPool,
            FilterDiskOffering, FilterServiceOffering, .. CommonParameters.OwnedList,
        ],
        Response = ResponseShape.Of(VolumeView.Key, view),
        Handler = (call, ct) => ListAsync(call, view, ct),
    };

    private static async Task<ApiResult> ListAsync(CommandCall call, View<VolumeEntry> view, CancellationToken cancellationToken)
    {
        var id = call.Get(MaybeVolume);
        var ids = call.Get(FilterIds);
        if (id is not null && ids is not null)
        {
            return ApiError.InvalidParameter("Specify either id or ids but not both parameters");
        }

        var filter = new VolumeFilter
        {
            Ids = id is { } one ? [one] : ids,
            Name = call.Get(FilterName),
            Keyword = call.Get(CommonParameters.Keyword),
            Type = call.Get(FilterType),
            State = call.Get(FilterState),
            VmId = call.Get(FilterVm),
            ZoneId = call.Get(FilterZone),
            PodId = call.Get(FilterPod),
            ClusterId = call.Get(FilterCluster),
            HostId = call.Get(FilterHost),
            PoolId = call.Get(FilterPool),
            DiskOfferingId = call.Get(FilterDiskOffering),
            ServiceOfferingId = call.Get(FilterServiceOffering),
            Tags = call.Get(CommonParameters.Tags)?.Entries,
        };
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => VolumeReader.ReadAsync(db, Ownership.Asked(db, call, filter.Ids is not null || filter.VmId is not null, haveTags: true), filter, call.Page, ct),
            cancellationToken);
        return ApiResult.List(VolumeView.Key, view, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (maker, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        if (maker is null)
        {
            return notOwner!;
        }

        var vm = call.Get(MaybeVm);
        var zone = call.Get(Zone);
        if (zone is null && vm is { } id)
        {
            zone = await call.Services.Database.ReadAsync((db, ct) => db.Vms.Where(v => v.Id == id).Select(v => (ZoneId?)v.ZoneId).FirstOrDefaultAsync(ct), cancellationToken);
        }

        if (zone is null)
        {
            return ApiError.Missing(call.Command.Name, Zone.Name);
        }

        var outcome = await call.Services.Of<IVolumeOperations>().CreateAsync(
            maker,
            new CreateVolume
            {
                Name = call.Get(Name),
                DiskOfferingId = call.Require(DiskOffering),
                SizeGib = call.Get(Size),
                ZoneId = zone.Value,
                VmId = vm,
                IsOwnerNamed = OwnerParameters.IsNamed(call),
            },
            cancellationToken);
        return outcome.ToResult(creates: true);
    }

    private static async Task<ApiResult> DetachAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var request = new DetachVolume(call.Get(MaybeVolume), call.Get(FromVm), call.Get(FromDevice));
        if (request.VolumeId is null && request.VmId is null)
        {
            return ApiError.Missing(call.Command.Name, MaybeVolume.Name);
        }

        if (request.VolumeId is null && request.DeviceId is null)
        {
            return ApiError.Missing(call.Command.Name, FromDevice.Name);
        }

        return (await call.Services.Of<IVolumeOperations>().DetachAsync(call.Caller.ForOperations, request, cancellationToken)).ToResult();
    }
}
