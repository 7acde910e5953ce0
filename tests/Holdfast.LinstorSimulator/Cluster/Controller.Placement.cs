using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    /// <summary>Places diskful resources until the place count is met; null after a failure, with the error in the answer and nothing changed.</summary>
    private List<string>? Place(DefinitionRow definition, AutoSelectFilter filter, Answer answer)
    {
        var there = definition.Resources.Where(static resource => !resource.Diskless && !resource.Deleting).ToList();
        var wanted = filter.AdditionalPlaceCount is { } additional and > 0 ? additional : (filter.PlaceCount ?? 0) - there.Count;
        if (filter.PlaceCount is < 0)
        {
            answer.Fail(ReturnCodes.InvalidPlaceCount, $"The place count {filter.PlaceCount} is invalid.");
            return null;
        }

        var needed = definition.Volumes.Sum(volume => VolumeSizes.Gross(definition, volume));
        var pools = Candidates(filter, definition)
            .Where(pool => MaxVolumeKib(pool) >= needed)
            .GroupBy(static pool => pool.Node, StringComparer.OrdinalIgnoreCase)
            .Select(group => group.MaxBy(FreeKib)!)
            .OrderByDescending(FreeKib)
            .ToList();
        if (pools.Count < wanted)
        {
            answer.Fail(
                ReturnCodes.NotEnoughNodes,
                "Not enough available nodes",
                details: $"Not enough nodes fulfilling the following auto-place criteria: {wanted} more node(s) with {needed} KiB free in {string.Join(", ", PoolNames(filter).DefaultIfEmpty("any storage pool"))};"
                    + $" possible: {pools.Count}.");
            return null;
        }

        var placed = new List<string>();
        foreach (var pool in pools.Take(wanted))
        {
            AddResource(definition, pool.Node, pool.Name, []);
            placed.Add(pool.Node);
        }

        if (filter.DisklessOnRemaining ?? false)
        {
            foreach (var node in _state.Nodes.Where(node => node.Online && definition.Drbd && definition.Resource(node.Name) is null).ToList())
            {
                AddResource(definition, node.Name, null, [Flag.DrbdDiskless]);
                placed.Add(node.Name);
            }
        }

        AdjustTieBreaker(definition, answer);
        return placed;
    }

    /// <summary>What is answered of resources that were placed: the property that names each one's pool, then where they are.</summary>
    private void Placed(DefinitionRow definition, List<string> nodes, Answer answer)
    {
        var refs = new List<(string, string)>();
        foreach (var (index, node) in nodes.Index())
        {
            var pool = definition.Resource(node)!.Props["StorPoolName"];
            answer.Note(ReturnCodes.Resource, ReturnCodes.Created, "Successfully set property key(s): StorPoolName");
            refs.Add(($"Node/{index}", node));
            refs.AddRange(definition.Volumes.Select(volume => ($"StoragePool/{index}/{volume.Number}", $"{pool},{_state.Pool(node, pool)!.Kind}")));
        }

        answer.Success(
            ReturnCodes.Created, $"Resource '{definition.Name}' successfully autoplaced on {nodes.Count} nodes", $"Used nodes: {string.Join(", ", nodes)}", [.. refs]);
    }

    private IEnumerable<PoolRow> Candidates(AutoSelectFilter filter, DefinitionRow? definition)
    {
        var names = PoolNames(filter).ToList();
        return _state.Pools.Where(pool => !pool.Diskless
            && _state.Node(pool.Node) is { Online: true } node
            && !node.Flags.Contains("EVICTED") && !node.Flags.Contains("EVACUATE")
            && (names.Count == 0 || names.Contains(pool.Name, StringComparer.OrdinalIgnoreCase))
            && (filter.NodeNameList is not { Count: > 0 } nodes || nodes.Contains(pool.Node, StringComparer.OrdinalIgnoreCase))
            && (filter.ProviderList is not { Count: > 0 } providers || providers.Contains(pool.Kind))
            && definition?.Resource(pool.Node) is null);
    }

    private static IEnumerable<string> PoolNames(AutoSelectFilter filter) =>
        filter.StoragePoolList is { Count: > 0 } list ? list : filter.StoragePool is { Length: > 0 } single ? [single] : [];

    private long MaxVolumeKib(PoolRow pool) => pool.Thin
        ? (long)Math.Min(FreeKib(pool) * Oversubscription, Math.Max(0, (pool.CapacityKib * Oversubscription) - Reserved(pool)))
        : FreeKib(pool);

    private double Reserved(PoolRow pool) =>
        _state.Definitions.Where(definition => definition.Resource(pool.Node) is { Pool: { } name } && Names.Same(name, pool.Name)).Sum(definition => definition.Volumes.Sum(static volume => (double)volume.SizeKib));

    private ResourceRow AddResource(DefinitionRow definition, string node, string? pool, List<string> flags)
    {
        var used = definition.Resources.Select(static resource => resource.NodeId).ToHashSet();
        var resource = new ResourceRow
        {
            Node = _state.Node(node)!.Name,
            Uuid = NewUuid(),
            Created = Now,
            Pool = pool,
            Flags = flags,
            NodeId = Enumerable.Range(0, 32).First(id => !used.Contains(id)),
            Port = definition.Drbd ? _state.NextPort++ : null,
            Volumes = [.. definition.Volumes.Select(static volume => new VolumeRow { Number = volume.Number, Uuid = NewUuid() })],
            Props = { ["StorPoolName"] = pool ?? Names.DisklessPool },
        };
        foreach (var volume in definition.Volumes.Where(_ => pool is not null))
        {
            volume.Props.TryAdd("DrbdOptions/Disk/block-size", "512");
            volume.Props.TryAdd(Granularity, _state.Pool(node, pool!) is { File: true } ? "1" : $"{VolumeSizes.Extent}");
        }

        definition.Resources.Add(resource);
        return resource;
    }

    private const string Granularity = "StorDriver/internal/AllocationGranularity";

    /// <summary>Adds or takes away the quorum tie-breaker, as the counts of replicas demand, and sets the properties of quorum.</summary>
    private void AdjustTieBreaker(DefinitionRow definition, Answer answer)
    {
        if (definition.Deleting || definition.Resources.Count == 0)
        {
            return;
        }

        if (definition.Drbd && definition.Props.TryAdd("DrbdOptions/auto-verify-alg", "crct10dif-pclmul"))
        {
            answer.Info(0, $"Updated {definition.Name} DRBD auto verify algorithm to 'crct10dif-pclmul'");
        }

        AddOrTakeTieBreaker(definition, answer);
        AdjustQuorum(definition, answer);
    }

    /// <summary>A majority where there are three to vote, else no quorum; without DRBD none either. What an operator set by another value is left alone.</summary>
    private void AdjustQuorum(DefinitionRow definition, Answer answer)
    {
        if (!definition.Props.TryGetValue(Quorum, out var before) || before is "majority" or "off")
        {
            var majority = definition.Drbd && definition.Resources.Count(static resource => !resource.Deleting && !resource.Flags.Contains("CLIENT")) >= 3;
            definition.Props[Quorum] = majority ? "majority" : "off";
            if (majority && before != "majority")
            {
                answer.Info(ReturnCodes.InfoPropertySet, $"Property '{Quorum}' of resource definition '{definition.Name}' set to 'majority'");
            }
        }

        if (definition.Drbd && EffectiveProp(definition, OnNoQuorum) is null)
        {
            definition.Props[OnNoQuorum] = "io-error";
        }
    }

    private const string Quorum = "DrbdOptions/Resource/quorum";
    private const string OnNoQuorum = "DrbdOptions/Resource/on-no-quorum";

    private void AddOrTakeTieBreaker(DefinitionRow definition, Answer answer)
    {
        var there = definition.Resources.Find(static resource => resource.TieBreaker && !resource.Deleting);
        if (!WantsTieBreaker(definition))
        {
            if (there is not null)
            {
                there.Flags.AddRange([Flag.Delete, Flag.DrbdDelete]);
                answer.Info(ReturnCodes.InfoTieBreakerDeleting, $"Tie-breaker of '{definition.Name}' on node '{there.Node}' is no longer needed.");
            }

            return;
        }

        if (there is not null)
        {
            return;
        }

        if (_state.Nodes.Find(node => node.Online && definition.Resource(node.Name) is null) is { } free)
        {
            AddResource(definition, free.Name, null, [Flag.Diskless, Flag.DrbdDiskless, Flag.TieBreaker]);
            answer.Note(ReturnCodes.Resource, ReturnCodes.Created, "Successfully set property key(s): StorPoolName");
            answer.Info(ReturnCodes.InfoTieBreakerCreated, $"Tie-breaker resource '{definition.Name}' on node '{free.Name}' created.");
        }
        else
        {
            answer.Warn(ReturnCodes.WarnNotEnoughNodesForTieBreaker, $"Not enough nodes for a tie-breaker of '{definition.Name}'.");
        }
    }

    /// <summary>Whether quorum wants a tie-breaker: an even number of replicas, two or more, and no other diskless one that votes.</summary>
    private bool WantsTieBreaker(DefinitionRow definition, ResourceRow? without = null)
    {
        if (!definition.Drbd || definition.Deleting || !BoolProp(definition, "DrbdOptions/auto-add-quorum-tiebreaker", true))
        {
            return false;
        }

        var alive = definition.Resources.Where(resource => resource != without && !resource.Deleting).ToList();
        var diskful = alive.Count(static resource => !resource.Diskless);
        var voting = alive.Exists(static resource => resource.Diskless && !resource.TieBreaker && !resource.Flags.Contains("CLIENT"));
        return diskful >= 2 && diskful % 2 == 0 && !voting;
    }

    /// <summary>A property as it takes effect: definition before group before controller.</summary>
    private string? EffectiveProp(DefinitionRow definition, string key) =>
        definition.Props.TryGetValue(key, out var own) ? own
        : _state.Group(definition.Group) is { } group && group.Props.TryGetValue(key, out var inherited) ? inherited
        : _state.Props.GetValueOrDefault(key);

    private bool BoolProp(DefinitionRow definition, string key, bool otherwise) => bool.TryParse(EffectiveProp(definition, key), out var value) ? value : otherwise;

    private static AutoSelectFilter Merge(AutoSelectFilter group, AutoSelectFilter? over) => over is null ? group : new AutoSelectFilter
    {
        PlaceCount = over.PlaceCount ?? group.PlaceCount,
        AdditionalPlaceCount = over.AdditionalPlaceCount ?? group.AdditionalPlaceCount,
        NodeNameList = over.NodeNameList ?? group.NodeNameList,
        StoragePool = over.StoragePoolList is { Count: > 0 } ? over.StoragePool : over.StoragePool ?? group.StoragePool,
        StoragePoolList = over.StoragePoolList ?? (over.StoragePool is null ? group.StoragePoolList : null),
        StoragePoolDisklessList = over.StoragePoolDisklessList ?? group.StoragePoolDisklessList,
        NotPlaceWithRsc = over.NotPlaceWithRsc ?? group.NotPlaceWithRsc,
        NotPlaceWithRscRegex = over.NotPlaceWithRscRegex ?? group.NotPlaceWithRscRegex,
        ReplicasOnSame = over.ReplicasOnSame ?? group.ReplicasOnSame,
        ReplicasOnDifferent = over.ReplicasOnDifferent ?? group.ReplicasOnDifferent,
        XReplicasOnDifferentMap = over.XReplicasOnDifferentMap ?? group.XReplicasOnDifferentMap,
        LayerStack = over.LayerStack is { Count: > 0 } ? over.LayerStack : group.LayerStack,
        ProviderList = over.ProviderList ?? group.ProviderList,
        DisklessOnRemaining = over.DisklessOnRemaining ?? group.DisklessOnRemaining,
        DisklessType = over.DisklessType ?? group.DisklessType,
        Overprovision = over.Overprovision ?? group.Overprovision,
        PortCount = over.PortCount ?? group.PortCount,
    };

    /// <summary>A group's filter after a change: a list given empty clears what was set.</summary>
    private static AutoSelectFilter Change(AutoSelectFilter group, AutoSelectFilter change) => Merge(group, change) with
    {
        StoragePool = change.StoragePoolList is null ? change.StoragePool ?? group.StoragePool : change.StoragePool,
        StoragePoolList = Changed(group.StoragePoolList, change.StoragePoolList),
        LayerStack = Changed(group.LayerStack, change.LayerStack),
        ProviderList = Changed(group.ProviderList, change.ProviderList),
        NodeNameList = Changed(group.NodeNameList, change.NodeNameList),
    };

    private static List<string>? Changed(List<string>? before, List<string>? change) => change is null ? before : change.Count == 0 ? null : change;

    /// <summary>As the controller keeps it: layer names in upper case, the deprecated single pool set when the list has one.</summary>
    private static AutoSelectFilter Normal(AutoSelectFilter filter) => filter with
    {
        LayerStack = filter.LayerStack?.Select(static layer => layer.ToUpperInvariant()).ToList(),
        ProviderList = filter.ProviderList?.Select(static provider => provider.ToUpperInvariant()).ToList(),
        StoragePool = filter.StoragePoolList is null ? filter.StoragePool : filter.StoragePoolList is [var only] ? only : null,
        StoragePoolList = filter.StoragePoolList ?? (filter.StoragePool is { Length: > 0 } single ? [single] : null),
    };

    private static string? LayerProblem(List<string>? layers)
    {
        if (layers is not { Count: > 0 })
        {
            return null;
        }

        var stack = string.Join(',', layers).ToUpperInvariant();
        return stack is "STORAGE" or "DRBD,STORAGE" ? null : $"The layer stack {stack} is not supported by the satellites.";
    }
}
