using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>One thing that follows for a VM. A closed hierarchy; carried out in order, in one transaction.</summary>
public abstract record VmAction
{
    private protected VmAction()
    {
    }

    /// <summary>Enters a state.</summary>
    /// <param name="State">The state.</param>
    /// <param name="Condition">What operators read about it.</param>
    public sealed record MoveTo(VmState State, string? Condition = null) : VmAction;

    /// <summary>Changes only what operators read.</summary>
    /// <param name="Condition">The text.</param>
    public sealed record Note(string? Condition) : VmAction;

    /// <summary>Takes a place and pools for volumes that had none.</summary>
    /// <param name="Host">The host.</param>
    /// <param name="Incarnation">Its installation.</param>
    /// <param name="Pools">Pools by volume.</param>
    public sealed record Place(HostId Host, IncarnationId Incarnation, IReadOnlyDictionary<VolumeId, PoolId> Pools) : VmAction;

    /// <summary>Gives a volume its pool, apart from the VM's place.</summary>
    /// <param name="Volume">The volume.</param>
    /// <param name="Pool">The pool.</param>
    /// <param name="Incarnation">Who is to make it.</param>
    public sealed record PlaceVolume(VolumeId Volume, PoolId Pool, IncarnationId Incarnation) : VmAction;

    /// <summary>Finds the template on the volume's pool, or has it imported there.</summary>
    /// <param name="Volume">The volume.</param>
    /// <param name="Incarnation">Who is to import it.</param>
    public sealed record WantTemplate(VolumeId Volume, IncarnationId Incarnation) : VmAction;

    /// <summary>Forgets a failed copy, so that the next start looks again.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record DropTemplate(VolumeId Volume) : VmAction;

    /// <summary>Has a volume made at its pool.</summary>
    /// <param name="Volume">The volume.</param>
    /// <param name="Incarnation">Who is to make it.</param>
    public sealed record MakeVolume(VolumeId Volume, IncarnationId Incarnation) : VmAction;

    /// <summary>The backend confirmed the volume.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record VolumeMade(VolumeId Volume) : VmAction;

    /// <summary>The volume could not be made; nothing of it is left.</summary>
    /// <param name="Volume">The volume.</param>
    /// <param name="Why">Why.</param>
    public sealed record VolumeNotMade(VolumeId Volume, string Why) : VmAction;

    /// <summary>The backend confirmed the new size, or did not.</summary>
    /// <param name="Volume">The volume.</param>
    /// <param name="Error">Null: confirmed.</param>
    public sealed record VolumeResized(VolumeId Volume, string? Error) : VmAction;

    /// <summary>Grants writer leases and tells the host to run the machine, as a new generation.</summary>
    public sealed record RunMachine : VmAction;

    /// <summary>Tells the host the machine's present disks, as a new generation that the jobs then wait for.</summary>
    /// <param name="Jobs">Jobs that wait for it.</param>
    public sealed record UpdateMachine(IReadOnlyList<JobId> Jobs) : VmAction;

    /// <summary>Tells the host to stop the machine, as a new generation that the jobs then wait for.</summary>
    /// <param name="Jobs">Jobs that wait for it.</param>
    public sealed record StopMachine(IReadOnlyList<JobId> Jobs) : VmAction;

    /// <summary>Has jobs wait for the generation that the host was told last.</summary>
    /// <param name="Jobs">The jobs.</param>
    public sealed record JoinStop(IReadOnlyList<JobId> Jobs) : VmAction;

    /// <summary>Tells operators, once, that the guest is to end and cannot be killed.</summary>
    /// <param name="Text">What is known about it.</param>
    public sealed record TellStuck(string Text) : VmAction;

    /// <summary>Tells users and operators, once, that the guest of a running VM stands still.</summary>
    /// <param name="Text">Why, with what is in the way and what helps.</param>
    public sealed record TellPaused(string Text) : VmAction;

    /// <summary>Tells that it goes on.</summary>
    /// <param name="Text">Where.</param>
    public sealed record TellResumed(string Text) : VmAction;

    /// <summary>The guest is confirmed gone: ends its writer leases, gives up its place, has the host forget it.</summary>
    public sealed record GuestGone : VmAction;

    /// <summary>A start succeeded.</summary>
    public sealed record Started : VmAction;

    /// <summary>The running guest has the size that the VM was given.</summary>
    public sealed record Scaled : VmAction;

    /// <summary>The VM has the service offering and the size again that it had before it was given another one.</summary>
    public sealed record ScaleBack : VmAction;

    /// <summary>The running guest holds more than the VM has: that counts until the guest ends.</summary>
    /// <param name="Amounts">What it holds.</param>
    public sealed record HoldMore(VmAmounts Amounts) : VmAction;

    /// <summary>The guest has the volume.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record FinishAttach(VolumeId Volume) : VmAction;

    /// <summary>The attach failed: the volume is free again.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record UndoAttach(VolumeId Volume) : VmAction;

    /// <summary>The guest gave the volume up: it is free, its writer lease ends.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record FinishDetach(VolumeId Volume) : VmAction;

    /// <summary>The detach failed: the volume stays.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record UndoDetach(VolumeId Volume) : VmAction;

    /// <summary>Has the guest of a running VM stopped to give the VM another root disk, and started again afterwards.</summary>
    public sealed record StopToReplace : VmAction;

    /// <summary>A new root disk takes the place of the present one, which ends as was asked for.</summary>
    /// <param name="Old">The present one; null: there is none.</param>
    /// <param name="New">The new one.</param>
    /// <param name="Job">The job that asked for it.</param>
    public sealed record ReplaceRoot(VolumeId? Old, VolumeId New, JobId Job) : VmAction;

    /// <summary>A new root disk is not to be had, or not wanted any more: the VM stays as it is.</summary>
    /// <param name="New">The new one.</param>
    public sealed record DropReplacement(VolumeId New) : VmAction;

    /// <summary>Marks a volume destroyed with its VM; recoverable.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record DestroyVolume(VolumeId Volume) : VmAction;

    /// <summary>Has a volume deleted through a ledger.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record DeleteVolume(VolumeId Volume) : VmAction;

    /// <summary>Frees a data disk of a VM that goes.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record ReleaseVolume(VolumeId Volume) : VmAction;

    /// <summary>Ends a job well.</summary>
    /// <param name="Job">The job.</param>
    public sealed record CompleteJob(JobId Job) : VmAction;

    /// <summary>Ends a job badly.</summary>
    /// <param name="Job">The job.</param>
    /// <param name="Fault">Why.</param>
    public sealed record FailJob(JobId Job, PlanFault Fault) : VmAction;

    /// <summary>The VM is gone from view.</summary>
    public sealed record Remove : VmAction;

    /// <summary>Tells operators and users.</summary>
    /// <param name="Type">CloudStack's event type, or one of ours.</param>
    /// <param name="Level">How grave.</param>
    /// <param name="Text">What happened.</param>
    public sealed record Tell(string Type, EventLevel Level, string Text) : VmAction;
}
