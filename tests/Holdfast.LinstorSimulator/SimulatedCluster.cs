using Holdfast.LinstorSimulation.Cluster;
using Holdfast.LinstorSimulation.Devices;
using Holdfast.LinstorSimulation.Drbd;

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

    /// <summary>Disconnects a satellite with one of LINSTOR's words for why, <c>DUPLICATE_UNAME</c> for example. False: no such node.</summary>
    public Task<bool> SetNodeOfflineAsync(string node, string status, CancellationToken cancellationToken = default) => Running.SetOnlineAsync(node, false, cancellationToken, status);

    /// <summary>
    /// Freezes a satellite: it answers nothing any more. Who waits for it fails, and it is offline, when the controller gives it up 5 s later. Thawed, it is online at once.
    /// Works without a controller too.
    /// </summary>
    public async Task SetNodeFrozenAsync(string node, bool frozen, CancellationToken cancellationToken = default)
    {
        _switches.SetFrozen(node, frozen);
        if (!frozen && _simulator.Controller is { } controller)
        {
            await controller.SetOnlineAsync(node, true, cancellationToken);
        }
    }

    /// <summary>The satellite is lost in the middle of the next thing it is given to do; it is offline then, until it is switched online.</summary>
    public void SetNodeDiesAtWork(string node) => _switches.SetDiesAtWork(node);

    /// <summary>Whether udev makes <c>drbd/by-res</c> on a node; <c>drbdNNNN</c> is there in any case. Takes away or makes the links of what is there. False: no such node.</summary>
    public Task<bool> SetByResLinksAsync(string node, bool made, CancellationToken cancellationToken = default) => Running.SetByResLinksAsync(node, made, cancellationToken);

    /// <summary>
    /// What DRBD's kernel module on a node holds of a resource, whether a controller runs or not; what is null stays. See <see cref="DrbdSwitch"/>. False: no such resource there.
    /// </summary>
    public bool SetDrbd(string resource, string node, DrbdSwitch wanted) => DrbdSwitch.Apply(_simulator.StateFolderPath, resource, node, wanted);

    /// <summary>What became of a write that was pending on a node: <c>pending</c>, <c>failed</c>, or <c>none</c>.</summary>
    public string WriteState(string resource, string node) => DrbdSwitch.WriteState(_simulator.StateFolderPath, resource, node);

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
            Controller.OpenResult.FailsIo => $"Resource '{resource}' on node '{node}' was made secondary by force and fails all I/O until its last opener closes it.",
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
