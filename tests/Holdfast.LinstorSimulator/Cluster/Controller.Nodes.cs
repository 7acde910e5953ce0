using Holdfast.LinstorSimulation.Api;
using Holdfast.LinstorSimulation.Devices;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    public List<Node> Nodes(IReadOnlyCollection<string> filter, IReadOnlyCollection<string>? props = null)
    {
        lock (_lock)
        {
            return [.. _state.Nodes.Where(node => Wanted(filter, node.Name) && HasProps(node.Props, props ?? [])).OrderBy(static node => node.Name, StringComparer.OrdinalIgnoreCase).Select(View)];
        }
    }

    public Dictionary<string, string> ControllerProps()
    {
        lock (_lock)
        {
            return new Dictionary<string, string>(_state.Props);
        }
    }

    public Answer ChangeControllerProps(Dictionary<string, string>? set, List<string>? delete, List<string>? namespaces, long operation = ReturnCodes.Modify)
    {
        var answer = NewAnswer(operation, ReturnCodes.ControllerConfig, creates: operation == ReturnCodes.Modify);
        lock (_lock)
        {
            if (PropertyProblem(PropertyOwner.Controller, set, answer, delete, namespaces, _state.Props))
            {
                return answer;
            }

            ChangeProps(_state.Props, set, delete, namespaces, answer);
            answer.Success(operation == ReturnCodes.Delete ? ReturnCodes.Deleted : ReturnCodes.Modified, "Controller properties changed.");
            Save();
        }

        return answer;
    }

    public Answer CreateNode(Node node)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.Node, creates: true);
        if (!Names.Valid(node.Name))
        {
            return answer.Fail(ReturnCodes.InvalidNodeName, $"The node name '{node.Name}' is invalid.");
        }

        var type = node.Type?.ToUpperInvariant() ?? "SATELLITE";
        if (type is not ("SATELLITE" or "COMBINED" or "CONTROLLER" or "AUXILIARY"))
        {
            return answer.Fail(ReturnCodes.InvalidNodeType, $"The node type '{node.Type}' is invalid.");
        }

        lock (_lock)
        {
            if (_state.Node(node.Name!) is not null)
            {
                return answer.Fail(ReturnCodes.NodeExists, $"A node with the specified name '{node.Name}' already exists.");
            }

            var interfaces = node.NetInterfaces ?? [];
            _state.Nodes.Add(new NodeRow
            {
                Name = node.Name!,
                Uuid = NewUuid(),
                Type = type,
                // Nobody runs a satellite there; it can be switched online by the admin API.
                Online = false,
                Props = new Dictionary<string, string>(node.Props ?? []) { ["CurStltConnName"] = interfaces.FirstOrDefault()?.Name ?? "default" },
                NetInterfaces =
                [
                    .. interfaces.Select((net, index) => net with
                    {
                        Uuid = NewUuid(), IsActive = index == 0, SatellitePort = net.SatellitePort ?? 3366, SatelliteEncryptionType = net.SatelliteEncryptionType?.ToUpperInvariant() ?? "PLAIN",
                    }),
                ],
            });
            _state.Pools.Add(new PoolRow { Node = node.Name!, Name = Names.DisklessPool, Kind = "DISKLESS", Uuid = NewUuid() });
            Save();
            return answer
                .Success(ReturnCodes.Created, $"New node '{node.Name}' registered.")
                .Warn(ReturnCodes.WarnNotConnected, $"No active connection to satellite '{node.Name}'.");
        }
    }

    public Answer ModifyNode(string name, NodeModify change)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.Node);
        lock (_lock)
        {
            if (_state.Node(name) is not { } node)
            {
                return answer.Fail(ReturnCodes.NodeNotFound, $"Node '{name}' not found.");
            }

            if (PropertyProblem(PropertyOwner.Node, change.OverrideProps, answer, change.DeleteProps, change.DeleteNamespaces, node.Props))
            {
                return answer;
            }

            node.Type = change.NodeType?.ToUpperInvariant() ?? node.Type;
            ChangeProps(node.Props, change.OverrideProps, change.DeleteProps, change.DeleteNamespaces, answer);
            answer.Success(ReturnCodes.Modified, $"Node '{node.Name}' updated.");
            Save();
            return answer;
        }
    }

    public Answer DeleteNode(string name)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.Node);
        lock (_lock)
        {
            if (_state.Node(name) is not { } node)
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of node '{name}' had no effect.", $"Node '{name}' does not exist.");
            }

            if (_state.Definitions.Exists(definition => definition.Resource(name) is not null))
            {
                return answer.Fail(ReturnCodes.ResourceExists, $"Node '{node.Name}' still has resources.");
            }

            _state.Nodes.Remove(node);
            _state.Pools.RemoveAll(pool => Names.Same(pool.Node, name));
            Save();
            return answer.Success(ReturnCodes.Deleted, $"Node '{node.Name}' is deleted.");
        }
    }

    public Answer CreateNetInterface(string nodeName, NetInterface wanted)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.NetInterface, creates: true);
        lock (_lock)
        {
            if (_state.Node(nodeName) is not { } node)
            {
                return answer.Fail(ReturnCodes.NodeNotFound, $"Node '{nodeName}' not found.");
            }

            if (node.NetInterfaces.Exists(net => Names.Same(net.Name, wanted.Name)))
            {
                return answer.Fail(ReturnCodes.NetInterfaceExists, $"Network interface '{wanted.Name}' of node '{node.Name}' already exists.");
            }

            node.NetInterfaces.Add(wanted with { Uuid = NewUuid(), IsActive = wanted.IsActive ?? false });
            Save();
            return answer.Success(ReturnCodes.Created, $"New network interface '{wanted.Name}' of node '{node.Name}' created.");
        }
    }

    public Answer ModifyNetInterface(string nodeName, string name, NetInterface change)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.NetInterface);
        lock (_lock)
        {
            if (_state.Node(nodeName) is not { } node)
            {
                return answer.Fail(ReturnCodes.NodeNotFound, $"Node '{nodeName}' not found.");
            }

            var index = node.NetInterfaces.FindIndex(net => Names.Same(net.Name, name));
            if (index < 0)
            {
                return answer.Fail(ReturnCodes.NetInterfaceNotFound, $"Network interface '{name}' of node '{node.Name}' not found.");
            }

            var before = node.NetInterfaces[index];
            node.NetInterfaces[index] = before with
            {
                Address = change.Address ?? before.Address,
                SatellitePort = change.SatellitePort ?? before.SatellitePort,
                SatelliteEncryptionType = change.SatelliteEncryptionType ?? before.SatelliteEncryptionType,
                IsActive = change.IsActive ?? before.IsActive,
            };
            Save();
            return answer.Success(ReturnCodes.Modified, $"Network interface '{name}' of node '{node.Name}' modified.");
        }
    }

    public Answer DeleteNetInterface(string nodeName, string name)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.NetInterface);
        lock (_lock)
        {
            if (_state.Node(nodeName)?.NetInterfaces.RemoveAll(net => Names.Same(net.Name, name)) is not > 0)
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of network interface '{name}' of node '{nodeName}' had no effect.");
            }

            Save();
            return answer.Success(ReturnCodes.Deleted, $"Network interface '{name}' of node '{nodeName}' deleted.");
        }
    }

    /// <summary>Whether the controller has a connection to a satellite; coming back carries out what lingered. False: no such node.</summary>
    public async Task<bool> SetOnlineAsync(string name, bool online, CancellationToken cancellationToken, string offlineStatus = "OFFLINE")
    {
        List<string> touched;
        lock (_lock)
        {
            if (_state.Node(name) is not { } node)
            {
                return false;
            }

            node.Online = online;
            node.OfflineStatus = offlineStatus;
            Save();
            touched = online ? [.. _state.Definitions.Where(definition => definition.Resource(name) is not null || definition.Deleting).Select(static definition => definition.Name)] : [];
        }

        foreach (var definition in touched)
        {
            await DeployResourceAsync(definition, name, NewAnswer(ReturnCodes.Modify, ReturnCodes.Resource), cancellationToken, waitForStuck: false);
            FinishSnapshots(definition);
            FinishDefinition(definition);
        }

        await GuardOpenersAsync(cancellationToken);
        return true;
    }

    /// <summary>Whether udev makes the links by resource on a node; those of what is there are made or taken away. False: no such node.</summary>
    public async Task<bool> SetByResLinksAsync(string name, bool made, CancellationToken cancellationToken)
    {
        List<string> touched;
        lock (_lock)
        {
            if (_state.Node(name) is not { } node)
            {
                return false;
            }

            node.ByResLinks = made;
            Save();
            touched = [.. _state.Definitions.Where(definition => definition.Drbd && definition.Resource(name) is { Deleting: false }).Select(static definition => definition.Name)];
        }

        foreach (var definition in touched)
        {
            await DeployResourceAsync(definition, name, NewAnswer(ReturnCodes.Modify, ReturnCodes.Resource), cancellationToken, waitForStuck: false);
        }

        return true;
    }

    /// <summary>Without <paramref name="cached"/> every online satellite is asked, and a stuck one keeps the caller waiting.</summary>
    public async Task<List<StoragePool>> StoragePoolsAsync(IReadOnlyCollection<string> nodes, IReadOnlyCollection<string> pools, bool cached, CancellationToken cancellationToken)
    {
        if (!cached)
        {
            await WhenAllAnswerAsync(nodes, cancellationToken);
        }

        lock (_lock)
        {
            return
            [
                .. _state.Pools.Where(pool => Wanted(nodes, pool.Node) && Wanted(pools, pool.Name))
                    .OrderBy(static pool => pool.Name, StringComparer.OrdinalIgnoreCase).ThenBy(static pool => pool.Node, StringComparer.OrdinalIgnoreCase).Select(View),
            ];
        }
    }

    public List<StoragePoolDefinition> StoragePoolDefinitions()
    {
        lock (_lock)
        {
            return [.. _state.Pools.Select(static pool => pool.Name).Distinct(StringComparer.OrdinalIgnoreCase).Select(static name => new StoragePoolDefinition { StoragePoolName = name })];
        }
    }

    public Answer CreateStoragePool(string node, StoragePool pool)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.StoragePool, creates: true);
        if (!Names.Valid(pool.StoragePoolName, 3))
        {
            return answer.Fail(ReturnCodes.InvalidStoragePoolName, $"The storage pool name '{pool.StoragePoolName}' is invalid.");
        }

        lock (_lock)
        {
            if (_state.Node(node) is not { } owner)
            {
                return answer.Fail(ReturnCodes.NodeNotFound, $"Node '{node}' not found.");
            }

            if (_state.Pool(node, pool.StoragePoolName!) is not null)
            {
                return answer.Fail(ReturnCodes.StoragePoolExists, $"A storage pool '{pool.StoragePoolName}' on node '{node}' already exists.");
            }

            var capacity = _state.Pools.Where(static other => !other.Diskless).Select(static other => other.CapacityKib).DefaultIfEmpty(20L << 20).Max();
            _state.Pools.Add(new PoolRow
            {
                Node = owner.Name,
                Name = pool.StoragePoolName!,
                Kind = pool.ProviderKind ?? "DISKLESS",
                Uuid = NewUuid(),
                CapacityKib = pool.ProviderKind == "DISKLESS" ? 0 : capacity,
                Props = new Dictionary<string, string>(pool.Props ?? []),
            });
            Save();
            answer.Success(ReturnCodes.Created, $"New storage pool '{pool.StoragePoolName}' on node '{owner.Name}' registered.");
            return owner.Online ? answer : answer.Warn(ReturnCodes.WarnNotConnected, $"No active connection to satellite '{owner.Name}'.");
        }
    }

    public Answer ModifyStoragePool(string node, string name, PropertiesModify change)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.StoragePool);
        lock (_lock)
        {
            if (_state.Node(node) is null)
            {
                return answer.Fail(ReturnCodes.NodeNotFound, $"Node '{node}' not found.");
            }

            if (_state.Pool(node, name) is not { } pool)
            {
                return answer.Fail(ReturnCodes.StoragePoolNotFound, $"Storage pool '{name}' on node '{node}' not found.");
            }

            if (PropertyProblem(PropertyOwner.StoragePool, change, pool.Props, answer))
            {
                return answer;
            }

            ChangeProps(pool.Props, change.OverrideProps, change.DeleteProps, change.DeleteNamespaces, answer);
            answer.Success(ReturnCodes.Modified, $"Storage pool '{pool.Name}' on node '{pool.Node}' updated.");
            Save();
            return answer;
        }
    }

    public Answer DeleteStoragePool(string node, string name)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.StoragePool);
        lock (_lock)
        {
            if (_state.Pool(node, name) is not { } pool)
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of storage pool '{name}' on node '{node}' had no effect.");
            }

            if (_state.Definitions.Exists(definition => definition.Resource(node) is { } resource && Names.Same(resource.Pool, name)))
            {
                return answer.Fail(ReturnCodes.InUse, $"Storage pool '{pool.Name}' on node '{pool.Node}' still has volumes.");
            }

            _state.Pools.Remove(pool);
            Save();
            return answer.Success(ReturnCodes.Deleted, $"Storage pool '{pool.Name}' on node '{pool.Node}' deleted.");
        }
    }

    private async Task WhenAllAnswerAsync(IReadOnlyCollection<string> filter, CancellationToken cancellationToken)
    {
        List<string> online;
        lock (_lock)
        {
            online = [.. _state.Nodes.Where(node => node.Online && Wanted(filter, node.Name)).Select(static node => node.Name)];
        }

        foreach (var node in online)
        {
            await WhenAnsweringOrLostAsync(node, cancellationToken);
        }
    }

    /// <summary>For questions that go on without a satellite that is lost meanwhile.</summary>
    private async Task WhenAnsweringOrLostAsync(string node, CancellationToken cancellationToken)
    {
        try
        {
            await _switches.WhenAnsweringAsync(node, cancellationToken);
        }
        catch (SatelliteLostException)
        {
            // It is offline now, and is seen so by what follows.
        }
    }

    /// <summary>For a question to one satellite, if it is online: fails when it is lost meanwhile.</summary>
    private async Task AskAsync(string name, CancellationToken cancellationToken)
    {
        bool online;
        lock (_lock)
        {
            online = _state.Node(name) is { Online: true };
        }

        if (online)
        {
            await _switches.WhenAnsweringAsync(name, cancellationToken);
        }
    }

    private static bool Wanted(IReadOnlyCollection<string> filter, string name) => filter.Count == 0 || filter.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static readonly List<string> Providers = ["DISKLESS", "LVM", "LVM_THIN", "FILE", "FILE_THIN", "REMOTE_SPDK", "EBS_INIT", "EBS_TARGET"];
    private static readonly string[] UnsupportedProviders = ["SPDK", "STORAGE_SPACES", "ZFS_THIN", "ZFS", "STORAGE_SPACES_THIN"];

    /// <summary>A node as a satellite on a plain Linux machine tells it, with the DRBD module or without.</summary>
    private Node View(NodeRow row) => new()
    {
        Name = row.Name,
        Type = row.Type,
        Flags = row.Flags,
        Props = row.Props,
        NetInterfaces = row.NetInterfaces,
        ConnectionStatus = row.Online ? "ONLINE" : row.OfflineStatus,
        Uuid = row.Uuid,
        StorageProviders = row.Online ? Providers : null,
        ResourceLayers = !row.Online ? null : row.Drbd ? ["DRBD", "LUKS", "NVME", "WRITECACHE", "CACHE", "STORAGE"] : ["LUKS", "STORAGE"],
        UnsupportedProviders = row.Online ? Missing(UnsupportedProviders) : null,
        UnsupportedLayers = !row.Online ? null : Missing(row.Drbd ? ["BCACHE"] : ["DRBD", "NVME", "WRITECACHE", "CACHE", "BCACHE"]),
        Platform = _restVersion >= DrbdClientsSince ? "LINUX" : null,
    };

    private static Dictionary<string, List<string>> Missing(IEnumerable<string> kinds) => kinds.ToDictionary(static kind => kind, static kind => new List<string> { $"The simulator has no {kind}." });

    private StoragePool View(PoolRow row)
    {
        var online = _state.Node(row.Node) is { Online: true };
        return new StoragePool
        {
            StoragePoolName = row.Name,
            NodeName = row.Node,
            ProviderKind = row.Kind,
            Props = row.Props,
            StaticTraits = row.Diskless
                ? new() { ["SupportsSnapshots"] = "false" }
                : new() { ["Provisioning"] = row.Thin ? "Thin" : "Fat", ["SupportsSnapshots"] = row.SupportsSnapshots ? "true" : "false" },
            FreeCapacity = row.Diskless ? long.MaxValue : online ? FreeKib(row) : null,
            TotalCapacity = row.Diskless ? long.MaxValue : online ? row.CapacityKib : null,
            FreeSpaceMgrName = $"{row.Node};{row.Name}",
            Uuid = row.Uuid,
            Reports = online ? null : [new ApiCallRc { RetCode = ReturnCodes.Warn | ReturnCodes.WarnNotConnected, Message = $"No active connection to satellite '{row.Node}'." }],
            SupportsSnapshots = row.SupportsSnapshots,
            ExternalLocking = false,
        };
    }

    /// <summary>What is left of a pool by what its volumes and snapshots really take.</summary>
    private long FreeKib(PoolRow pool)
    {
        long used = 0;
        foreach (var definition in _state.Definitions)
        {
            if (definition.Resource(pool.Node) is { Pool: { } name } && Names.Same(name, pool.Name))
            {
                used += definition.Volumes.Sum(volume => AllocatedKib(definition, pool.Node, volume));
            }

            foreach (var snapshot in definition.Snapshots.Where(snapshot => snapshot.Nodes.Contains(pool.Node, StringComparer.OrdinalIgnoreCase)))
            {
                used += snapshot.Volumes.Sum(volume => _satellite.Allocated(SnapshotFile(definition, pool.Node, snapshot.Name, volume.Number)) / 1024);
            }
        }

        return Math.Max(0, pool.CapacityKib - used);
    }

    private long AllocatedKib(DefinitionRow definition, string node, VolumeDefinitionRow volume) =>
        _satellite.Allocated(BackingFile(definition, node, volume.Number)) / 1024;
}
