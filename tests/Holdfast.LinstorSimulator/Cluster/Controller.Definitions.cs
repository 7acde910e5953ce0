using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    private static readonly string[] DefaultLayers = ["DRBD", "STORAGE"];

    public List<ResourceDefinition> Definitions(IReadOnlyCollection<string> filter, IReadOnlyCollection<string> props, bool withVolumes)
    {
        lock (_lock)
        {
            return
            [
                .. _state.Definitions.Where(definition => Wanted(filter, definition.Name) && HasProps(definition.Props, props))
                    .OrderBy(static definition => definition.Name, StringComparer.OrdinalIgnoreCase).Select(definition => View(definition, withVolumes)),
            ];
        }
    }

    public Answer CreateDefinition(ResourceDefinitionCreate request)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.ResourceDefinition, creates: true);
        var wanted = request.ResourceDefinition ?? new ResourceDefinition();
        var name = wanted.Name is { Length: > 0 } ? wanted.Name : wanted.ExternalName;
        if (!Names.Valid(name))
        {
            return answer.Fail(ReturnCodes.InvalidResourceName, $"The resource name '{name}' is invalid.");
        }

        lock (_lock)
        {
            if (_state.Definition(name!) is { } existing)
            {
                return answer.Fail(ReturnCodes.DefinitionExists, $"A resource definition with the specified name '{existing.Name}' already exists.");
            }

            if (_state.Group(wanted.ResourceGroupName ?? Names.DefaultGroup) is not { } group)
            {
                return answer.Fail(ReturnCodes.ResourceGroupNotFound, $"Resource group '{wanted.ResourceGroupName}' not found.");
            }

            var layers = wanted.LayerData?.Select(static layer => layer.Type).ToList() is { Count: > 0 } given ? given : group.Filter.LayerStack;
            if (LayerProblem(layers) is { } problem)
            {
                return answer.Fail(ReturnCodes.InvalidLayerStack, problem);
            }

            if (PropertyProblem(PropertyOwner.Definition, wanted.Props, answer))
            {
                return answer;
            }

            var definition = NewDefinition(name!, group, layers, request.DrbdPeerSlots, wanted.Props);
            definition.ExternalName = wanted.ExternalName;
            _state.Definitions.Add(definition);
            Save();
            return answer.Properties([.. definition.Props.Keys], []).Success(
                ReturnCodes.Created,
                $"New resource definition '{definition.Name}' created.",
                $"Resource definition '{definition.Name}' UUID is: {definition.Uuid}",
                ("UUID", definition.Uuid),
                ("RscDfn", definition.Name));
        }
    }

    public async Task<Answer> ModifyDefinitionAsync(string name, ResourceDefinitionModify change, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.ResourceDefinition);
        bool changed;
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition)
            {
                return answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            }

            if (PropertyProblem(PropertyOwner.Definition, change.OverrideProps, answer, change.DeleteProps, change.DeleteNamespaces, definition.Props))
            {
                return answer;
            }

            if (change.ResourceGroup is { } groupName)
            {
                if (_state.Group(groupName) is not { } group)
                {
                    return answer.Fail(ReturnCodes.ResourceGroupNotFound, $"Resource group '{groupName}' not found.");
                }

                definition.Group = group.Name;
            }

            if (change.LayerStack is { Count: > 0 } layers)
            {
                if (LayerProblem(layers) is { } problem)
                {
                    return answer.Fail(ReturnCodes.InvalidLayerStack, problem);
                }

                if (definition.Resources.Count > 0 && !layers.SequenceEqual(definition.Layers, StringComparer.OrdinalIgnoreCase))
                {
                    return answer.Fail(ReturnCodes.InvalidLayerStack, $"The layer stack of '{definition.Name}' cannot be changed while it has resources.");
                }

                definition.Layers = [.. layers.Select(static layer => layer.ToUpperInvariant())];
            }

            definition.PeerSlots = change.DrbdPeerSlots ?? definition.PeerSlots;
            changed = ChangeProps(definition.Props, change.OverrideProps, change.DeleteProps, change.DeleteNamespaces, answer);
            answer.Success(
                ReturnCodes.Modified, $"Resource definition '{definition.Name}' modified.", $"Resource definition '{definition.Name}' UUID is: {definition.Uuid}", ("UUID", definition.Uuid));
            AdjustTieBreaker(definition, answer);
            name = definition.Name;
            Save();
        }

        if (changed)
        {
            await AdjustAsync(name, answer, cancellationToken);
        }

        return answer;
    }

    public async Task<Answer> DeleteDefinitionAsync(string name, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.ResourceDefinition);
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition)
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of resource definition '{name}' had no effect.", $"Resource definition '{name}' does not exist.");
            }

            if (definition.Snapshots.Count > 0)
            {
                return answer.Fail(
                    ReturnCodes.SnapshotDefinitionExists,
                    $"Cannot delete resource definition '{definition.Name}' because it has snapshots.",
                    details: $"Resource definition: {definition.Name}",
                    reports: [Report("Controller", $"Resource definition '{definition.Name}' has snapshots", null)]);
            }

            var primaries = Primaries(definition);
            if (primaries.Count > 0)
            {
                return answer.Fail(ReturnCodes.InUse, $"Resource '{definition.Name}' on node '{primaries[0]}' is still in use.", cause: "Resource is mounted/in use.", correction: "Un-mount the resource first.");
            }

            name = definition.Name;
            Mark(definition.Flags, Flag.Delete);
            foreach (var resource in definition.Resources)
            {
                MarkDeleted(definition, resource);
            }

            answer.Success(ReturnCodes.Deleted, $"Resource definition '{definition.Name}' marked for deletion.");
            Save();
        }

        await DeployAsync(name, answer, cancellationToken);
        lock (_lock)
        {
            return _state.Definition(name) is null ? answer.Success(ReturnCodes.Deleted, $"Resource definition '{name}' deleted.", $"Resource definition: {name}") : answer;
        }
    }

    public List<VolumeDefinition>? VolumeDefinitions(string name)
    {
        lock (_lock)
        {
            return _state.Definition(name) is { } definition ? [.. definition.Volumes.Select(volume => View(definition, volume))] : null;
        }
    }

    public async Task<Answer> CreateVolumeDefinitionAsync(string name, VolumeDefinitionCreate request, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.VolumeDefinition, creates: true);
        var wanted = request.VolumeDefinition ?? new VolumeDefinition();
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition)
            {
                return answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            }

            if (wanted.SizeKib is not (>= 4 and <= 1L << 40))
            {
                return answer.Fail(ReturnCodes.InvalidVolumeSize, $"The volume size {wanted.SizeKib} KiB is invalid.");
            }

            var number = wanted.VolumeNumber ?? Enumerable.Range(0, int.MaxValue).First(free => definition.Volume(free) is null);
            if (definition.Volume(number) is not null)
            {
                return answer.Fail(ReturnCodes.VolumeDefinitionExists, $"A volume definition {number} already exists in resource definition '{definition.Name}'.");
            }

            var volume = NewVolumeDefinition(definition, number, wanted.SizeKib.Value, wanted.Props);
            volume.Minor = request.DrbdMinorNumber ?? volume.Minor;
            volume.Flags.AddRange(wanted.Flags ?? []);
            definition.Volumes.Add(volume);
            foreach (var resource in definition.Resources)
            {
                resource.Volumes.Add(new VolumeRow { Number = number, Uuid = NewUuid() });
            }

            name = definition.Name;
            answer.Success(ReturnCodes.Created, $"New volume definition {number} of resource definition '{name}' created.");
            Save();
        }

        await DeployAsync(name, answer, cancellationToken);
        return answer;
    }

    /// <summary>Resize (an absolute size, so safe to repeat) and properties of one volume definition.</summary>
    public async Task<Answer> ModifyVolumeDefinitionAsync(string name, int number, VolumeDefinitionModify change, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.VolumeDefinition);
        var resized = false;
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition)
            {
                return answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            }

            if (definition.Volume(number) is not { } volume)
            {
                return answer.Fail(ReturnCodes.VolumeDefinitionNotFound, $"Volume definition {number} of resource definition '{name}' not found.");
            }

            if (PropertyProblem(PropertyOwner.VolumeDefinition, change.OverrideProps, answer, change.DeleteProps, change.DeleteNamespaces, volume.Props))
            {
                return answer;
            }

            name = definition.Name;
            if (change.SizeKib is { } size)
            {
                if (size is < 4 or > 1L << 40)
                {
                    return answer.Fail(ReturnCodes.InvalidVolumeSize, $"The volume size {size} KiB is invalid.");
                }

                if (size == volume.SizeKib)
                {
                    answer.Warn(ReturnCodes.WarnSameSize, $"Volume definition {number} of '{name}' already has {size} KiB.");
                }
                else if (ResizeProblem(definition, volume, size, answer))
                {
                    return answer;
                }
                else
                {
                    resized = definition.Resources.Count > 0;
                    volume.SizeKib = size;
                }
            }

            foreach (var flag in change.Flags ?? [])
            {
                if (flag.StartsWith('-'))
                {
                    volume.Flags.Remove(flag[1..]);
                }
                else
                {
                    Mark(volume.Flags, flag);
                }
            }

            ChangeProps(volume.Props, change.OverrideProps, change.DeleteProps, change.DeleteNamespaces, answer);
            answer.Success(
                ReturnCodes.Modified, $"Volume definition {number} of resource definition '{name}' modified.", $"Volume definition UUID is: {volume.Uuid}", ("UUID", volume.Uuid));
            Save();
        }

        // A resize is three rounds over the satellites: the storage, the layers above it, and the end of it.
        for (var round = 0; resized && round < 3; round++)
        {
            await DeployAsync(name, answer, cancellationToken);
        }

        return answer;
    }

    public async Task<Answer> DeleteVolumeDefinitionAsync(string name, int number, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.VolumeDefinition);
        List<Devices.VolumePlan> plans;
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Volume(number) is null)
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of volume definition {number} of resource definition '{name}' had no effect.");
            }

            if (Primaries(definition) is { Count: > 0 } primaries)
            {
                return answer.Fail(ReturnCodes.InUse, $"Resource '{definition.Name}' on node '{primaries[0]}' is still in use.");
            }

            name = definition.Name;
            plans = [.. definition.Resources.SelectMany(resource => PlansOf(definition, resource)).Where(plan => plan.Number == number)];
        }

        using var entered = await EnterAsync(name, cancellationToken);
        try
        {
            foreach (var plan in plans)
            {
                await _satellite.RemoveDeviceAsync(plan, cancellationToken);
                _satellite.RemoveFile(plan.BackingFile);
            }
        }
        catch (IOException problem)
        {
            return answer.Fail(ReturnCodes.UnknownError, problem.Message, reports: [Report("Controller", problem.Message, problem)]);
        }

        lock (_lock)
        {
            if (_state.Definition(name) is { } definition)
            {
                definition.Volumes.RemoveAll(volume => volume.Number == number);
                foreach (var resource in definition.Resources)
                {
                    resource.Volumes.RemoveAll(volume => volume.Number == number);
                }

                Save();
            }

            return answer.Success(ReturnCodes.Deleted, $"Volume definition {number} of resource definition '{name}' deleted.");
        }
    }

    public SyncStatus? SyncState(string name)
    {
        lock (_lock)
        {
            return _state.Definition(name) is { } definition
                ? new SyncStatus(definition.Resources.TrueForAll(resource => resource.Diskless || _state.Node(resource.Node) is { Online: true }))
                : null;
        }
    }

    private bool ResizeProblem(DefinitionRow definition, VolumeDefinitionRow volume, long size, Answer answer)
    {
        if (definition.Drbd && VolumeSizes.IsExact(definition))
        {
            answer.Fail(ReturnCodes.InvalidProperty, $"'{definition.Name}' has DrbdOptions/ExactSize set and cannot be resized.", details: "Delete the property DrbdOptions/ExactSize first.");
            return true;
        }

        if (size < volume.SizeKib && definition.Drbd && definition.Resources.Count > 0)
        {
            answer.Fail(ReturnCodes.InvalidVolumeSize, $"Volume {volume.Number} of '{definition.Name}' cannot shrink: DRBD does not support it.");
            return true;
        }

        if (size < volume.SizeKib && definition.Resources.Exists(static resource => !resource.Deleting))
        {
            answer.Fail(ReturnCodes.InvalidVolumeSize, $"Volume {volume.Number} of '{definition.Name}' is deployed and cannot shrink.");
            return true;
        }

        if (definition.Drbd && definition.Resources.Find(resource => !resource.Diskless && _state.Node(resource.Node) is not { Online: true }) is { } behind)
        {
            answer.Fail(ReturnCodes.NotAllUpToDate, $"Not all replicas of '{definition.Name}' are UpToDate: the state on '{behind.Node}' is unknown.");
            return true;
        }

        return false;
    }

    private DefinitionRow NewDefinition(string name, GroupRow group, List<string>? layers, int? peerSlots, Dictionary<string, string>? props) => new()
    {
        Name = name,
        Uuid = NewUuid(),
        Group = group.Name,
        Layers = [.. (layers is { Count: > 0 } ? layers : [.. DefaultLayers]).Select(static layer => layer.ToUpperInvariant())],
        PeerSlots = peerSlots ?? 7,
        Props = new Dictionary<string, string>(props ?? []),
        Secret = Convert.ToBase64String(Guid.NewGuid().ToByteArray())[..20],
    };

    private VolumeDefinitionRow NewVolumeDefinition(DefinitionRow definition, int number, long size, Dictionary<string, string>? props) => new()
    {
        Number = number,
        Uuid = NewUuid(),
        SizeKib = size,
        Minor = definition.Drbd ? _state.NextMinor++ : null,
        Props = new Dictionary<string, string>(props ?? []) { ["DrbdCurrentGi"] = Guid.NewGuid().ToString("N")[..16].ToUpperInvariant() },
    };

    private static void Mark(List<string> flags, string flag)
    {
        if (!flags.Contains(flag))
        {
            flags.Add(flag);
        }
    }

    private static void MarkDeleted(DefinitionRow definition, ResourceRow resource)
    {
        Mark(resource.Flags, Flag.Delete);
        if (definition.Drbd)
        {
            Mark(resource.Flags, Flag.DrbdDelete);
        }
    }

    private static bool HasProps(Dictionary<string, string> props, IReadOnlyCollection<string> wanted) => wanted.All(filter =>
        filter.Split('=', 2) is [var key, var value] ? props.TryGetValue(key, out var actual) && actual == value : props.ContainsKey(filter));

    private static ResourceDefinition View(DefinitionRow row, bool withVolumes) => new()
    {
        Name = row.Name,
        ExternalName = row.ExternalName,
        Props = new Dictionary<string, string>(row.Props),
        Flags = [.. row.Flags],
        LayerData =
        [
            .. row.LayersUntold ? [] : row.Layers.Select(layer => new ResourceDefinitionLayer(layer, layer == "DRBD" ? DrbdData(row) : null)),
        ],
        Uuid = row.Uuid,
        ResourceGroupName = row.Group,
        VolumeDefinitions = withVolumes ? [.. row.Volumes.Select(volume => View(row, volume))] : null,
    };

    private static DrbdDefinitionData DrbdData(DefinitionRow row) => new()
    {
        PeerSlots = row.PeerSlots, AlStripes = 1, AlStripeSizeKib = 32, Port = -1, TransportType = "IP", Secret = row.Secret, Down = false,
    };

    private static VolumeDefinition View(DefinitionRow definition, VolumeDefinitionRow row) => new()
    {
        VolumeNumber = row.Number,
        SizeKib = row.SizeKib,
        Props = new Dictionary<string, string>(row.Props),
        Flags = [.. row.Flags],
        LayerData =
        [
            .. definition.Layers.Select(layer => new VolumeDefinitionLayer(layer, layer == "DRBD" ? new DrbdVolumeDefinition { VolumeNumber = row.Number, MinorNumber = row.Minor } : null)),
        ],
        Uuid = row.Uuid,
    };
}
