using Holdfast.LinstorSimulation.Api;
using Holdfast.LinstorSimulation.Drbd;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    /// <summary>
    /// Suspends the I/O of every replica of DRBD resources, as the satellites do before a snapshot is taken; waits for all of them. A controller that is killed meanwhile
    /// leaves it suspended.
    /// </summary>
    private async Task SuspendIoAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        var replicas = Replicas(names);
        foreach (var (name, node) in replicas.Where(replica => !_switches.IsStuck(replica.Node)))
        {
            _kernel.Set(KernelFact.SuspendedUser, node, name, true);
        }

        foreach (var (name, node) in replicas)
        {
            await _switches.WhenAnsweringAsync(node, cancellationToken);
            _kernel.Set(KernelFact.SuspendedUser, node, name, true);
        }

        await _switches.Faults.WaitUntilAsync(static faults => !faults.Has(FaultKind.SnapshotNeverTaken), cancellationToken);
    }

    /// <summary>Lets the I/O of every replica go on again where the satellite can be told.</summary>
    private void ResumeIo(params IReadOnlyCollection<string> names)
    {
        foreach (var (name, node) in Replicas(names))
        {
            ResumeIo(name, node);
        }
    }

    private void ResumeIo(string name, string node)
    {
        if (!_kernel.IsUsual)
        {
            _kernel.Set(KernelFact.SuspendedUser, node, name, false);
        }
    }

    /// <summary>A satellite was lost before the snapshots were taken: they never will be, and the I/O of the others goes on.</summary>
    private Answer GiveUpSnapshots(List<(string Resource, string Snapshot)> rows, Exception problem, Answer answer)
    {
        lock (_lock)
        {
            foreach (var (resource, snapshot) in rows)
            {
                if (_state.Definition(resource)?.Snapshot(snapshot) is { } row)
                {
                    Mark(row.Flags, Flag.FailedDisconnect);
                }
            }

            Save();
        }

        ResumeIo([.. rows.Select(static row => row.Resource)]);
        return answer.Fail(ReturnCodes.UnknownError, problem.Message, details: "The snapshot was given up.", reports: [Report(problem)]);
    }

    private List<(string Name, string Node)> Replicas(IReadOnlyCollection<string> names)
    {
        lock (_lock)
        {
            return
            [
                .. from name in names
                   let definition = _state.Definition(name)
                   where definition is { Drbd: true }
                   from resource in definition.Resources
                   where _state.Node(resource.Node) is { Online: true }
                   select (definition.Name, resource.Node),
            ];
        }
    }

    private List<string> NodesOf(string name)
    {
        lock (_lock)
        {
            return _state.Definition(name) is { } definition ? [.. definition.Resources.Select(static resource => resource.Node)] : [];
        }
    }

    /// <summary>
    /// Properties changed: every satellite of the resource writes DRBD's configuration anew, which lets suspended I/O go on. Without the controller's own word, as
    /// nothing had to be made.
    /// </summary>
    private async Task AdjustAsync(string name, Answer answer, CancellationToken cancellationToken, int rounds = 1)
    {
        for (var round = 0; round < rounds; round++)
        {
            foreach (var node in NodesOf(name).OrderBy(_switches.IsStuck))
            {
                await AdjustResourceAsync(name, node, answer, cancellationToken);
            }
        }
    }

    private async Task AdjustResourceAsync(string name, string node, Answer answer, CancellationToken cancellationToken)
    {
        List<int> volumes;
        bool drbd;
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Resource(node) is not { } resource || definition.CloneSource is not null)
            {
                return;
            }

            if (_state.Node(node) is not { Online: true })
            {
                WarnNotConnected(node, answer);
                return;
            }

            drbd = definition.Drbd;
            volumes = resource.Pool is { } pool && _state.Pool(node, pool) is { File: true } ? [.. definition.Volumes.Select(static volume => volume.Number)] : [];
        }

        await _switches.WhenAnsweringAsync(node, cancellationToken);
        if (drbd)
        {
            ResumeIo(name, node);
            answer.Note(ReturnCodes.Resource, ReturnCodes.Modified, $"Resource '{name}' [DRBD] adjusted.");
            return;
        }

        foreach (var number in volumes)
        {
            answer.Note(ReturnCodes.Volume, ReturnCodes.Modified, $"Volume number {number} of resource '{name}' adjusted", null, null, ("VlmNr", $"{number}"));
        }
    }

    private static void WarnNotConnected(string node, Answer answer) =>
        answer.Warn(ReturnCodes.WarnNotConnected, $"No active connection to satellite '{node}'.", "The change will be made when the satellite connects.");

    /// <summary>The connection to a satellite was lost.</summary>
    private void Lost(string name)
    {
        lock (_lock)
        {
            if (_state.Node(name) is { Online: true } node)
            {
                node.Online = false;
                Save();
            }
        }
    }
}
