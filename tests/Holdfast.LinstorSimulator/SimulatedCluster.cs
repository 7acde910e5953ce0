using Holdfast.LinstorSimulation.Cluster;
using Holdfast.LinstorSimulation.Devices;

namespace Holdfast.LinstorSimulation;

/// <summary>The cluster past its REST API: what an experimenter does to nodes, and what is really there. Calls need a running controller unless they say otherwise.</summary>
public sealed class SimulatedCluster
{
    private readonly LinstorSimulator _simulator;
    private readonly SimulatorSwitches _switches;

    internal SimulatedCluster(LinstorSimulator simulator, SimulatorSwitches switches)
    {
        _simulator = simulator;
        _switches = switches;
    }

    private Controller Running => _simulator.Controller ?? throw new InvalidOperationException("The simulated controller does not run.");

    /// <summary>Connects or disconnects a satellite; when it comes back, what lingered is carried out before the call returns. False: no such node.</summary>
    public Task<bool> SetNodeOnlineAsync(string node, bool online, CancellationToken cancellationToken = default) => Running.SetOnlineAsync(node, online, cancellationToken);

    /// <summary>Makes a satellite answer pings and nothing else: what needs it hangs, what the controller knows by itself is answered. Works without a controller too.</summary>
    public void SetNodeStuck(string node, bool stuck) => _switches.SetStuck(node, stuck);

    /// <summary>Whether a satellite is switched to stuck.</summary>
    public bool IsNodeStuck(string node) => _switches.IsStuck(node);

    /// <summary>Opens or closes a DRBD-like resource on a simulated node, as a guest there would. Null: done; else why not.</summary>
    public async Task<string?> SetOpenAsync(string resource, string node, bool open, CancellationToken cancellationToken = default) =>
        await Running.SetOpenAsync(resource, node, open, cancellationToken) switch
        {
            Controller.OpenResult.Done => null,
            Controller.OpenResult.NoSuchResource => $"There is no DRBD resource '{resource}' on node '{node}'.",
            Controller.OpenResult.NodeIsReal => $"Node '{node}' is this machine: open its device.",
            _ => $"Resource '{resource}' is primary elsewhere and two primaries are not allowed.",
        };

    /// <summary>Pairs of nodes that had a resource open at once although nothing allowed it, one line each.</summary>
    public IReadOnlyList<string> Violations => [.. Running.Violations().Select(static row => $"{row.Resource} {string.Join(' ', row.Nodes)} {row.At:O}")];

    /// <summary>Two-primaries settings in force although nobody migrates: <c>resource</c> or <c>resource nodeA nodeB</c>.</summary>
    public IReadOnlyList<string> TwoPrimariesLeftovers => Running.Leftovers();

    /// <summary>The volumes with real devices, as the host has them; works without a controller too.</summary>
    public IReadOnlyList<SimulatedVolume> Volumes
    {
        get
        {
            if (_simulator.Devices == DeviceMode.None)
            {
                return [];
            }

            var open = OpenDevices.Scan();
            return
            [
                .. LoopDevices.Under(_simulator.StateFolderPath).Select(found => new SimulatedVolume(
                    Path.GetFileNameWithoutExtension(found.File)[..^6], found.Device, found.File, LoopDevices.Size(found.Device), open.Mode(found.Device) != OpenMode.Closed)),
            ];
        }
    }
}
