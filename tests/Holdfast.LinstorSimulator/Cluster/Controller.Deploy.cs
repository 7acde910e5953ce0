using Holdfast.LinstorSimulation.Api;
using Holdfast.LinstorSimulation.Devices;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    // The controller's own retry steps for what an absent or failing satellite left undone.
    private static readonly TimeSpan[] RetrySteps =
    [
        TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1), TimeSpan.FromHours(4),
    ];

    /// <summary>Has every satellite of a resource definition carry out what the model says; the answer gets each satellite's word and the controller's own after it.</summary>
    private async Task DeployAsync(string name, Answer answer, CancellationToken cancellationToken, bool waitForStuck = true)
    {
        // All are told at once, and a stuck one keeps the answer back but not the others.
        foreach (var node in NodesOf(name).OrderBy(_switches.IsStuck))
        {
            await DeployResourceAsync(name, node, answer, cancellationToken, waitForStuck);
        }

        FinishDefinition(name);
    }

    private async Task DeployResourceAsync(string name, string node, Answer answer, CancellationToken cancellationToken, bool waitForStuck = true)
    {
        lock (_lock)
        {
            if (_state.Node(node) is not { Online: true })
            {
                WarnNotConnected(node, answer);
                answer.Success(ReturnCodes.Modified, $"Resource '{name}' on node '{node}' will be as it should be");
                return;
            }
        }

        if (!waitForStuck && _switches.IsStuck(node))
        {
            return;
        }

        try
        {
            await _switches.WhenAnsweringAsync(node, cancellationToken);
            using var entered = await EnterAsync(name, cancellationToken);
            if (_switches.DiesNow(node))
            {
                throw new SatelliteLostException($"The connection to satellite '{node}' was lost while it worked");
            }

            await CarryOutAsync(name, node, answer, cancellationToken);
        }
        catch (IOException problem)
        {
            answer.Fail(ReturnCodes.UnknownError, $"(Node: '{node}') {problem.Message}", details: $"Node: {node}", reports: [Report(node, problem.Message, problem)]);
        }
    }

    /// <summary>One satellite's work on one resource. The model follows after the effect.</summary>
    private async Task CarryOutAsync(string name, string node, Answer answer, CancellationToken cancellationToken)
    {
        List<VolumePlan> plans;
        bool deleting;
        bool lastData;
        bool drbd;
        bool diskless;
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Resource(node) is not { } resource)
            {
                return;
            }

            if (definition.CloneSource is not null && !resource.Deleting)
            {
                return;
            }

            deleting = resource.Deleting;
            drbd = definition.Drbd;
            diskless = resource.Diskless;
            plans = [.. PlansOf(definition, resource)];
            lastData = !resource.Diskless && !(definition.Drbd && definition.Resources.Exists(other => other != resource && !other.Diskless));
        }

        if (deleting && drbd)
        {
            answer.Note(ReturnCodes.Resource, ReturnCodes.Modified, $"Resource '{name}' [DRBD] adjusted.");
        }

        foreach (var plan in plans)
        {
            if (deleting)
            {
                await _satellite.RemoveDeviceAsync(plan, cancellationToken);
                if (!diskless)
                {
                    answer.Note(ReturnCodes.Volume, ReturnCodes.Deleted, $"Volume number {plan.Number} of resource '{name}' deleted", null, null, ("VlmNr", $"{plan.Number}"));
                }

                if (lastData)
                {
                    _satellite.RemoveFile(plan.BackingFile);
                }
            }
            else
            {
                var (device, made) = await _satellite.EnsureAsync(plan, cancellationToken);
                if (!diskless && (made || plan.IsFile))
                {
                    answer.Note(ReturnCodes.Volume, made ? ReturnCodes.Created : ReturnCodes.Modified, $"Volume number {plan.Number} of resource '{name}' {(made ? "created" : "adjusted")}", null, null, ("VlmNr", $"{plan.Number}"));
                }

                lock (_lock)
                {
                    if (_state.Definition(name)?.Resource(node)?.Volume(plan.Number) is { } volume && volume.Device != device)
                    {
                        volume.Device = device;
                        Save();
                    }
                }
            }
        }

        if (!deleting)
        {
            if (drbd)
            {
                answer.Note(ReturnCodes.Resource, ReturnCodes.Modified, $"Resource '{name}' [DRBD] adjusted.");
            }

            answer.Success(ReturnCodes.Modified, $"Resource '{name}' on node '{node}' is as it should be");
            return;
        }

        _kernel.Forget(node, name);
        lock (_lock)
        {
            if (_state.Definition(name) is { } definition)
            {
                definition.Resources.RemoveAll(resource => Names.Same(resource.Node, node));
                definition.Connections.RemoveAll(connection => Names.Same(connection.NodeA, node) || Names.Same(connection.NodeB, node));
                Save();
            }
        }

        if (drbd)
        {
            answer.Note(ReturnCodes.Resource, ReturnCodes.Deleted, $"Resource '{name}' [DRBD] deleted.");
        }

        answer.Success(ReturnCodes.Modified, $"Resource '{name}' on node '{node}' is gone");
    }

    /// <summary>Drops a definition that was deleted and has nothing left anywhere.</summary>
    private void FinishDefinition(string name)
    {
        lock (_lock)
        {
            if (_state.Definition(name) is { Deleting: true, Resources.Count: 0, Snapshots.Count: 0 } definition)
            {
                _state.Definitions.Remove(definition);
                Save();
            }
        }
    }

    private IEnumerable<VolumePlan> PlansOf(DefinitionRow definition, ResourceRow resource)
    {
        var node = _state.Node(resource.Node)!;
        foreach (var volume in definition.Volumes)
        {
            yield return new VolumePlan
            {
                Node = resource.Node,
                Resource = definition.Name,
                Number = volume.Number,
                Bytes = UsableKib(definition, volume) * 1024,
                IsFile = resource.Pool is { } pool && _state.Pool(resource.Node, pool) is { File: true },
                ByRes = node.ByResLinks,
                BackingFile = BackingFile(definition, resource.Node, volume.Number),
                DeviceRoot = node.Local ? node.DeviceRoot : null,
                Minor = definition.Drbd ? volume.Minor : null,
                KnownDevice = resource.Volume(volume.Number)?.Device,
                DevicesOfOthers = [.. definition.Resources.Where(other => other != resource).Select(other => other.Volume(volume.Number)?.Device).OfType<string>()],
                MadeUpDevice = $"/dev/{PoolFolder(resource)}/{definition.Name}_{volume.Number:D5}",
            };
        }
    }

    private string PoolFolder(ResourceRow resource) =>
        resource.Pool is { } pool && _state.Pool(resource.Node, pool) is { } row && row.Props.TryGetValue("StorDriver/StorPoolName", out var name) ? name.Split('/')[0] : "none";

    /// <summary>DRBD-like volumes keep their data once, shared by all nodes as if replicated; storage-only ones have it per node.</summary>
    private string BackingFile(DefinitionRow definition, string node, int number) =>
        Path.Combine(_folder.Volumes, DataFolder(definition, node), $"{definition.Name}_{number:D5}.img");

    private string SnapshotFile(DefinitionRow definition, string node, string snapshot, int number) =>
        Path.Combine(_folder.Snapshots, DataFolder(definition, node), $"{definition.Name}_{number:D5}_{snapshot}.img");

    private static string DataFolder(DefinitionRow definition, string node) => definition.Drbd ? "_drbd" : node;

    private long UsableKib(DefinitionRow definition, VolumeDefinitionRow volume) => VolumeSizes.Usable(_state, definition, volume);

    private long StorageKib(DefinitionRow definition, VolumeDefinitionRow volume) => VolumeSizes.Storage(_state, definition, volume);

    private async Task RetryDeletesAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(15), _time);
        var due = new Dictionary<string, long>();
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            foreach (var (name, node, retries) in Lingering())
            {
                var key = $"{name}/{node}";
                if (!due.TryGetValue(key, out var at))
                {
                    due[key] = Now;
                    at = Now;
                }

                if (at > Now)
                {
                    continue;
                }

                due[key] = Now + (long)RetrySteps[Math.Min(retries, RetrySteps.Length - 1)].TotalMilliseconds;
                lock (_lock)
                {
                    if (_state.Definition(name)?.Resource(node) is { } resource)
                    {
                        resource.Retries++;
                    }
                }

                await DeployResourceAsync(name, node, NewAnswer(ReturnCodes.Delete, ReturnCodes.Resource), cancellationToken, waitForStuck: false);
                FinishDefinition(name);
            }
        }
    }

    private List<(string Name, string Node, int Retries)> Lingering()
    {
        lock (_lock)
        {
            return
            [
                .. from definition in _state.Definitions
                   from resource in definition.Resources
                   where resource.Deleting && _state.Node(resource.Node) is { Online: true }
                   select (definition.Name, resource.Node, resource.Retries),
            ];
        }
    }
}
