using Holdfast.Server.Api.Commands;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;

namespace Holdfast.Server.Pools;

/// <summary>The storagepool object.</summary>
internal static class StoragePoolView
{
    /// <summary>Its key.</summary>
    public const string Key = "storagepool";

    private static readonly Dictionary<string, string> Capabilities = new() { ["VOLUME_SNAPSHOT_QUIESCEVM"] = "false" };

    /// <summary>The object.</summary>
    public static View<StoragePoolEntry> View { get; } = View<StoragePoolEntry>.Build(v => v
        .Id("id", "the id of the storage pool", e => e.Pool.Id)
        .Text("name", "the name of the storage pool", e => e.Pool.Name)
        .Id("zoneid", "the id of its zone", e => e.Pool.ZoneId)
        .Text("zonename", "the name of its zone", e => e.Zone.Name)
        .OptionalId("podid", "the id of its pod", e => e.Pool.PodId)
        .Text("podname", "the name of its pod", e => e.Pod?.Name)
        .OptionalId("clusterid", "the id of its cluster", e => e.Pool.ClusterId)
        .Text("clustername", "the name of its cluster", e => e.Cluster?.Name)
        .OptionalId("hostid", "the id of its host, when only one host has it", e => e.Pool.HostId)
        .Text("hostname", "the name of its host, when only one host has it", e => e.Host?.Name)
        .Text("ipaddress", "the address of its backend; for Linstor the controllers' URLs", e => e.Pool.Address)
        .Text("path", "its path; for Linstor the resource group", e => e.Pool.Path)
        .Date("created", "when it was added", e => e.Pool.Created)
        .Text("type", "its type", e => e.Pool.Type)
        .Long("disksizetotal", "its size in bytes", e => e.Pool.CapacityBytes)
        .Long("disksizeallocated", "bytes promised to volumes and templates", e => e.AllocatedBytes)
        .Long("disksizeused", "bytes used at the backend", e => e.Pool.UsedBytes)
        .Long("capacitybytes", "its size in bytes", e => e.Pool.CapacityBytes)
        .Date("capacityasof", "when a host last reported sizes", e => e.Pool.CapacityAsOf)
        .Text("tags", "its tags, comma-separated", e => e.Pool.Tags)
        .Text("state", "its state; Initialized while it is being added: it takes no volumes yet", e => e.Pool.State.ToString())
        .Date("statesince", "since when it is in this state", e => e.Pool.StateSince)
        .Text("health", "how well its hosts serve it: up (all that should), degraded (some, or it is the same storage as another one), down (none), quiesced (in maintenance, nobody is to) or unknown; the state is the operator's word and does not follow it", e => e.Bindings.Health.ToString().ToLowerInvariant())
        .Int("hosts", "how many hosts should have it", e => e.Bindings.Hosts)
        .Int("servinghosts", "how many hosts are heard of and serve it", e => e.Bindings.Serving)
        .Int("sickhosts", "how many hosts are heard of and cannot serve it: no new volume is made there, and a VM that needs it is started there only when its volumes can be attached from what is on the host; other VMs are; see listStoragePoolBindings", e => e.Bindings.Sick)
        .Text("lasterror", "what is wrong with it on one of those hosts, in the backend's own words; or that it is the same storage as another one", e => e.Bindings.Error ?? (e.First is null ? null : PoolTwins.Of(e.Pool, e.First).Objection))
        .Text("identity", "what it is at its backend, as that tells itself; two storage pools with the same are one storage. Missing where nobody tells", e => e.Pool.Identity)
        .OptionalId("sameasid", "the id of the storage pool that is the same storage and was first: this one takes no new volumes", e => e.First?.Id)
        .Text("sameasname", "the name of that storage pool", e => e.First?.Name)
        .Text("waitingfor", "while it is being added: what each host says", e => e.WaitingFor)
        .Int("pendinghosts", "how many hosts have not yet confirmed what they were told last; see listStoragePoolBindings", e => e.Bindings.Pending)
        .Int("missingvolumes", "how many of its volumes its backend does not know, by two looks; listVolumes shows them", e => e.Missing)
        .Int("unclaimedvolumes", "how many things its backend has that belong to nobody; see listUnclaimedVolumes", e => e.Unclaimed)
        .Date("inventoryasof", "when what its backend has was last looked at; see takeStoragePoolInventory", e => e.Inventory?.Completed)
        .Text("inventoryerror", "why the last look was not completed", e => e.Inventory?.Error)
        .Text("condition", "what is wrong with what its backend has", e => e.Missing == 0 ? null : $"its backend does not know {e.Missing} of its volumes: no VM starts with them, and they are not made anew")
        .Text("scope", "ZONE, CLUSTER or HOST", e => e.Pool.Scope.ToString().ToUpperInvariant())
        .Text("overprovisionfactor", "how many times its size may be promised; the setting storage.overprovisioning.factor", e => FactorSetting.Format(Setting.StorageOverprovisioning.Of(e.StoredOverprovisioning)))
        .Text("provider", "its provider", e => e.Pool.Provider)
        .Text("hypervisor", "the hypervisor", _ => "KVM")
        .Bool("managed", "always false", _ => false)
        .Bool("istagarule", "always false: tags are tags", _ => false)
        .Map("storagecapabilities", "what it can do beyond the usual", _ => Capabilities)
        .Map("details", "its details, without secrets", e => StoredJson.Map(e.Pool.Details)));

    /// <summary>What commands about storage pools answer.</summary>
    public static ResponseShape Shape { get; } = ResponseShape.Of(Key, View);

    /// <summary>The object with metrics.</summary>
    public static View<StoragePoolEntry> Metrics { get; } = View<StoragePoolEntry>.Build(v => v
        .Include(View, e => e)
        .Text("disksizetotalgb", "its size", e => Gb(e.Pool.CapacityBytes))
        .Text("disksizeusedgb", "what is used at the backend", e => Gb(e.Pool.UsedBytes))
        .Text("disksizeallocatedgb", "what is promised to volumes and templates", e => Gb(e.AllocatedBytes))
        .Text("disksizeunallocatedgb", "what can still be promised, with overprovisioning", e => Gb(
            e.Pool.CapacityBytes is { } total ? Math.Max(0, (long)(total * Setting.StorageOverprovisioning.Of(e.StoredOverprovisioning)) - e.AllocatedBytes) : null)));

    private static string? Gb(long? bytes) => bytes is { } known ? MetricText.Gb(known) : null;
}
