using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Tags;

namespace Holdfast.Server.Volumes;

/// <summary>The volume object.</summary>
internal static class VolumeView
{
    /// <summary>Its key.</summary>
    public const string Key = "volume";

    /// <summary>The object.</summary>
    public static View<VolumeEntry> View { get; } = View<VolumeEntry>.Build(v => v
        .Id("id", "the id of the volume", e => e.Volume.Id)
        .Text("name", "the name of the volume", e => e.Volume.Name)
        .Id("zoneid", "the id of the volume's zone", e => e.Volume.ZoneId)
        .Text("zonename", "the name of the volume's zone", e => e.Zone.Name)
        .Text("type", "ROOT or DATADISK", e => e.Volume.Type.ToWire())
        .Long("deviceid", "its position at the VM: 0 is the root disk", e => e.Volume.DeviceId)
        .OptionalId("virtualmachineid", "the id of the VM it is attached to", e => e.Volume.VmId)
        .Text("vmname", "the name of the VM it is attached to", e => e.Vm?.Name)
        .Text("vmdisplayname", "the display name of the VM it is attached to", e => e.Vm?.DisplayName)
        .Text("vmstate", "the state of the VM it is attached to", e => e.Vm?.State.ToString())
        .Long("size", "its size in bytes", e => e.Volume.SizeBytes)
        .Date("created", "when the volume was made", e => e.Volume.Created)
        .Date("attached", "when it was attached", e => e.Volume.VmId is null ? null : e.Volume.Attached)
        .Text("state", "the state of the volume", e => e.Volume.State.ToString())
        .Text("condition", "what stands in the way, if anything does", e => e.Condition)
        .Date("missing", "since when the backend of its storage pool does not know it; no VM starts with it then, and it is not made anew", e => e.Volume.Missing)
        .Include(OwnerView.View, e => e.Account)
        .Id("domainid", "the id of the owner's domain", e => e.Domain.Id)
        .Text("domain", "the owner's domain", e => e.Domain.Path)
        .Text("storagetype", "shared, or local when only one host reaches it", e => e.Pool?.Scope == PoolScope.Host ? "local" : "shared")
        .Text("provisioningtype", "how space is set aside", e => e.DiskOffering?.ProvisioningType ?? e.ServiceOffering?.ProvisioningType)
        .Text("hypervisor", "the hypervisor", _ => "KVM")
        .OptionalId("diskofferingid", "the id of its disk offering", e => e.Volume.DiskOfferingId)
        .Text("diskofferingname", "the name of its disk offering", e => e.DiskOffering?.Name)
        .Text("diskofferingdisplaytext", "the display text of its disk offering", e => e.DiskOffering?.DisplayText)
        .OptionalId("serviceofferingid", "the id of its service offering, for root disks", e => e.Volume.ServiceOfferingId)
        .Text("serviceofferingname", "the name of its service offering, for root disks", e => e.ServiceOffering?.Name)
        .Text("serviceofferingdisplaytext", "the display text of its service offering, for root disks", e => e.ServiceOffering?.DisplayText)
        .Text("storage", "the name of the storage pool that holds it", e => e.Pool?.Name)
        .Only(Roles.RootAdmin, admin => admin
            .OptionalId("storageid", "the id of the storage pool that holds it", e => e.Volume.PoolId)
            .OptionalId("podid", "the id of the storage pool's pod", e => e.Pool?.PodId)
            .OptionalId("clusterid", "the id of the storage pool's cluster", e => e.Pool?.ClusterId)
            .Text("path", "its name at the backend", e => e.Volume.BackendName))
        .OptionalId("templateid", "the id of the template it was cloned from", e => e.Volume.TemplateId)
        .Text("templatename", "the name of the template it was cloned from", e => e.Template?.Name)
        .Text("templatedisplaytext", "the display text of the template it was cloned from", e => e.Template?.DisplayText)
        .Bool("destroyed", "true once it was given up", e => e.Volume.State is VolumeState.Destroy or VolumeState.Expunging or VolumeState.Expunged)
        .Bool("isextractable", "always false: volumes are not offered for download", _ => false)
        .Bool("displayvolume", "always true", _ => true)
        .Bool("deleteprotection", "always false: there is no delete protection", _ => false)
        .List("tags", "its tags", TagView.View, e => e.Tags));

    /// <summary>What commands about volumes answer.</summary>
    public static ResponseShape Shape { get; } = ResponseShape.Of(Key, View);

    /// <summary>The object with metrics.</summary>
    public static View<VolumeEntry> Metrics { get; } = View<VolumeEntry>.Build(v => v
        .Include(View, e => e)
        .Text("sizegb", "its size", e => MetricText.Gb(e.Volume.SizeBytes)));
}
