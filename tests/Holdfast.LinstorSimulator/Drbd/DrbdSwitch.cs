using Holdfast.LinstorSimulation.Cluster;

namespace Holdfast.LinstorSimulation.Drbd;

/// <summary>
/// What an experimenter changes in DRBD's kernel module on one node. A value that is not given stays as it is. With no connection to most of the peers quorum is lost, and
/// with <c>DrbdOptions/Resource/on-no-quorum=suspend-io</c> the I/O of one that is open is suspended.
/// </summary>
public sealed record DrbdSwitch
{
    /// <summary>Whether somebody suspended I/O, as <c>drbdsetup suspend-io</c> and a snapshot do.</summary>
    public bool? Suspended { get; init; }

    /// <summary>A write of the opener that waits. It fails when the resource is made secondary by force, and is over when the opener closes.</summary>
    public bool? WritePending { get; init; }

    /// <summary>Connections by peer: <c>connected</c>, <c>cut</c> (the network) or <c>disconnected</c> (in order).</summary>
    public Dictionary<string, string>? Peers { get; init; }

    internal static bool Apply(string stateFolder, string resource, string node, DrbdSwitch wanted)
    {
        if (Find(stateFolder, resource, node) is not { } definition)
        {
            return false;
        }

        var peers = (wanted.Peers ?? []).ToDictionary(
            pair => definition.Resource(pair.Key)?.Node ?? throw new InvalidOperationException($"Resource '{definition.Name}' is not on node '{pair.Key}'."),
            static pair => pair.Value switch
            {
                "connected" => (DownConnection?)null,
                "cut" => DownConnection.Cut,
                "disconnected" => DownConnection.Disconnected,
                _ => throw new InvalidOperationException($"A connection is connected, cut or disconnected, not '{pair.Value}'."),
            });
        var kernel = new DrbdKernel(stateFolder);
        node = definition.Resource(node)!.Node;
        if (wanted.Suspended is { } suspended)
        {
            kernel.Set(KernelFact.SuspendedUser, node, definition.Name, suspended);
        }

        if (wanted.WritePending is { } pending)
        {
            kernel.Set(KernelFact.WritePending, node, definition.Name, pending);
        }

        foreach (var (peer, down) in peers)
        {
            kernel.SetDown(node, definition.Name, peer, down);
        }

        return true;
    }

    internal static string WriteState(string stateFolder, string resource, string node)
    {
        var kernel = new DrbdKernel(stateFolder);
        return kernel.Has(KernelFact.WritePending, node, resource) ? "pending" : kernel.Has(KernelFact.WriteFailed, node, resource) ? "failed" : "none";
    }

    private static DefinitionRow? Find(string stateFolder, string resource, string node)
    {
        using var folder = StateFolder.Look(stateFolder);
        return folder.Load()?.Definition(resource) is { Drbd: true } definition && definition.Resource(node) is not null ? definition : null;
    }
}
