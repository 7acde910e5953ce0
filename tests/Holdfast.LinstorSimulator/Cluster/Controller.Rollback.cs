using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    private const string SafetyPrefix = "safety-snap-";

    /// <summary>Since then a rollback deletes the resources and restores the snapshot; before, the data is put back in place.</summary>
    private static readonly Version RollbackByRestoreSince = new(1, 25, 0);

    /// <summary>Since then such a rollback puts the volumes' sizes back, and one that the controller's end cut off is taken back by the next controller.</summary>
    private static readonly Version RollbackWithSizesSince = new(1, 25, 1);

    /// <summary>
    /// Puts a resource's data back to a snapshot's: a safety snapshot, all resources deleted, the snapshot restored with its properties and sizes, the safety snapshot
    /// deleted, and what other nodes had made available again.
    /// </summary>
    public async Task<Answer> RollbackAsync(string name, string snapshotName, CancellationToken cancellationToken)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.Snapshot);
        if (_restVersion < RollbackByRestoreSince)
        {
            return await RollbackInPlaceAsync(name, snapshotName, answer, cancellationToken);
        }

        Dictionary<string, bool> before;
        lock (_lock)
        {
            if (RollbackProblem(name, snapshotName, answer) is not var (definition, snapshot))
            {
                return answer;
            }

            var holders = definition.Resources.Where(static resource => !resource.Diskless).Select(static resource => resource.Node).ToList();
            if (holders.Count == 0)
            {
                return answer.Fail(ReturnCodes.ResourceNotFound, $"Resource definition '{definition.Name}' has no resource to take a snapshot of.");
            }

            name = definition.Name;
            snapshotName = snapshot.Name;
            before = definition.Resources.ToDictionary(static resource => resource.Node, static resource => !resource.Diskless);
            var safety = NewSnapshot(definition, SafetyPrefix + Random.Shared.GetString("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 10), holders);
            Mark(safety.Flags, Flag.SafetySnapshot);
            definition.Snapshots.Add(safety);
            Save();
        }

        await WhenAllAnswerAsync([], cancellationToken);
        if (!await TakeSafetySnapshotsAsync(name, answer, cancellationToken))
        {
            await DeleteSafetySnapshotAsync(name, answer, cancellationToken);
            return answer;
        }

        answer.Raw(ReturnCodes.Modify | ReturnCodes.Snapshot | ReturnCodes.Created, $"Safety snapshot of '{name}' taken.");
        await DieWhenToldAsync(FaultKind.DieAfterSafetySnapshot, name, snapshotName, cancellationToken);
        if (!await DeleteResourcesAsync(name, answer, cancellationToken))
        {
            // What could not be deleted stays and is used again; what was deleted comes back from the safety snapshot.
            await UndeleteResourcesAsync(name, answer, cancellationToken);
            await DeleteSafetySnapshotAsync(name, answer, cancellationToken);
            return answer;
        }

        await DieWhenToldAsync(FaultKind.DieAfterResourcesDeleted, name, snapshotName, cancellationToken);
        if (!await RestoreInPlaceAsync(name, snapshotName, () => DieWhenToldAsync(FaultKind.DieBeforeRestore, name, snapshotName, cancellationToken), answer, cancellationToken))
        {
            await RestoreSafetySnapshotAsync(name, NewAnswer(ReturnCodes.Modify, ReturnCodes.Snapshot), cancellationToken);
            await DeleteSafetySnapshotAsync(name, answer, cancellationToken);
            return answer;
        }

        await DieWhenToldAsync(FaultKind.DieBeforeSafetySnapshotDeleted, name, snapshotName, cancellationToken);
        await DeleteSafetySnapshotAsync(name, answer, cancellationToken);
        await RecreateAsync(name, before, answer, cancellationToken);
        return answer;
    }

    /// <summary>
    /// What a controller does at its start when its satellites are connected: a rollback whose safety snapshot is still there is taken back, unless no resource is left,
    /// because then nothing leads to the resource definition.
    /// </summary>
    private async Task TakeBackRollbacksAsync(CancellationToken cancellationToken)
    {
        if (_restVersion < RollbackWithSizesSince)
        {
            return;
        }

        List<(string Name, Dictionary<string, bool> Nodes)> cutOff;
        lock (_lock)
        {
            cutOff =
            [
                .. _state.Definitions
                    .Where(definition => definition.Resources.Count > 0 && definition.Snapshots.Exists(static snapshot => snapshot.IsSafety && !snapshot.Flags.Contains(Flag.Delete))
                        && definition.Resources.TrueForAll(resource => _state.Node(resource.Node) is { Online: true }))
                    .Select(static definition => (definition.Name, definition.Resources.ToDictionary(static resource => resource.Node, static resource => !resource.Diskless))),
            ];
        }

        foreach (var (name, nodes) in cutOff)
        {
            var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.Snapshot);
            await RestoreSafetySnapshotAsync(name, answer, cancellationToken);
            await DeleteSafetySnapshotAsync(name, answer, cancellationToken);
            await RecreateAsync(name, nodes, answer, cancellationToken);
        }
    }

    private async Task<Answer> RollbackInPlaceAsync(string name, string snapshotName, Answer answer, CancellationToken cancellationToken)
    {
        List<(string Source, string Target, long Bytes)> copies;
        lock (_lock)
        {
            if (RollbackProblem(name, snapshotName, answer) is not var (definition, snapshot))
            {
                return answer;
            }

            if (definition.Snapshots[^1] != snapshot)
            {
                return answer.Fail(ReturnCodes.SnapshotDefinitionExists, "Only the newest snapshot can be rolled back to.");
            }

            name = definition.Name;
            copies = [.. SnapshotCopies(name, snapshotName).Select(static copy => (copy.Target, copy.Source, copy.Bytes))];
        }

        await WhenAllAnswerAsync([], cancellationToken);
        using var entered = await EnterAsync(name, cancellationToken);
        try
        {
            foreach (var (source, target, bytes) in copies)
            {
                await _satellite.RollbackAsync(source, target, bytes, cancellationToken);
            }
        }
        catch (IOException problem)
        {
            return answer.Fail(ReturnCodes.UnknownError, problem.Message, reports: [Report("Controller", problem.Message, problem)]);
        }

        return answer.Success(ReturnCodes.Modified, $"Rolled back resource '{name}' to snapshot '{snapshotName}'.");
    }

    private (DefinitionRow Definition, SnapshotRow Snapshot)? RollbackProblem(string name, string snapshotName, Answer answer)
    {
        if (_state.Definition(name) is not { } definition)
        {
            answer.Fail(ReturnCodes.DefinitionNotFound, $"Resource definition '{name}' not found.");
            return null;
        }

        if (definition.Snapshot(snapshotName) is not { } snapshot)
        {
            answer.Fail(ReturnCodes.SnapshotDefinitionNotFound, $"Snapshot '{snapshotName}' of resource '{name}' not found.");
            return null;
        }

        if (!snapshot.Flags.Contains(Flag.Successful))
        {
            answer.Fail(ReturnCodes.SnapshotNotUpToDate, $"Snapshot '{snapshot.Name}' of '{definition.Name}' was not taken successfully.");
            return null;
        }

        if (definition.Resources.Find(resource => _state.Node(resource.Node) is not { Online: true }) is { } away)
        {
            answer.Fail(ReturnCodes.NotConnected, $"No active connection to satellite '{away.Node}'.");
            return null;
        }

        if (Primaries(definition) is { Count: > 0 } primaries)
        {
            answer.Fail(ReturnCodes.InUse, $"Resource '{definition.Name}' on node '{primaries[0]}' is in use.");
            return null;
        }

        return (definition, snapshot);
    }

    private async Task DieWhenToldAsync(FaultKind point, string name, string snapshot, CancellationToken cancellationToken)
    {
        if (_switches.Faults.Hit("POST", $"/v1/resource-definitions/{name}/snapshot-rollback/{snapshot}", kind => kind == point) is not null)
        {
            _switches.Kill();
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken);
        }
    }

    private async Task<bool> TakeSafetySnapshotsAsync(string name, Answer answer, CancellationToken cancellationToken)
    {
        List<string> untaken;
        lock (_lock)
        {
            untaken = [.. (_state.Definition(name)?.Snapshots ?? []).Where(static snapshot => snapshot.IsSafety && snapshot.Flags.Count == 1).Select(static snapshot => snapshot.Name)];
        }

        try
        {
            await SuspendIoAsync([name], cancellationToken);
        }
        catch (Devices.SatelliteLostException problem)
        {
            ResumeIo([name]);
            answer.Fail(ReturnCodes.UnknownError, problem.Message, reports: [Report(problem)]);
            return false;
        }

        var taken = true;
        foreach (var snapshot in untaken)
        {
            taken = taken && await TakeAsync(name, snapshot, answer, cancellationToken);
        }

        ResumeIo([name]);
        return taken;
    }

    /// <summary>Deletes all resources and keeps the definition: first those without data, because DRBD needs the others for them.</summary>
    private async Task<bool> DeleteResourcesAsync(string name, Answer answer, CancellationToken cancellationToken)
    {
        answer.Success(ReturnCodes.Deleted, $"Resources of '{name}' marked for deletion.");
        foreach (var diskless in new[] { true, false })
        {
            lock (_lock)
            {
                if (_state.Definition(name) is not { } definition)
                {
                    return false;
                }

                foreach (var resource in definition.Resources.Where(resource => !diskless || resource.Diskless))
                {
                    MarkDeleted(definition, resource);
                }

                Save();
            }

            await DeployAsync(name, answer, cancellationToken);
        }

        lock (_lock)
        {
            return _state.Definition(name) is { Resources.Count: 0 };
        }
    }

    private async Task UndeleteResourcesAsync(string name, Answer answer, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            foreach (var resource in _state.Definition(name)?.Resources ?? [])
            {
                resource.Flags.Remove(Flag.Delete);
                resource.Flags.Remove(Flag.DrbdDelete);
            }

            Save();
        }

        await DeployAsync(name, answer, cancellationToken);
    }

    /// <summary>Puts the volumes' sizes back to a snapshot's, then restores it into its own definition, which has no resources.</summary>
    private async Task<bool> RestoreInPlaceAsync(string name, string snapshotName, Func<Task> between, Answer answer, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_restVersion >= RollbackWithSizesSince && _state.Definition(name) is { } definition && definition.Snapshot(snapshotName) is { } snapshot)
            {
                foreach (var volume in definition.Volumes)
                {
                    volume.SizeKib = snapshot.Volumes.Find(one => one.Number == volume.Number)?.SizeKib ?? volume.SizeKib;
                }

                Save();
            }
        }

        await between();
        lock (_lock)
        {
            if (_state.Definition(name) is not { } definition || definition.Snapshot(snapshotName) is not { } snapshot)
            {
                answer.Fail(ReturnCodes.SnapshotDefinitionNotFound, $"Snapshot '{snapshotName}' of resource '{name}' not found.");
                return false;
            }

            if (definition.Resources.Count > 0)
            {
                answer.Fail(ReturnCodes.ResourceExists, $"Resource definition '{name}' already has resources.");
                return false;
            }

            if (!PlaceRestored(definition, snapshot, definition, new SnapshotRestore(), answer))
            {
                return false;
            }

            Save();
        }

        await RestoreDataAsync(name, answer, cancellationToken);
        await DeployAsync(name, answer, cancellationToken);
        return !answer.HasErrors;
    }

    private async Task RestoreSafetySnapshotAsync(string name, Answer answer, CancellationToken cancellationToken)
    {
        if (Safety(name) is { } safety && await DeleteResourcesAsync(name, answer, cancellationToken))
        {
            await RestoreInPlaceAsync(name, safety, static () => Task.CompletedTask, answer, cancellationToken);
        }
    }

    /// <summary>Deletes one safety snapshot, the first that is found: when there are more, the others stay.</summary>
    private async Task DeleteSafetySnapshotAsync(string name, Answer answer, CancellationToken cancellationToken)
    {
        if (Safety(name) is { } safety)
        {
            var deleted = await DeleteSnapshotAsync(name, safety, cancellationToken);
            foreach (var entry in deleted.Entries)
            {
                answer.Raw((entry.RetCode & ~ReturnCodes.OperationMask) | ReturnCodes.Modify, entry.Message ?? string.Empty);
            }
        }
    }

    private string? Safety(string name)
    {
        lock (_lock)
        {
            return _state.Definition(name)?.Snapshots.Find(static snapshot => snapshot.IsSafety)?.Name;
        }
    }

    private async Task RecreateAsync(string name, Dictionary<string, bool> nodes, Answer answer, CancellationToken cancellationToken)
    {
        foreach (var (node, diskful) in nodes)
        {
            answer.Append(await MakeAvailableAsync(name, node, new ResourceMakeAvailable { Diskful = diskful }, cancellationToken));
        }
    }
}
