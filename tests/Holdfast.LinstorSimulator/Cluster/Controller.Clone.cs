using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    /// <summary>Begins a clone; its data is copied in the background, and its devices appear when the copy is complete.</summary>
    public async Task<(CloneStarted? Started, Answer Problem)> CloneAsync(string name, CloneRequest request, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.ResourceDefinition, creates: true);
        DefinitionRow clone;

        // Before anything is made it asks for what its thin pools have left.
        await WhenAllAnswerAsync(DataNodesOf(name), cancellationToken);
        lock (_lock)
        {
            if (_state.Definition(name) is not { } source)
            {
                return (null, answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found."));
            }

            var target = request.Name is { Length: > 0 } ? request.Name : request.ExternalName;
            if (!Names.Valid(target))
            {
                return (null, answer.Fail(ReturnCodes.InvalidResourceName, $"The resource name '{target}' is invalid."));
            }

            if (_state.Definition(target!) is not null)
            {
                return (null, answer.Fail(ReturnCodes.DefinitionExists, $"A resource definition with the specified name '{target}' already exists."));
            }

            if (_state.Group(request.ResourceGroup ?? source.Group) is not { } group)
            {
                return (null, answer.Fail(ReturnCodes.ResourceGroupNotFound, $"Resource group '{request.ResourceGroup}' not found."));
            }

            if (LayerProblem(request.LayerList) is { } problem)
            {
                return (null, answer.Fail(ReturnCodes.InvalidLayerStack, problem));
            }

            var holders = source.Resources.Where(static resource => !resource.Diskless && !resource.Deleting).ToList();
            if (!holders.Exists(resource => _state.Node(resource.Node) is { Online: true }))
            {
                return (null, answer.Fail(ReturnCodes.NotConnected, $"No satellite with a replica of '{source.Name}' is connected."));
            }

            if (holders.Find(resource => _state.Pool(resource.Node, resource.Pool!) is { File: true }) is { } file)
            {
                answer.Fail(ReturnCodes.InvalidStorageProvider, $"Clone is not supported for {_state.Pool(file.Node, file.Pool!)!.Kind}", details: $"Storage pool '{file.Pool}' on node '{file.Node}'");
                return (new CloneStarted($"/v1/resource-definitions/{source.Name}/clone/{target}", source.Name, target!, [.. answer.Entries]), answer);
            }

            if (holders.Find(resource => _state.Pool(resource.Node, resource.Pool!) is { Thin: false }) is { } thick)
            {
                return (null, answer.Fail(ReturnCodes.SnapshotsUnsupported, $"Storage pool '{thick.Pool}' on node '{thick.Node}' does not support clones."));
            }

            clone = NewDefinition(target!, group, request.LayerList is { Count: > 0 } layers ? layers : source.Layers, source.PeerSlots, source.Props);
            clone.ExternalName = request.ExternalName;
            ChangeProps(clone.Props, request.OverrideProps, request.DeleteProps, request.DeleteNamespaces, NewAnswer(0, 0));
            clone.CloneSource = source.Name;
            Mark(clone.Flags, Flag.Cloning);
            clone.Volumes.AddRange(source.Volumes.Select(volume => NewVolumeDefinition(clone, volume.Number, volume.SizeKib, volume.Props)));
            foreach (var resource in source.Resources.Where(static resource => !resource.Deleting))
            {
                AddResource(clone, resource.Node, resource.Pool, [.. resource.Flags]);
            }

            _state.Definitions.Add(clone);
            Save();
            TellClone(clone, request, answer);
            name = source.Name;
        }

        Background(token => RunCloneAsync(clone.Name, token));
        return (new CloneStarted($"/v1/resource-definitions/{name}/clone/{clone.Name}", name, clone.Name, [.. answer.Entries]), answer);
    }

    private List<string> DataNodesOf(string name)
    {
        lock (_lock)
        {
            // One that nobody has: no filter would be all nodes.
            return _state.Definition(name) is { } definition ? [.. definition.Resources.Where(static resource => !resource.Diskless).Select(static resource => resource.Node), "-"] : ["-"];
        }
    }

    /// <summary>COMPLETE, CLONING or FAILED; null: no such clone.</summary>
    public CloneStatus? CloneState(string name)
    {
        lock (_lock)
        {
            if (_state.Definition(name) is not { } clone)
            {
                return null;
            }

            if (clone.Flags.Contains(Flag.Failed))
            {
                return new CloneStatus("FAILED");
            }

            if (!clone.Flags.Contains(Flag.Cloning))
            {
                return new CloneStatus("COMPLETE");
            }

            return clone.Resources.Exists(resource => _state.Node(resource.Node) is not { Online: true }) ? new CloneStatus("FAILED") : new CloneStatus("CLONING");
        }
    }

    private async Task RunCloneAsync(string name, CancellationToken cancellationToken)
    {
        await _switches.Faults.WaitUntilAsync(static faults => !faults.Has(FaultKind.CloneNeverFinishes), cancellationToken);
        await WhenAllAnswerAsync([], cancellationToken);
        var copies = new List<(string Source, string Target, long Bytes)>();
        string sourceName;
        lock (_lock)
        {
            if (_state.Definition(name) is not { CloneSource: { } from } clone || _state.Definition(from) is not { } source)
            {
                FailClone(name);
                return;
            }

            sourceName = source.Name;
            foreach (var resource in clone.Resources.Where(static resource => !resource.Diskless))
            {
                copies.AddRange(clone.Volumes.Select(volume => (
                    BackingFile(source, resource.Node, volume.Number), BackingFile(clone, resource.Node, volume.Number), UsableKib(clone, volume) * 1024)));
            }
        }

        var answer = NewAnswer(ReturnCodes.Create, ReturnCodes.ResourceDefinition);
        using (await EnterAsync(sourceName, cancellationToken))
        {
            try
            {
                foreach (var (source, target, bytes) in copies.Distinct())
                {
                    await _satellite.CopyAsync(source, target, bytes, cancellationToken);
                }
            }
            catch (IOException problem)
            {
                Report("Controller", problem.Message, problem);
                FailClone(name);
                return;
            }
        }

        lock (_lock)
        {
            if (_state.Definition(name) is not { Deleting: false } clone)
            {
                return;
            }

            clone.CloneSource = null;
            Save();
        }

        await DeployAsync(name, answer, cancellationToken);
        lock (_lock)
        {
            if (_state.Definition(name) is { } clone)
            {
                clone.Flags.Remove(Flag.Cloning);
                if (answer.HasErrors)
                {
                    Mark(clone.Flags, Flag.Failed);
                }

                Save();
            }
        }
    }

    private void FailClone(string name)
    {
        lock (_lock)
        {
            if (_state.Definition(name) is { } clone)
            {
                clone.CloneSource = null;
                clone.Flags.Remove(Flag.Cloning);
                Mark(clone.Flags, Flag.Failed);
                Save();
            }
        }
    }
}
