using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

// What is answered of the work of satellites that the simulator does in one piece.
internal sealed partial class Controller
{
    /// <summary>What the satellites answer to one of the three rounds of a snapshot: prepare and suspend, take, resume and end.</summary>
    private void TellSnapshotRound(string name, string snapshot, Answer answer, bool suspended = false, bool taken = false)
    {
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Snapshot(snapshot) is not { } row)
            {
                return;
            }

            foreach (var resource in definition.Resources)
            {
                foreach (var volume in row.Volumes)
                {
                    if (resource.Pool is { } pool && _state.Pool(resource.Node, pool) is { File: true })
                    {
                        answer.Note(ReturnCodes.Volume, ReturnCodes.Modified, $"Volume number {volume.Number} of resource '{name}' adjusted", null, null, ("VlmNr", $"{volume.Number}"));
                    }

                    if (taken && row.Nodes.Contains(resource.Node))
                    {
                        answer.Note(ReturnCodes.Snapshot, ReturnCodes.Created, $"Snapshot '{snapshot}' of volume {volume.Number} of '{name}' created", null, null, ("VlmNr", $"{volume.Number}"));
                    }
                }

                if (definition.Drbd)
                {
                    answer.Note(ReturnCodes.Resource, ReturnCodes.Modified, $"Resource '{name}' [DRBD] adjusted.");
                    if (suspended)
                    {
                        answer.Note(ReturnCodes.Snapshot, 0, $"Suspended IO of '{name}' on '{resource.Node}' for snapshot", cause: "A snapshot is to be taken.");
                    }
                }

                answer.Success(ReturnCodes.Modified, $"Snapshot '{snapshot}' of '{name}' on '{resource.Node}': done");
            }
        }
    }

    /// <summary>What is answered when a clone has begun: its properties, a resource and a volume on each node, and the satellites' rounds.</summary>
    private static void TellClone(DefinitionRow clone, CloneRequest request, Answer answer)
    {
        answer.Properties([.. (request.OverrideProps ?? []).Keys], request.DeleteProps ?? []);
        foreach (var resource in clone.Resources)
        {
            answer.Success(ReturnCodes.Created, $"Resource '{clone.Name}' on node '{resource.Node}' created.", $"Resource UUID is: {resource.Uuid}", ("UUID", resource.Uuid));
            foreach (var volume in resource.Volumes)
            {
                answer.Note(
                    ReturnCodes.Volume,
                    ReturnCodes.Created,
                    $"Volume {volume.Number} of '{clone.Name}' on node '{resource.Node}' created.",
                    $"Volume UUID is: {volume.Uuid}",
                    null,
                    ("VlmNr", $"{volume.Number}"),
                    ("Node", resource.Node));
            }
        }

        foreach (var resource in clone.Resources)
        {
            foreach (var volume in resource.Volumes.Where(_ => !resource.Diskless))
            {
                answer.Note(ReturnCodes.Volume, ReturnCodes.Created, $"Volume number {volume.Number} of resource '{clone.Name}' created", null, null, ("VlmNr", $"{volume.Number}"));
            }

            if (clone.Drbd)
            {
                answer.Note(ReturnCodes.Resource, ReturnCodes.Modified, $"Resource '{clone.Name}' [DRBD] adjusted.");
            }

            answer.Success(ReturnCodes.Modified, $"Resource '{clone.Name}' on node '{resource.Node}' is as it should be");
        }

        if (clone.Drbd)
        {
            answer.Note(ReturnCodes.Modify | ReturnCodes.Resource, ReturnCodes.Modified, $"Resource '{clone.Name}' [DRBD] adjusted.");
        }
    }

    /// <summary>What is answered of a snapshot's deletion, and that it is gone when no satellite has it any more.</summary>
    private Answer TellDeleted(string name, SnapshotRow snapshot, List<string> nodes, Answer answer)
    {
        lock (_lock)
        {
            foreach (var node in nodes.Except(snapshot.Nodes))
            {
                foreach (var volume in snapshot.Volumes)
                {
                    answer.Note(ReturnCodes.Snapshot, ReturnCodes.Deleted, $"Snapshot '{snapshot.Name}' of volume {volume.Number} of '{name}' on '{node}' deleted", null, null, ("VlmNr", $"{volume.Number}"));
                }

                answer.Success(ReturnCodes.Modified, $"Snapshot '{snapshot.Name}' of '{name}' on '{node}': done");
            }

            return snapshot.Nodes.Count > 0 ? answer : answer
                .Success(ReturnCodes.Deleted, $"Snapshot '{snapshot.Name}' of '{name}' deleted on all nodes")
                .Success(ReturnCodes.Deleted, $"Snapshot '{snapshot.Name}' of '{name}' deleted.", $"Snapshot definition UUID is: {snapshot.Uuid}", ("UUID", snapshot.Uuid));
        }
    }

    /// <summary>A snapshot's own properties, with those of its definition where they are told together.</summary>
    private static Dictionary<string, string> SnapshotProps(DefinitionRow definition, SnapshotRow row, bool withDefinition) => new(
        (withDefinition ? row.DefinitionProps : []).Concat(row.Props).Concat(
        [
            new("BackupShipping/BackupNodeIdsToReset", ""),
            new("SequenceNumber", $"{definition.Snapshots.IndexOf(row) + 1}"),
        ]).DistinctBy(static pair => pair.Key));
}
