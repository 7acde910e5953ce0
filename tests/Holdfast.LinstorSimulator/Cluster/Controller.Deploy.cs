using Holdfast.LinstorSimulation.Api;
using Holdfast.LinstorSimulation.Devices;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    private const long ExtentKib = 4096;

    // The controller's own retry steps for what an absent or failing satellite left undone.
    private static readonly TimeSpan[] RetrySteps =
    [
        TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1), TimeSpan.FromHours(4),
    ];

    /// <summary>Has every satellite of a resource definition carry out what the model says.</summary>
    private async Task DeployAsync(string name, Answer answer, CancellationToken cancellationToken, bool waitForStuck = true)
    {
        List<string> nodes;
        lock (_lock)
        {
            nodes = _state.Definition(name) is { } definition ? [.. definition.Resources.Select(static resource => resource.Node)] : [];
        }

        foreach (var node in nodes)
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
                answer.Warn(ReturnCodes.WarnNotConnected, $"No active connection to satellite '{node}'.", "The change will be made when the satellite connects.");
                return;
            }
        }

        if (_switches.IsStuck(node))
        {
            if (!waitForStuck)
            {
                return;
            }

            await _switches.WhenAnsweringAsync(node, cancellationToken);
        }

        using var entered = await EnterAsync(name, cancellationToken);
        try
        {
            var removed = await CarryOutAsync(name, node, cancellationToken);
            if (removed)
            {
                answer.Success(ReturnCodes.Deleted, $"Resource '{name}' on node '{node}' deleted.");
            }
        }
        catch (IOException problem)
        {
            var id = Report(node, problem.Message, problem);
            answer.Fail(ReturnCodes.UnknownError, $"(Node: '{node}') {problem.Message}", reports: [id]);
        }
    }

    /// <summary>One satellite's work on one resource; true when that was its removal. The model follows after the effect.</summary>
    private async Task<bool> CarryOutAsync(string name, string node, CancellationToken cancellationToken)
    {
        List<VolumePlan> plans;
        bool deleting;
        bool lastData;
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Resource(node) is not { } resource)
            {
                return false;
            }

            if (definition.CloneSource is not null && !resource.Deleting)
            {
                return false;
            }

            deleting = resource.Deleting;
            plans = [.. PlansOf(definition, resource)];
            lastData = !resource.Diskless && !(definition.Drbd && definition.Resources.Exists(other => other != resource && !other.Diskless));
        }

        foreach (var plan in plans)
        {
            if (deleting)
            {
                await _satellite.RemoveDeviceAsync(plan, cancellationToken);
                if (lastData)
                {
                    _satellite.RemoveFile(plan.BackingFile);
                }
            }
            else
            {
                var device = await _satellite.EnsureAsync(plan, cancellationToken);
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
            return false;
        }

        lock (_lock)
        {
            if (_state.Definition(name) is { } definition)
            {
                definition.Resources.RemoveAll(resource => Names.Same(resource.Node, node));
                definition.Connections.RemoveAll(connection => Names.Same(connection.NodeA, node) || Names.Same(connection.NodeB, node));
                Save();
            }
        }

        return true;
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

    /// <summary>What a guest gets: LVM rounds up to extents unless told to be exact; DRBD hides its metadata and gives exactly what was asked.</summary>
    private static long UsableKib(DefinitionRow definition, VolumeDefinitionRow volume) =>
        definition.Drbd || IsExact(definition) ? volume.SizeKib : RoundUp(volume.SizeKib, ExtentKib);

    private static bool IsExact(DefinitionRow definition) =>
        definition.Props.TryGetValue("DrbdOptions/ExactSize", out var exact) && bool.TryParse(exact, out var value) && value;

    /// <summary>DRBD's gross size with internal metadata: activity log and superblock, and a bitmap per peer.</summary>
    private static long GrossKib(DefinitionRow definition, VolumeDefinitionRow volume) =>
        definition.Drbd ? volume.SizeKib + 40 + (definition.PeerSlots * RoundUp((volume.SizeKib + 32767) / 32768, 4)) : volume.SizeKib;

    private static long RoundUp(long value, long step) => (value + step - 1) / step * step;

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
