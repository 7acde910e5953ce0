using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>One thing that follows for a volume that is attached to no VM. A closed hierarchy.</summary>
public abstract record VolumeAction
{
    private protected VolumeAction()
    {
    }

    /// <summary>The backend confirmed the volume.</summary>
    public sealed record Made : VolumeAction;

    /// <summary>The volume could not be made; nothing of it is left.</summary>
    /// <param name="Why">Why.</param>
    public sealed record NotMade(string Why) : VolumeAction;

    /// <summary>The backend confirmed the new size, or did not.</summary>
    /// <param name="Error">Null: confirmed.</param>
    public sealed record Resized(string? Error) : VolumeAction;

    /// <summary>The backend confirmed the deletion.</summary>
    public sealed record Expunged : VolumeAction;

    /// <summary>Has it deleted through a ledger.</summary>
    public sealed record Delete : VolumeAction;

    /// <summary>Ends a job well.</summary>
    /// <param name="Job">The job.</param>
    public sealed record CompleteJob(JobId Job) : VolumeAction;

    /// <summary>Ends a job badly.</summary>
    /// <param name="Job">The job.</param>
    /// <param name="Fault">Why.</param>
    public sealed record FailJob(JobId Job, PlanFault Fault) : VolumeAction;
}

/// <summary>Decides what follows for a volume that no VM has; and for every volume that is being deleted. Level-triggered, as <see cref="VmPlanner"/>.</summary>
public static class VolumePlanner
{
    /// <summary>Decides.</summary>
    /// <param name="volume">The volume with its jobs.</param>
    /// <param name="now">The time.</param>
    /// <returns>What follows, in order; empty: nothing now.</returns>
    public static IReadOnlyList<VolumeAction> Plan(VolumeFacts volume, DateTimeOffset now)
    {
        var actions = new List<VolumeAction>();
        switch (volume)
        {
            case { State: VolumeState.Creating, Task: { Kind: WorkKind.EnsureVolume, State: WorkState.Done } }:
                actions.Add(new VolumeAction.Made());
                break;
            case { State: VolumeState.Creating, Task: null or { State: WorkState.Failed or WorkState.Withdrawn } }:
                actions.Add(new VolumeAction.NotMade(volume.Task?.Error ?? "the task was withdrawn"));
                break;
            case { State: VolumeState.Resizing, Task: null or { State: not WorkState.Pending } }:
                var error = volume.Task is { State: WorkState.Done } ? null : volume.Task?.Error ?? "the task was withdrawn";
                actions.Add(new VolumeAction.Resized(error));
                foreach (var job in volume.Jobs.Where(j => j.Kind == JobKind.ResizeVolume))
                {
                    actions.Add(error is null
                        ? new VolumeAction.CompleteJob(job.Id)
                        : new VolumeAction.FailJob(
                            job.Id,
                            new PlanFault(PlanFaultKind.Runtime, $"Volume {volume.Name} ({volume.Id}) on storage pool {volume.PoolName} ({volume.PoolId}) could not be resized: {error}")));
                }

                break;
            case { State: VolumeState.Expunging, Task: { Kind: WorkKind.DeleteVolume, State: WorkState.Done } }:
                actions.Add(new VolumeAction.Expunged());
                break;
            case { State: VolumeState.Expunging, Task: null or { Kind: not WorkKind.DeleteVolume } or { State: WorkState.Withdrawn } }:
                actions.Add(new VolumeAction.Delete());
                break;
            default:
                foreach (var job in volume.Jobs.Where(j => j.Deadline <= now))
                {
                    actions.Add(new VolumeAction.FailJob(
                        job.Id,
                        new PlanFault(PlanFaultKind.TimedOut, $"Volume {volume.Name} ({volume.Id}) on storage pool {volume.PoolName} ({volume.PoolId}) is in state {volume.State}; no answer in time")));
                }

                break;
        }

        return actions;
    }
}
