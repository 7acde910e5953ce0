using Holdfast.LinstorSimulation.Api;
using Holdfast.LinstorSimulation.Devices;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    private static readonly Version DrbdClientsSince = new(1, 28, 0);

    /// <summary>What the controller has in memory; asks no satellite. Null: no such definition.</summary>
    public List<Resource>? Resources(string name)
    {
        lock (_lock)
        {
            return _state.Definition(name) is { } definition ? Views(definition, definition.Resources, withVolumes: false) : null;
        }
    }

    /// <summary>Waits for the satellite, as the real one does for this question alone among those of the kind.</summary>
    public async Task<List<Volume>?> VolumesAsync(string name, string node, CancellationToken cancellationToken)
    {
        await AskAsync(node, cancellationToken);
        lock (_lock)
        {
            return _state.Definition(name) is { } definition && definition.Resource(node) is { } resource ? Views(definition, [resource], withVolumes: true)[0].Volumes ?? [] : null;
        }
    }

    /// <summary>Asks the satellites of the nodes wanted for what the volumes really take, and waits for a stuck one. Null: an unknown node in the filter.</summary>
    public async Task<(List<Resource>? Found, string? UnknownNode)> ViewResourcesAsync(
        IReadOnlyCollection<string> nodes, IReadOnlyCollection<string> names, IReadOnlyCollection<string> pools, IReadOnlyCollection<string> props, CancellationToken cancellationToken)
    {
        List<string> asked;
        lock (_lock)
        {
            if (nodes.FirstOrDefault(node => _state.Node(node) is null) is { } unknown)
            {
                return (null, unknown);
            }

            asked =
            [
                .. from definition in _state.Definitions
                   where Wanted(names, definition.Name)
                   from resource in definition.Resources
                   where Wanted(nodes, resource.Node) && !resource.Diskless && _state.Node(resource.Node) is { Online: true }
                   select resource.Node,
            ];
        }

        foreach (var node in asked.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            await WhenAnsweringOrLostAsync(node, cancellationToken);
        }

        lock (_lock)
        {
            var found = new List<Resource>();
            foreach (var definition in _state.Definitions.Where(definition => Wanted(names, definition.Name) && definition.Volumes.Count > 0).OrderBy(static one => one.Name, StringComparer.OrdinalIgnoreCase))
            {
                found.AddRange(Views(
                    definition,
                    definition.Resources.Where(resource => Wanted(nodes, resource.Node) && Wanted(pools, resource.Pool ?? Names.DisklessPool) && HasProps(resource.Props, props)),
                    withVolumes: true));
            }

            return (found, null);
        }
    }

    public async Task<Answer> CreateResourcesAsync(string name, IReadOnlyList<ResourceCreate> requests, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.Resource, creates: true);
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition)
            {
                return answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            }

            name = definition.Name;
            foreach (var request in requests)
            {
                if (!AddRequested(definition, request, answer))
                {
                    return answer;
                }
            }

            AdjustTieBreaker(definition, answer);
            Save();
        }

        await DeployAsync(name, answer, cancellationToken);
        return answer;
    }

    public async Task<Answer> AutoplaceAsync(string name, AutoPlaceRequest request, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.Resource, creates: true);
        await WhenAllAnswerAsync([], cancellationToken);
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition)
            {
                return answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            }

            name = definition.Name;
            var filter = Merge(_state.Group(definition.Group)!.Filter, request.SelectFilter is null ? null : Normal(request.SelectFilter));
            filter = filter with
            {
                DisklessOnRemaining = request.DisklessOnRemaining ?? filter.DisklessOnRemaining,
                LayerStack = request.LayerList is { Count: > 0 } layers ? layers : filter.LayerStack,
                PlaceCount = filter.PlaceCount ?? 2,
            };
            if (LayerProblem(filter.LayerStack) is { } problem)
            {
                return answer.Fail(ReturnCodes.InvalidLayerStack, problem);
            }

            var there = definition.Resources.Count(static resource => !resource.Diskless && !resource.Deleting);
            if (filter.AdditionalPlaceCount is not > 0 && there >= filter.PlaceCount)
            {
                return answer.Warn(ReturnCodes.WarnAlreadyDeployed, $"Resource '{definition.Name}' was already deployed on {there} node(s).", "Deploying again would have no effect.");
            }

            if (definition.Resources.Count == 0 && filter.LayerStack is { Count: > 0 })
            {
                definition.Layers = [.. filter.LayerStack.Select(static layer => layer.ToUpperInvariant())];
            }

            if (Place(definition, filter, answer) is not { } placed)
            {
                return answer;
            }

            Placed(definition, placed, answer);
            Save();
        }

        await DeployAsync(name, answer, cancellationToken);
        return answer;
    }

    /// <summary>Idempotent. Answers for a resource that is there from the model alone, also when its satellite is offline.</summary>
    public async Task<Answer> MakeAvailableAsync(string name, string node, ResourceMakeAvailable request, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.Resource);
        bool live;
        var changed = true;
        lock (_lock)
        {
            if (MakeAvailableProblem(name, node, answer))
            {
                return answer;
            }

            live = _state.Definition(name)!.Resource(node) is null;
        }

        if (live)
        {
            await WhenAllAnswerAsync([node], cancellationToken);
        }

        lock (_lock)
        {
            if (MakeAvailableProblem(name, node, answer))
            {
                return answer;
            }

            var definition = _state.Definition(name)!;
            name = definition.Name;
            if (request.LayerList is { Count: > 0 } layers && !layers.SequenceEqual(definition.Layers, StringComparer.OrdinalIgnoreCase))
            {
                return answer.Fail(ReturnCodes.InvalidLayerStack, $"Resource '{name}' has the layer stack {string.Join(',', definition.Layers)}, not {string.Join(',', layers)}.");
            }

            if (definition.Resource(node) is { } there)
            {
                var before = string.Join('+', there.Flags);
                if (!MakeExistingAvailable(definition, there, request, answer))
                {
                    return answer;
                }

                changed = string.Join('+', there.Flags) != before;
            }
            else if (!(request.Diskful ?? false) && definition.Drbd && definition.Resources.Exists(static resource => !resource.Diskless && !resource.Deleting))
            {
                var flags = _restVersion >= DrbdClientsSince ? new List<string> { Flag.DrbdDiskless, "CLIENT" } : [Flag.DrbdDiskless];
                AddResource(definition, node, null, flags);
                answer.Success(ReturnCodes.Created, $"New diskless resource '{name}' on node '{node}' created.");
            }
            else
            {
                var filter = Merge(_state.Group(definition.Group)!.Filter, new AutoSelectFilter { NodeNameList = [node], AdditionalPlaceCount = 1 });
                var scratch = NewAnswer(ReturnCodes.Create, ReturnCodes.Resource);
                if (Place(definition, filter with { DisklessOnRemaining = false }, scratch) is null)
                {
                    return answer.Fail(ReturnCodes.StoragePoolNotFound, $"No storage pool on node '{node}' can take resource '{name}'.");
                }

                answer.Success(ReturnCodes.Created, $"New resource '{name}' on node '{node}' created.");
            }

            AdjustTieBreaker(definition, answer);
            Save();
        }

        if (live)
        {
            await DeployAsync(name, answer, cancellationToken);
        }
        else if (changed)
        {
            // Of one that is there nothing is told but what goes wrong.
            var deployed = NewAnswer(ReturnCodes.Create, ReturnCodes.Resource);
            await DeployAsync(name, deployed, cancellationToken);
            answer.Append(deployed.Entries.Where(static entry => (entry.RetCode & ReturnCodes.TypeMask) != 0));
        }

        return answer;
    }

    public async Task<Answer> DeleteResourceAsync(string name, string node, bool keepTieBreaker, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.Resource);
        var takenOver = false;
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Resource(node) is not { } resource)
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of resource '{name}' on node '{node}' had no effect.", $"Resource '{name}' on node '{node}' does not exist.");
            }

            name = definition.Name;
            node = resource.Node;
            if (Primaries(definition).Contains(node))
            {
                return answer.Fail(ReturnCodes.InUse, $"Resource '{name}' on node '{node}' is still in use.", cause: "Resource is mounted/in use.", details: $"Node: {node}, Resource: {name}", correction: "Un-mount the resource first.");
            }

            var others = definition.Resources.Where(other => other != resource && !other.Deleting).ToList();
            if (!resource.Diskless && others.Count > 0 && others.TrueForAll(static other => other.Diskless))
            {
                return answer.Fail(ReturnCodes.InUse, $"Last resource with a disk of '{name}' cannot be deleted while diskless ones exist.");
            }

            if (resource.TieBreaker && keepTieBreaker)
            {
                return answer.Info(ReturnCodes.InfoNoop, $"Resource '{name}' on node '{node}' is a tie-breaker and is kept.");
            }

            if (resource is { Diskless: true, TieBreaker: false } && WantsTieBreaker(definition, without: resource) && !others.Exists(static other => other.TieBreaker))
            {
                takenOver = true;
                resource.Flags = [Flag.Diskless, Flag.DrbdDiskless, Flag.TieBreaker];
                answer.Info(ReturnCodes.InfoTieBreakerTakeover, $"The resource '{name}' on node '{node}' is turned into a tie-breaker instead of being deleted.");
            }
            else
            {
                if (resource.TieBreaker)
                {
                    definition.Props["DrbdOptions/auto-add-quorum-tiebreaker"] = "False";
                    answer.Info(ReturnCodes.InfoPropertySet, $"Property 'DrbdOptions/auto-add-quorum-tiebreaker' set to 'False' on resource definition '{name}'.");
                }

                if (_state.Node(node) is { Online: true })
                {
                    answer.Success(ReturnCodes.Deleted, $"Resource '{name}' on node '{node}' marked for deletion.");
                }

                MarkDeleted(definition, resource);
                AdjustTieBreaker(definition, answer);
            }

            Save();
        }

        if (takenOver)
        {
            // Once for the flag that came, once for the quorum that is counted anew.
            await AdjustAsync(name, answer, cancellationToken, rounds: 2);
            return answer;
        }

        // The one asked for first, so that its entry leads the answer; then a tie-breaker that came or went with it.
        await DeployResourceAsync(name, node, answer, cancellationToken);
        await DeployAsync(name, NewAnswer(ReturnCodes.Delete, ReturnCodes.Resource), cancellationToken, waitForStuck: false);
        return answer;
    }

    public Answer ModifyResource(string name, string node, PropertiesModify change)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.Resource);
        lock (_lock)
        {
            if (_state.Definition(name)?.Resource(node) is not { } resource)
            {
                return answer.Fail(ReturnCodes.ResourceNotFound, $"Resource '{name}' on node '{node}' not found.");
            }

            if (PropertyProblem(PropertyOwner.Resource, change, resource.Props, answer))
            {
                return answer;
            }

            ChangeProps(resource.Props, change.OverrideProps, change.DeleteProps, change.DeleteNamespaces, answer);
            answer.Success(ReturnCodes.Modified, $"Resource '{name}' on node '{node}' modified.", $"Resource UUID is: {resource.Uuid}", ("UUID", resource.Uuid));
            Save();
            return answer;
        }
    }

    /// <summary>Adds or takes away the disk of a resource.</summary>
    public async Task<Answer> ToggleDiskAsync(string name, string node, bool diskful, string? pool, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.Resource);
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Resource(node) is not { } resource)
            {
                return answer.Fail(ReturnCodes.ResourceNotFound, $"Resource '{name}' on node '{node}' not found.");
            }

            if (diskful ? !AddDisk(definition, resource, pool, answer) : !TakeDisk(definition, resource, answer))
            {
                return answer;
            }

            AdjustTieBreaker(definition, answer);
            Save();
            name = definition.Name;
        }

        await DeployAsync(name, answer, cancellationToken);
        return answer;
    }

    /// <summary>All connections of a definition; none when there is no such definition.</summary>
    public List<ResourceConnection> Connections(string name)
    {
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition)
            {
                return [];
            }

            var views = new List<ResourceConnection>();
            for (var i = 0; i < definition.Resources.Count; i++)
            {
                for (var j = i + 1; j < definition.Resources.Count; j++)
                {
                    var (a, b) = (definition.Resources[i].Node, definition.Resources[j].Node);
                    views.Add(string.Compare(a, b, StringComparison.OrdinalIgnoreCase) > 0 ? View(definition, b, a) : View(definition, a, b));
                }
            }

            return views;
        }
    }

    public (ResourceConnection? Found, Answer Problem) Connection(string name, string a, string b)
    {
        var answer = NewAnswer(0, ReturnCodes.ResourceConnection);
        lock (_lock)
        {
            if (ConnectionProblem(name, a, b, answer))
            {
                return (null, answer);
            }

            return string.Compare(a, b, StringComparison.OrdinalIgnoreCase) > 0 ? (View(_state.Definition(name)!, b, a), answer) : (View(_state.Definition(name)!, a, b), answer);
        }
    }

    public async Task<Answer> ModifyConnectionAsync(string name, string a, string b, PropertiesModify change, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.ResourceConnection);
        bool changed;
        lock (_lock)
        {
            if (ConnectionProblem(name, a, b, answer))
            {
                return answer;
            }

            var definition = _state.Definition(name)!;
            if (PropertyProblem(PropertyOwner.Connection, change, definition.Connection(a, b)?.Props ?? [], answer))
            {
                return answer;
            }

            if (definition.Connection(a, b) is not { } connection)
            {
                connection = new ConnectionRow { Uuid = NewUuid(), NodeA = definition.Resource(a)!.Node, NodeB = definition.Resource(b)!.Node };
                definition.Connections.Add(connection);
            }

            changed = ChangeProps(connection.Props, change.OverrideProps, change.DeleteProps, change.DeleteNamespaces, answer);
            answer.Success(
                ReturnCodes.Modified,
                $"Resource connection of '{definition.Name}' between '{a}' and '{b}' modified.",
                $"Resource connection UUID is: {connection.Uuid}",
                ("UUID", connection.Uuid));
            name = definition.Name;
            Save();
        }

        if (changed)
        {
            // Both ends are told, and each tells every satellite of the resource.
            await AdjustAsync(name, answer, cancellationToken, rounds: 2);
        }

        return answer;
    }

    private bool AddRequested(DefinitionRow definition, ResourceCreate request, Answer answer)
    {
        var wanted = request.Resource ?? new Resource();
        if (_state.Node(wanted.NodeName ?? "") is not { } node)
        {
            answer.Fail(ReturnCodes.NodeNotFound, $"Node '{wanted.NodeName}' not found.");
            return false;
        }

        if (definition.Resource(node.Name) is { } there)
        {
            if (there is { TieBreaker: true } && (wanted.Flags ?? []).Any(IsDisklessFlag))
            {
                there.Flags = [Flag.DrbdDiskless];
                answer.Success(ReturnCodes.Created, $"Tie-breaker '{definition.Name}' on node '{node.Name}' is a wanted diskless resource now.");
                return true;
            }

            // With a pool, one without a disk gets one.
            if (there is { Diskless: true, Deleting: false } && !(wanted.Flags ?? []).Any(IsDisklessFlag))
            {
                return AddDisk(definition, there, wanted.Props?.GetValueOrDefault("StorPoolName"), answer);
            }

            answer.Fail(ReturnCodes.ResourceExists, $"A resource '{definition.Name}' on node '{node.Name}' already exists.");
            return false;
        }

        if (request.LayerList is { Count: > 0 } layers)
        {
            if (LayerProblem(layers) is { } problem)
            {
                answer.Fail(ReturnCodes.InvalidLayerStack, problem);
                return false;
            }

            if (definition.Resources.Count == 0)
            {
                definition.Layers = [.. layers.Select(static layer => layer.ToUpperInvariant())];
            }
        }

        string? pool = null;
        var flags = wanted.Flags ?? [];
        if (!flags.Exists(IsDisklessFlag))
        {
            var name = wanted.Props?.GetValueOrDefault("StorPoolName") ?? EffectiveProp(definition, "StorPoolName")
                ?? PoolNames(_state.Group(definition.Group)!.Filter).FirstOrDefault() ?? "DfltStorPool";
            if (_state.Pool(node.Name, name) is not { } row)
            {
                answer.Fail(ReturnCodes.StoragePoolNotFound, $"The storage pool '{name}' for resource '{definition.Name}' does not exist on node '{node.Name}'.");
                return false;
            }

            pool = row.Diskless ? null : row.Name;
        }

        var resource = AddResource(definition, node.Name, pool, pool is null ? [Flag.DrbdDiskless] : []);
        foreach (var (key, value) in wanted.Props ?? [])
        {
            resource.Props[key] = value;
        }

        resource.NodeId = request.DrbdNodeId ?? resource.NodeId;
        if (request.DrbdClient ?? false)
        {
            Mark(resource.Flags, "CLIENT");
        }

        answer.Success(ReturnCodes.Created, $"New resource '{definition.Name}' on node '{node.Name}' registered.");
        return true;
    }

    private static bool IsDisklessFlag(string flag) => flag is "DISKLESS" or "DRBD_DISKLESS" or "NVME_INITIATOR";

    private bool MakeAvailableProblem(string name, string node, Answer answer)
    {
        if (_state.Node(node) is null)
        {
            NodeUnknown(node, answer);
            return true;
        }

        if (_state.Definition(name) is null)
        {
            answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            return true;
        }

        return false;
    }

    private static Answer NodeUnknown(string node, Answer answer) => answer.Fail(
        ReturnCodes.NodeNotFound,
        $"Node '{node}' not found.",
        cause: $"The specified node '{node}' could not be found in the database",
        details: $"Node: {node}",
        correction: $"Create a node with the name '{node}' first.");

    private bool MakeExistingAvailable(DefinitionRow definition, ResourceRow there, ResourceMakeAvailable request, Answer answer)
    {
        if (there.Deleting && !definition.Deleting)
        {
            there.Flags.RemoveAll(static flag => flag is Flag.Delete or Flag.DrbdDelete);
        }

        if (there.Diskless && (request.Diskful ?? false))
        {
            return AddDisk(definition, there, null, answer);
        }

        if (there.TieBreaker)
        {
            there.Flags = [Flag.DrbdDiskless];
            answer.Success(0, $"Tie-breaker '{definition.Name}' on node '{there.Node}' is a wanted diskless resource now.");
            return true;
        }

        answer.Success(0, $"Resource '{definition.Name}' on node '{there.Node}' already deployed as requested.");
        return true;
    }

    private bool AddDisk(DefinitionRow definition, ResourceRow resource, string? pool, Answer answer)
    {
        if (!resource.Diskless)
        {
            answer.Warn(ReturnCodes.WarnAlreadyHasDisk, $"Resource '{definition.Name}' on node '{resource.Node}' already has a disk.");
            return false;
        }

        var filter = pool is null ? _state.Group(definition.Group)!.Filter : new AutoSelectFilter { StoragePoolList = [pool] };
        if (Candidates(filter with { NodeNameList = [resource.Node] }, null).FirstOrDefault() is not { } found)
        {
            answer.Fail(ReturnCodes.StoragePoolNotFound, $"No storage pool on node '{resource.Node}' can take resource '{definition.Name}'.");
            return false;
        }

        resource.Pool = found.Name;
        resource.Props["StorPoolName"] = found.Name;
        resource.Flags.RemoveAll(static flag => flag is Flag.Diskless or Flag.DrbdDiskless or Flag.TieBreaker or "CLIENT");
        answer.Success(ReturnCodes.Modified, $"Disk added to resource '{definition.Name}' on node '{resource.Node}'.");
        return true;
    }

    private static bool TakeDisk(DefinitionRow definition, ResourceRow resource, Answer answer)
    {
        if (resource.Diskless)
        {
            answer.Warn(ReturnCodes.WarnAlreadyDiskless, $"Resource '{definition.Name}' on node '{resource.Node}' is already diskless.");
            return false;
        }

        if (!definition.Drbd || !definition.Resources.Exists(other => other != resource && !other.Diskless && !other.Deleting))
        {
            answer.Fail(ReturnCodes.InsufficientReplicaCount, $"The last disk of resource '{definition.Name}' cannot be taken away.");
            return false;
        }

        resource.Pool = null;
        resource.Props["StorPoolName"] = Names.DisklessPool;
        Mark(resource.Flags, Flag.DrbdDiskless);
        answer.Success(ReturnCodes.Modified, $"Disk taken from resource '{definition.Name}' on node '{resource.Node}'.");
        return true;
    }

    private bool ConnectionProblem(string name, string a, string b, Answer answer)
    {
        if (_state.Definition(name) is not { } definition)
        {
            answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            return true;
        }

        foreach (var node in new[] { a, b })
        {
            if (_state.Node(node) is null)
            {
                NodeUnknown(node, answer);
                return true;
            }

            if (definition.Resource(node) is null)
            {
                answer.Fail(ReturnCodes.ResourceNotFound, $"Resource '{name}' on node '{node}' not found.");
                return true;
            }
        }

        return false;
    }

    private static ResourceConnection View(DefinitionRow definition, string a, string b) => new()
    {
        NodeA = definition.Resource(a)?.Node ?? a,
        NodeB = definition.Resource(b)?.Node ?? b,
        Props = new Dictionary<string, string>(definition.Connection(a, b)?.Props ?? []),
    };

    /// <summary>The nodes on which a DRBD resource is known to be open for writing. Storage-only stacks have no such knowledge.</summary>
    private List<string> Primaries(DefinitionRow definition, OpenDevices? open = null) =>
        definition.Drbd
            ? [.. definition.Resources.Where(resource => _state.Node(resource.Node) is { Online: true } && IsOpen(resource, ref open) && !FailsIo(definition, resource)).Select(static resource => resource.Node)]
            : [];

    /// <summary>Made secondary by force while somebody had it open, who has not closed it yet.</summary>
    private bool FailsIo(DefinitionRow definition, ResourceRow resource) => !_kernel.IsUsual && _kernel.Has(Drbd.KernelFact.ForceIoFailures, resource.Node, definition.Name);

    private bool IsOpen(ResourceRow resource, ref OpenDevices? open)
    {
        if (resource.SimulatedOpen)
        {
            return true;
        }

        if (_mode == DeviceMode.None || _state.Node(resource.Node) is not { Local: true })
        {
            return false;
        }

        open ??= OpenDevices.Scan();
        var seen = open;
        return resource.Volumes.Exists(volume => volume.Device is { } device && seen.Mode(device) == OpenMode.Write);
    }

    private List<Resource> Views(DefinitionRow definition, IEnumerable<ResourceRow> resources, bool withVolumes)
    {
        var chosen = resources.OrderBy(static resource => resource.Node, StringComparer.OrdinalIgnoreCase).ToList();
        var primaries = definition.Drbd && chosen.Count > 0 ? Primaries(definition) : [];
        return [.. chosen.Select(resource => View(definition, resource, primaries, withVolumes))];
    }

    private Resource View(DefinitionRow definition, ResourceRow resource, List<string> primaries, bool withVolumes)
    {
        var node = _state.Node(resource.Node)!;
        var reported = node.Online && !_switches.Faults.Has(FaultKind.StateOmitted);
        var storage = resource.Diskless ? null : new ResourceLayer
        {
            Type = "STORAGE",
            Storage = new StorageResource([.. definition.Volumes.Select(volume => new StorageVolume
            {
                VolumeNumber = volume.Number,
                DevicePath = definition.Drbd ? BackingDevice(definition, resource, volume) : DevicePath(definition, resource, volume),
                AllocatedSizeKib = ToldKib(definition, resource, volume),
                UsableSizeKib = ToldKib(definition, resource, volume),
                DiskState = "[]",
            })]),
        };
        return new Resource
        {
            Name = definition.Name,
            NodeName = resource.Node,
            Props = new Dictionary<string, string>(resource.Props),
            Flags = [.. resource.Flags],
            LayerObject = definition.Drbd ? DrbdLayer(definition, resource, storage) : storage ?? new ResourceLayer { Type = "STORAGE" },
            State = !reported ? null : new ResourceState { InUse = definition.Drbd ? primaries.Contains(resource.Node) : null },
            Uuid = resource.Uuid,
            CreateTimestamp = resource.Created,
            Volumes = withVolumes ? [.. definition.Volumes.Select(volume => View(definition, resource, volume, reported))] : null,
        };
    }

    private ResourceLayer DrbdLayer(DefinitionRow definition, ResourceRow resource, ResourceLayer? storage) => new()
    {
        Type = "DRBD",
        Children = storage is null ? [new ResourceLayer { Type = "STORAGE" }] : [storage],
        Drbd = new DrbdResource
        {
            DrbdResourceDefinition = DrbdData(definition),
            NodeId = resource.NodeId,
            TcpPorts = resource.Port is { } port ? [port] : null,
            PeerSlots = definition.PeerSlots,
            AlStripes = 1,
            AlSize = 32,
            Flags = resource.Flags.Where(static flag => flag.StartsWith("DRBD_", StringComparison.Ordinal)).Select(static flag => flag[5..]).ToList(),
            MayPromote = false,
            PromotionScore = resource.Diskless ? 1 : 10102,
            Connections = definition.Resources.Where(other => other != resource && !(other.Diskless && resource.Diskless)).ToDictionary(
                static other => other.Node,
                other => _state.Node(other.Node) is { Online: true } && _state.Node(resource.Node) is { Online: true }
                    ? new DrbdConnection(true, "Connected")
                    : new DrbdConnection(false, "Connecting")),
            DrbdVolumes =
            [
                .. definition.Volumes.Select(volume => new DrbdVolume
                {
                    DrbdVolumeDefinition = new DrbdVolumeDefinition { VolumeNumber = volume.Number, MinorNumber = volume.Minor },
                    DevicePath = DevicePath(definition, resource, volume),
                    BackingDevice = resource.Diskless ? null : BackingDevice(definition, resource, volume),
                    MetaDisk = resource.Diskless ? null : "internal",
                    AllocatedSizeKib = resource.Diskless ? 0 : VolumeSizes.Gross(definition, volume),
                    UsableSizeKib = UsableKib(definition, volume),
                    DiskState = DiskState(definition, resource),
                }),
            ],
        },
    };

    private Volume View(DefinitionRow definition, ResourceRow resource, VolumeDefinitionRow volume, bool reported) => new()
    {
        VolumeNumber = volume.Number,
        StoragePoolName = resource.Pool ?? Names.DisklessPool,
        ProviderKind = resource.Pool is null ? "DISKLESS" : _state.Pool(resource.Node, resource.Pool)?.Kind ?? "LVM_THIN",
        DevicePath = DevicePath(definition, resource, volume),
        AllocatedSizeKib = resource.Diskless ? 0 : AllocatedKib(definition, resource.Node, volume),
        State = !reported || !definition.Drbd ? null : new VolumeState
        {
            DiskState = DiskState(definition, resource),
            ReplicationStates = resource.Diskless
                ? null
                : definition.Resources.Where(other => other != resource && _state.Node(other.Node) is { Online: true }).ToDictionary(
                    static other => other.Node, static _ => new ReplicationState { State = "Established" }),
        },
        LayerDataList =
        [
            .. definition.Layers.Select(layer => new VolumeLayer(layer, layer == "DRBD" ? DrbdVolumeData(definition, resource, volume) : resource.Diskless ? null : new VolumeLayerData
            {
                VolumeNumber = volume.Number,
                DevicePath = definition.Drbd ? BackingDevice(definition, resource, volume) : DevicePath(definition, resource, volume),
                AllocatedSizeKib = ToldKib(definition, resource, volume),
                UsableSizeKib = ToldKib(definition, resource, volume),
                DiskState = "[]",
            })),
        ],
        Uuid = resource.Volume(volume.Number)?.Uuid,
    };

    private VolumeLayerData DrbdVolumeData(DefinitionRow definition, ResourceRow resource, VolumeDefinitionRow volume) => new()
    {
        DrbdVolumeDefinition = new DrbdVolumeDefinition { VolumeNumber = volume.Number, MinorNumber = volume.Minor },
        DevicePath = DevicePath(definition, resource, volume),
        BackingDevice = BackingDevice(definition, resource, volume),
        AllocatedSizeKib = resource.Diskless ? 0 : VolumeSizes.Gross(definition, volume),
        UsableSizeKib = UsableKib(definition, volume),
    };

    private static string DiskState(DefinitionRow definition, ResourceRow resource) =>
        !definition.Drbd ? "Created" : resource.Diskless ? "Diskless" : "UpToDate";

    /// <summary>
    /// Allocated and usable size of the storage, one number for both: of thin files LINSTOR tells what is allocated as the usable size too, though the definition's size
    /// can be used.
    /// </summary>
    private long ToldKib(DefinitionRow definition, ResourceRow resource, VolumeDefinitionRow volume) =>
        IsFileThin(resource) ? AllocatedKib(definition, resource.Node, volume) : StorageKib(definition, volume);

    private bool IsFileThin(ResourceRow resource) => resource.Pool is { } pool && _state.Pool(resource.Node, pool) is { Kind: "FILE_THIN" };

    /// <summary>What the guest may open; nothing while the satellite is away or has not got so far.</summary>
    private string? DevicePath(DefinitionRow definition, ResourceRow resource, VolumeDefinitionRow volume)
    {
        var node = _state.Node(resource.Node)!;
        if (!node.Online || _switches.Faults.Has(FaultKind.DevicePathNull) || resource.Volume(volume.Number)?.Device is not { } device)
        {
            return null;
        }

        return definition.Drbd ? Path.Combine(node.DeviceRoot ?? "/dev", $"drbd{volume.Minor}") : device;
    }

    private string? BackingDevice(DefinitionRow definition, ResourceRow resource, VolumeDefinitionRow volume) =>
        resource.Diskless || _switches.Faults.Has(FaultKind.DevicePathNull) ? null : resource.Volume(volume.Number)?.Device is null ? null : $"/dev/{PoolFolder(resource)}/{definition.Name}_{volume.Number:D5}";
}
