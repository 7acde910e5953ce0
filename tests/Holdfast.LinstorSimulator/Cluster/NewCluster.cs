using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

/// <summary>The first state of a cluster.</summary>
internal static class NewCluster
{
    public static ClusterState Create(LinstorSimulatorOptions options, StateFolder folder)
    {
        var state = new ClusterState { Props = { ["DrbdOptions/auto-quorum"] = "io-error", ["Internal/DatabaseVersion"] = "30", ["Cluster/LocalID"] = Guid.NewGuid().ToString() } };
        AddNode(state, options, options.NodeName, options.DeviceRoot ?? Path.Combine(folder.Path, "dev"));
        foreach (var name in options.MoreLocalNodes)
        {
            AddNode(state, options, name, Path.Combine(folder.Path, "dev-" + name));
        }

        foreach (var name in options.SimulatedNodes)
        {
            AddNode(state, options, name, null);
        }

        state.Groups.Add(new GroupRow { Name = Names.DefaultGroup, Uuid = Guid.NewGuid().ToString(), Filter = new AutoSelectFilter { PlaceCount = 2 } });
        state.Groups.Add(new GroupRow
        {
            Name = options.ResourceGroup,
            Uuid = Guid.NewGuid().ToString(),
            Filter = new AutoSelectFilter
            {
                PlaceCount = options.PlaceCount ?? (options.Drbd ? Math.Min(2, state.Nodes.Count) : 1),
                StoragePool = options.StoragePool,
                StoragePoolList = [options.StoragePool],
                LayerStack = options.Drbd ? ["DRBD", "STORAGE"] : ["STORAGE"],
                DisklessOnRemaining = false,
            },
            VolumeGroups = [new VolumeGroupRow { Number = 0, Uuid = Guid.NewGuid().ToString() }],
        });
        return state;
    }

    private static void AddNode(ClusterState state, LinstorSimulatorOptions options, string name, string? deviceRoot)
    {
        state.Nodes.Add(new NodeRow
        {
            Name = name,
            Uuid = Guid.NewGuid().ToString(),
            Local = deviceRoot is not null,
            Drbd = options.Drbd,
            DeviceRoot = deviceRoot,
            Props = { ["CurStltConnName"] = "default", ["NodeUname"] = name },
            NetInterfaces =
            [
                new NetInterface
                {
                    Name = "default", Address = $"127.0.0.{state.Nodes.Count + 1}", SatellitePort = 3366, SatelliteEncryptionType = "PLAIN", IsActive = true, Uuid = Guid.NewGuid().ToString(),
                },
            ],
        });
        state.Pools.Add(new PoolRow { Node = name, Name = Names.DisklessPool, Kind = "DISKLESS", Uuid = Guid.NewGuid().ToString() });
        state.Pools.Add(new PoolRow
        {
            Node = name,
            Name = options.StoragePool,
            Kind = options.StorageKind,
            Reflinks = options.Reflinks,
            Uuid = Guid.NewGuid().ToString(),
            CapacityKib = options.Capacity / 1024,
            Props = options.StorageKind is "FILE" or "FILE_THIN"
                ? new() { ["StorDriver/StorPoolName"] = "/srv/" + options.StoragePool, ["StorDriver/internal/AllocationGranularity"] = "1" }
                : new() { ["StorDriver/StorPoolName"] = "vg/" + options.StoragePool },
        });
    }
}
