using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    /// <summary>Snapshots of some resources, or of all; null when a definition that was named alone is unknown.</summary>
    public List<Snapshot> SnapshotViews(IReadOnlyCollection<string> nodes, IReadOnlyCollection<string> resources)
    {
        lock (_lock)
        {
            return
            [
                .. from definition in _state.Definitions
                   where Wanted(resources, definition.Name)
                   from snapshot in definition.Snapshots
                   where nodes.Count == 0 || snapshot.Nodes.Exists(node => Wanted(nodes, node))
                   select View(definition, snapshot),
            ];
        }
    }

    public List<Snapshot>? SnapshotsOf(string name)
    {
        lock (_lock)
        {
            return _state.Definition(name) is { } definition ? [.. definition.Snapshots.Select(snapshot => View(definition, snapshot))] : null;
        }
    }

    /// <summary>Takes one snapshot of each resource named; all or none.</summary>
    public async Task<Answer> CreateSnapshotsAsync(IReadOnlyList<(string Resource, Snapshot Wanted)> requests, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.Snapshot, creates: true);
        var rows = new List<(string Resource, string Snapshot)>();
        var nodes = new List<string>();
        lock (_lock)
        {
            foreach (var (name, wanted) in requests)
            {
                if (SnapshotProblem(name, wanted, answer))
                {
                    return answer;
                }
            }

            foreach (var (name, wanted) in requests)
            {
                var definition = _state.Definition(name)!;
                var holders = definition.Resources.Where(resource => !resource.Diskless && Wanted(wanted.Nodes ?? [], resource.Node)).Select(static resource => resource.Node).ToList();
                var row = NewSnapshot(definition, wanted.Name!, holders);
                row.Props = new Dictionary<string, string>(wanted.Props ?? []);
                definition.Snapshots.Add(row);
                rows.Add((definition.Name, wanted.Name!));
                nodes.AddRange(holders);
                answer.Success(
                    ReturnCodes.Created,
                    $"New snapshot '{wanted.Name}' of resource '{definition.Name}' registered.",
                    $"Snapshot definition UUID is: {definition.Snapshots[^1].Uuid}",
                    ("UUID", definition.Snapshots[^1].Uuid));
            }

            Save();
        }

        try
        {
            await SuspendIoAsync([.. rows.Select(static row => row.Resource)], cancellationToken);
            foreach (var node in nodes.Distinct(StringComparer.OrdinalIgnoreCase))
            {
                await _switches.WhenAnsweringAsync(node, cancellationToken);
            }
        }
        catch (Devices.SatelliteLostException problem)
        {
            return GiveUpSnapshots(rows, problem, answer);
        }

        foreach (var (resource, snapshot) in rows)
        {
            TellSnapshotRound(resource, snapshot, answer, suspended: true);
            if (await TakeAsync(resource, snapshot, answer, cancellationToken))
            {
                TellSnapshotRound(resource, snapshot, answer, taken: true);
            }
        }

        foreach (var (resource, snapshot) in rows)
        {
            ResumeIo(resource);
            TellSnapshotRound(resource, snapshot, answer);
        }

        return answer;
    }

    private SnapshotRow NewSnapshot(DefinitionRow definition, string name, List<string> nodes) => new()
    {
        Name = name,
        Uuid = NewUuid(),
        Created = Now,
        Nodes = nodes,
        DefinitionProps = new Dictionary<string, string>(definition.Props),
        Layers = [.. definition.Layers],
        Pools = definition.Resources.Where(resource => resource.Pool is not null && nodes.Contains(resource.Node)).ToDictionary(static resource => resource.Node, static resource => resource.Pool!),
        Volumes = [.. definition.Volumes.Select(static volume => new SnapshotVolumeRow { Number = volume.Number, SizeKib = volume.SizeKib })],
    };

    /// <summary>Has the satellites take a registered snapshot.</summary>
    private async Task<bool> TakeAsync(string name, string snapshot, Answer answer, CancellationToken cancellationToken)
    {
        using var entered = await EnterAsync(name, cancellationToken);
        var flag = Flag.Successful;
        try
        {
            foreach (var (source, target, bytes) in SnapshotCopies(name, snapshot))
            {
                await _satellite.CopyAsync(source, target, bytes, cancellationToken);
            }
        }
        catch (IOException problem)
        {
            flag = Flag.FailedDeployment;
            answer.Fail(ReturnCodes.UnknownError, problem.Message, reports: [Report("Controller", problem.Message, problem)]);
        }

        lock (_lock)
        {
            if (_state.Definition(name)?.Snapshot(snapshot) is { } row)
            {
                Mark(row.Flags, flag);
                Save();
            }
        }

        return flag == Flag.Successful;
    }

    public async Task<Answer> DeleteSnapshotAsync(string name, string snapshotName, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.Snapshot);
        List<string> nodes;
        SnapshotRow deleted;
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Snapshot(snapshotName) is not { } snapshot)
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of snapshot '{snapshotName}' of resource '{name}' had no effect.", $"Snapshot '{snapshotName}' does not exist.");
            }

            name = definition.Name;
            Mark(snapshot.Flags, Flag.Delete);
            Save();
            deleted = snapshot;
            nodes = [.. snapshot.Nodes];
            answer.Success(ReturnCodes.Deleted, $"Snapshot '{snapshot.Name}' of resource '{name}' marked for deletion.");
            foreach (var node in nodes.Where(node => _state.Node(node) is not { Online: true }))
            {
                answer.Warn(ReturnCodes.WarnNotConnected, $"No active connection to satellite '{node}'.", "The snapshot will be deleted when the satellite connects.");
            }
        }

        foreach (var node in nodes)
        {
            await _switches.WhenAnsweringAsync(node, cancellationToken);
        }

        using var entered = await EnterAsync(name, cancellationToken);
        FinishSnapshots(name);
        return TellDeleted(name, deleted, nodes, answer);
    }

    public Answer RestoreVolumeDefinitions(string name, string snapshotName, SnapshotRestore request)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.VolumeDefinition);
        lock (_lock)
        {
            if (RestoreProblem(name, snapshotName, request, answer) is not ({ } source, { } snapshot, { } target))
            {
                return answer;
            }

            if (target.Volumes.Count > 0)
            {
                return answer.Fail(ReturnCodes.VolumeDefinitionExists, $"Resource definition '{target.Name}' already has volume definitions.");
            }

            foreach (var volume in snapshot.Volumes)
            {
                target.Volumes.Add(NewVolumeDefinition(target, volume.Number, volume.SizeKib, source.Volume(volume.Number)?.Props));
            }

            Save();
            return answer.Raw(ReturnCodes.Create | ReturnCodes.Snapshot | ReturnCodes.Deleted, $"Volume definitions of '{target.Name}' restored from snapshot '{snapshot.Name}' of '{source.Name}'.");
        }
    }

    public async Task<Answer> RestoreResourcesAsync(string name, string snapshotName, SnapshotRestore request, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.Resource);
        string to;
        lock (_lock)
        {
            if (RestoreProblem(name, snapshotName, request, answer) is not ({ } source, { } snapshot, { } target))
            {
                return answer;
            }

            if (target.Resources.Count > 0)
            {
                return answer.Fail(ReturnCodes.ResourceExists, $"Resource definition '{target.Name}' already has resources.");
            }

            if (!snapshot.Flags.Contains(Flag.Successful))
            {
                return answer.Fail(ReturnCodes.SnapshotNotUpToDate, $"Snapshot '{snapshot.Name}' of '{source.Name}' was not taken successfully.");
            }

            if (!PlaceRestored(source, snapshot, target, request, answer))
            {
                return answer;
            }

            Save();
            to = target.Name;
        }

        await WhenAllAnswerAsync([], cancellationToken);
        await RestoreDataAsync(to, answer, cancellationToken);
        await DeployAsync(to, answer, cancellationToken);
        return answer;
    }

    /// <summary>
    /// Makes the resources of a restore in the model, with the snapshot's properties over those the target has. Volumes must be there with the snapshot's sizes.
    /// </summary>
    private bool PlaceRestored(DefinitionRow source, SnapshotRow snapshot, DefinitionRow target, SnapshotRestore request, Answer answer)
    {
        foreach (var volume in target.Volumes)
        {
            if (snapshot.Volumes.Find(one => one.Number == volume.Number) is not { } taken)
            {
                answer.Fail(ReturnCodes.SnapshotVolumeDefinitionNotFound, $"Snapshot '{snapshot.Name}' of '{source.Name}' has no volume {volume.Number}.");
                return false;
            }

            if (taken.SizeKib != volume.SizeKib)
            {
                answer.Fail(ReturnCodes.InvalidVolumeSize, $"Volume {volume.Number} of '{target.Name}' has {volume.SizeKib} KiB, the snapshot '{snapshot.Name}' {taken.SizeKib} KiB.");
                return false;
            }
        }

        var nodes = snapshot.Nodes.Where(node => Wanted(request.Nodes ?? [], node)).ToList();
        if (nodes.Count == 0)
        {
            answer.Fail(ReturnCodes.SnapshotNotFound, $"Snapshot '{snapshot.Name}' of '{source.Name}' exists on none of the nodes wanted.");
            return false;
        }

        foreach (var (key, value) in snapshot.DefinitionProps)
        {
            target.Props[key] = value;
        }

        target.Layers = [.. snapshot.Layers];
        target.LayersUntold = true;
        foreach (var volume in target.Volumes.Where(volume => target.Drbd && volume.Minor is null))
        {
            volume.Minor = _state.NextMinor++;
        }

        foreach (var node in nodes)
        {
            var pool = snapshot.Pools.GetValueOrDefault(node) ?? source.Resource(node)?.Pool ?? PoolNames(_state.Group(target.Group)!.Filter).FirstOrDefault();
            pool = pool is not null && request.StorPoolRename?.TryGetValue(pool, out var renamed) == true ? renamed : pool;
            AddResource(target, node, pool, []);
            answer.Raw(ReturnCodes.Create | ReturnCodes.Resource | ReturnCodes.Created, $"Resource '{target.Name}' on node '{node}' restored from snapshot '{snapshot.Name}' of '{source.Name}'.");
        }

        AdjustTieBreaker(target, answer);
        target.RestoreFrom = $"{source.Name}/{snapshot.Name}";
        Mark(target.Flags, Flag.RestoreTarget);
        return true;
    }

    /// <summary>Fills a restore's target, once: afterwards it is an ordinary resource.</summary>
    private async Task RestoreDataAsync(string name, Answer answer, CancellationToken cancellationToken)
    {
        using var entered = await EnterAsync(name, cancellationToken);
        var copies = new List<(string Source, string Target, long Bytes)>();
        lock (_lock)
        {
            if (_state.Definition(name) is not { RestoreFrom: { } from } target || from.Split('/') is not [var sourceName, var snapshotName] || _state.Definition(sourceName) is not { } source)
            {
                return;
            }

            foreach (var resource in target.Resources.Where(static resource => !resource.Diskless))
            {
                copies.AddRange(target.Volumes.Select(volume => (
                    SnapshotFile(source, resource.Node, snapshotName, volume.Number), BackingFile(target, resource.Node, volume.Number), UsableKib(target, volume) * 1024)));
            }
        }

        try
        {
            foreach (var (source, target, bytes) in copies.Distinct())
            {
                await _satellite.CopyAsync(source, target, bytes, cancellationToken);
            }
        }
        catch (IOException problem)
        {
            answer.Fail(ReturnCodes.UnknownError, problem.Message, reports: [Report("Controller", problem.Message, problem)]);
        }

        lock (_lock)
        {
            if (_state.Definition(name) is { } target)
            {
                target.RestoreFrom = null;
                target.Flags.Remove(Flag.RestoreTarget);
                Save();
            }
        }
    }

    private bool SnapshotProblem(string name, Snapshot wanted, Answer answer)
    {
        if (!Names.Valid(wanted.Name))
        {
            answer.Fail(ReturnCodes.InvalidResourceName, $"The snapshot name '{wanted.Name}' is invalid.");
            return true;
        }

        if (_state.Definition(name) is not { } definition)
        {
            answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            return true;
        }

        if (definition.Snapshot(wanted.Name!) is not null)
        {
            answer.Fail(
                ReturnCodes.SnapshotDefinitionExists, $"A snapshot '{wanted.Name}' of resource '{definition.Name}' already exists.", cause: "The name is taken.", details: $"Snapshot: {wanted.Name}");
            return true;
        }

        var holders = definition.Resources.Where(static resource => !resource.Diskless && !resource.Deleting).ToList();
        if (holders.Count == 0)
        {
            answer.Fail(ReturnCodes.ResourceNotFound, $"Resource definition '{definition.Name}' has no resource to take a snapshot of.");
            return true;
        }

        if (holders.Find(resource => _state.Pool(resource.Node, resource.Pool!) is { TakesSnapshots: false }) is { } without)
        {
            var message = $"Storage pool '{without.Pool}' on node '{without.Node}' does not support snapshots.";
            answer.Fail(ReturnCodes.SnapshotsUnsupported, message, details: $"Snapshot: {wanted.Name}", reports: [Report("Controller", message, null)]);
            return true;
        }

        if (definition.Resources.Find(resource => _state.Node(resource.Node) is not { Online: true }) is { } away)
        {
            answer.Fail(ReturnCodes.NotConnected, $"No active connection to satellite '{away.Node}'.", details: $"Snapshot '{wanted.Name}' of '{definition.Name}' cannot be taken.", reports: [Report("Controller", $"No connection to '{away.Node}'", null)]);
            return true;
        }

        return false;
    }

    private (DefinitionRow?, SnapshotRow?, DefinitionRow?) RestoreProblem(string name, string snapshotName, SnapshotRestore request, Answer answer)
    {
        if (_state.Definition(name) is not { } source)
        {
            answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            return default;
        }

        if (source.Snapshot(snapshotName) is not { } snapshot)
        {
            answer.Fail(ReturnCodes.SnapshotDefinitionNotFound, $"Snapshot '{snapshotName}' of resource '{name}' not found.");
            return default;
        }

        if (_state.Definition(request.ToResource ?? "") is not { } target)
        {
            answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{request.ToResource}' not found.");
            return default;
        }

        return (source, snapshot, target);
    }

    private List<(string Source, string Target, long Bytes)> SnapshotCopies(string name, string snapshotName)
    {
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Snapshot(snapshotName) is not { } snapshot)
            {
                return [];
            }

            var copies = new List<(string, string, long)>();
            foreach (var node in snapshot.Nodes.Where(node => _state.Node(node) is { Local: true } || definition.Drbd))
            {
                foreach (var volume in snapshot.Volumes)
                {
                    var bytes = definition.Volume(volume.Number) is { } current ? UsableKib(definition, current) * 1024 : volume.SizeKib * 1024;
                    copies.Add((BackingFile(definition, node, volume.Number), SnapshotFile(definition, node, snapshot.Name, volume.Number), bytes));
                }
            }

            return [.. copies.Distinct()];
        }
    }

    /// <summary>Removes snapshots marked for deletion from the satellites that are there; one without satellites left is gone.</summary>
    private void FinishSnapshots(string name)
    {
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition)
            {
                return;
            }

            foreach (var snapshot in definition.Snapshots.Where(static snapshot => snapshot.Flags.Contains(Flag.Delete)).ToList())
            {
                foreach (var node in snapshot.Nodes.Where(node => _state.Node(node) is { Online: true }).ToList())
                {
                    snapshot.Nodes.Remove(node);
                    if (!definition.Drbd || snapshot.Nodes.Count == 0)
                    {
                        foreach (var volume in snapshot.Volumes)
                        {
                            _satellite.RemoveFile(SnapshotFile(definition, node, snapshot.Name, volume.Number));
                        }
                    }
                }

                if (snapshot.Nodes.Count == 0)
                {
                    definition.Snapshots.Remove(snapshot);
                }
            }

            Save();
        }
    }

    private static Snapshot View(DefinitionRow definition, SnapshotRow row) => new()
    {
        Name = row.Name,
        ResourceName = definition.Name,
        Nodes = [.. row.Nodes],
        Props = SnapshotProps(definition, row, withDefinition: true),
        SnapshotDefinitionProps = SnapshotProps(definition, row, withDefinition: false),
        ResourceDefinitionProps = new Dictionary<string, string>(row.DefinitionProps),
        Flags = [.. row.Flags],
        VolumeDefinitions = [.. row.Volumes.Select(volume => new SnapshotVolumeDefinition
        {
            VolumeNumber = volume.Number, SizeKib = volume.SizeKib, VolumeDefinitionProps = definition.Volume(volume.Number)?.Props,
        })],
        Uuid = row.Uuid,
        Snapshots =
        [
            .. row.Nodes.Select(node => new SnapshotNode
            {
                SnapshotName = row.Name,
                NodeName = node,
                CreateTimestamp = row.Created,
                Uuid = row.Uuid,
                ResourceProps = definition.Resource(node)?.Props,
                SnapshotVolumes = [.. row.Volumes.Select(volume => new SnapshotVolumeNode { Uuid = row.Uuid, VlmNr = volume.Number })],
            }),
        ],
    };
}
