using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>
/// Decides what follows for a VM. Level-triggered: it looks at the facts, never at what just happened, so that it may be asked at any time, by any server, after
/// any crash. The caller carries the answer out and asks again until the answer is empty; every answer changes the facts that gave rise to it.
/// </summary>
public static class VmPlanner
{
    /// <summary>How long an expunge waits for backends that were asked and have not answered, before the VM goes from view with its volumes still owed.</summary>
    public static readonly TimeSpan ExpungeGrace = TimeSpan.FromSeconds(15);

    /// <summary>Whether the next answer depends on <see cref="VmFacts.Placement"/>.</summary>
    /// <param name="facts">The facts, without it.</param>
    /// <returns>Whether it must be given.</returns>
    public static bool NeedsPlacement(VmFacts facts) => facts.State switch
    {
        VmState.Starting => facts.Incarnation is null || facts.Volumes.Any(v => v.PoolId is null),
        VmState.Running or VmState.Stopped => facts.Removal == VmRemoval.None && (facts.Volumes.Any(IsWaitingForPlace) || facts.Replacement is { } disk && NeedsPlace(disk)),
        _ => false,
    };

    /// <summary>Decides.</summary>
    /// <param name="facts">The facts.</param>
    /// <returns>What follows, in order; empty: nothing now.</returns>
    public static IReadOnlyList<VmAction> Plan(VmFacts facts)
    {
        var actions = PlanTasks(facts);
        if (actions.Count == 0)
        {
            actions = PlanDeadlines(facts);
        }

        if (actions.Count == 0)
        {
            actions = PlanReplacement(facts);
        }

        if (actions.Count > 0)
        {
            return actions;
        }

        return facts.State switch
        {
            VmState.Starting => PlanStarting(facts),
            VmState.Running => PlanRunning(facts),
            VmState.Stopping => PlanStopping(facts),
            VmState.Stopped => PlanStopped(facts),
            VmState.Destroyed => PlanDestroyed(facts),
            VmState.Expunging => PlanExpunging(facts),
            VmState.Error => PlanError(facts),
            _ => throw new ArgumentOutOfRangeException(nameof(facts), facts.State, "Unknown state."),
        };
    }

    // What finished tasks mean for the volumes, whatever the VM does.
    private static List<VmAction> PlanTasks(VmFacts facts)
    {
        var actions = new List<VmAction>();
        foreach (var volume in facts.Volumes)
        {
            switch (volume)
            {
                case { State: VolumeState.Creating, Task: { Kind: WorkKind.EnsureVolume, State: WorkState.Done } }:
                    actions.Add(new VmAction.VolumeMade(volume.Id));
                    break;
                case { State: VolumeState.Creating, Task: null or { State: WorkState.Failed or WorkState.Withdrawn } }:
                    var why = $"volume {volume.Name} ({volume.Id}) could not be made on storage pool {volume.PoolName} ({volume.PoolId}): {volume.Task?.Error ?? "the task was withdrawn"}";
                    actions.Add(new VmAction.VolumeNotMade(volume.Id, why));
                    if (volume.IsAttaching)
                    {
                        FailVolumeJobs(actions, volume, JobKind.AttachVolume, new PlanFault(PlanFaultKind.Runtime, Sentence(why)));
                        actions.Add(new VmAction.UndoAttach(volume.Id));
                    }
                    else if (facts.State == VmState.Starting && volume is not { Copy.State: TemplateCopyState.Gone, IsFirstTry: true })
                    {
                        // Except when its template had been lost at the backend: then the start goes on with a new copy, once.
                        FailStart(actions, facts, new PlanFault(PlanFaultKind.Runtime, $"Unable to start VM {facts.Name} ({facts.Id}): {why}"));
                        return actions;
                    }

                    break;
                case { State: VolumeState.Resizing, Task: null or { State: not WorkState.Pending } }:
                    var error = volume.Task is { State: WorkState.Done } ? null : volume.Task?.Error ?? "the task was withdrawn";
                    actions.Add(new VmAction.VolumeResized(volume.Id, error));
                    if (error is not null)
                    {
                        FailVolumeJobs(
                            actions,
                            volume,
                            JobKind.ResizeVolume,
                            new PlanFault(PlanFaultKind.Runtime, $"Volume {volume.Name} ({volume.Id}) on storage pool {volume.PoolName} ({volume.PoolId}) could not be resized: {error}"));
                    }

                    break;
                default:
                    break;
            }
        }

        return actions;
    }

    private static List<VmAction> PlanDeadlines(VmFacts facts)
    {
        var actions = new List<VmAction>();
        foreach (var job in facts.Jobs.Where(j => j.Deadline <= facts.Now))
        {
            switch (job.Kind)
            {
                case var kind when (IsStart(kind) || (kind == JobKind.RestoreVm && facts.Replacement is null)) && facts.State == VmState.Starting:
                    // A start that missed its time is withdrawn: nothing starts hours late.
                    FailStart(actions, facts, new PlanFault(PlanFaultKind.TimedOut, $"VM {facts.Name} ({facts.Id}) did not start in time: {WaitingFor(facts)}"));
                    return actions;
                case var kind when kind == JobKind.RestoreVm && facts.Replacement is { } disk:
                    var what = disk.State == VolumeState.Ready ? $"it is in state {facts.State}: {WaitingFor(facts)}" : $"its new root disk: {WaitingForVolumes([disk])}";
                    actions.Add(new VmAction.FailJob(job.Id, new PlanFault(PlanFaultKind.TimedOut, $"VM {facts.Name} ({facts.Id}) was not restored in time, and keeps its root disk: {what}")));
                    break;
                case var kind when kind == JobKind.ScaleVm && facts.State == VmState.Running:
                    FailScaling(actions, facts, job, PlanFaultKind.TimedOut, $"not in time: {WaitingFor(facts)}");
                    break;
                default:
                    // A stop stands and goes on converging; the job tells the truth.
                    actions.Add(new VmAction.FailJob(job.Id, new PlanFault(PlanFaultKind.TimedOut, $"VM {facts.Name} ({facts.Id}) is in state {facts.State}: {WaitingFor(facts)}")));
                    break;
            }
        }

        foreach (var volume in facts.Volumes)
        {
            foreach (var job in volume.Jobs.Where(j => j.Deadline <= facts.Now))
            {
                actions.Add(new VmAction.FailJob(job.Id, new PlanFault(PlanFaultKind.TimedOut, $"Volume {volume.Name} ({volume.Id}): {WaitingFor(facts, volume)}")));
                if (job.Kind == JobKind.AttachVolume && volume.IsAttaching)
                {
                    actions.Add(new VmAction.UndoAttach(volume.Id));
                    UpdateIfRunning(actions, facts);
                }
                else if (job.Kind == JobKind.DetachVolume && volume.IsDetaching)
                {
                    actions.Add(new VmAction.UndoDetach(volume.Id));
                    UpdateIfRunning(actions, facts);
                }
            }
        }

        return actions;
    }

    private static List<VmAction> PlanStarting(VmFacts facts)
    {
        var actions = new List<VmAction>();
        if (facts.Machine is { Wish: MachineWish.Running } machine)
        {
            if (machine.Current is not { } observed)
            {
                return actions;
            }

            if (observed.Phase == MachinePhase.Running)
            {
                actions.Add(new VmAction.Started());
                actions.Add(new VmAction.MoveTo(VmState.Running, observed.Failure));
                CompleteJobs(actions, facts, [JobKind.DeployVm, JobKind.StartVm, .. Restores(facts)]);
            }
            else if (observed.IsGone)
            {
                var why = observed.Failure ?? (observed.IsExpired ? "its time to start had passed" : "the guest ended at once");
                FailJobs(actions, facts, new PlanFault(PlanFaultKind.Runtime, $"Unable to start VM {facts.Name} ({facts.Id}) on host {machine.HostName}: {why}"), [JobKind.DeployVm, JobKind.StartVm, .. Restores(facts)]);
                actions.Add(new VmAction.GuestGone());
                actions.Add(new VmAction.MoveTo(AfterFailedStart(facts), Joined(why, observed.CutOff)));
                TellCutOff(actions, facts, observed);
            }

            return actions;
        }

        if (!facts.Volumes.Any(v => v.Type == VolumeType.Root))
        {
            FailStart(actions, facts, new PlanFault(PlanFaultKind.WrongState, $"Unable to start VM {facts.Name} ({facts.Id}): it has no root volume"));
            return actions;
        }

        if (facts.Volumes.FirstOrDefault(v => v.Missing is not null) is { } missing)
        {
            FailStart(actions, facts, new PlanFault(PlanFaultKind.StorageUnavailable, $"Unable to start VM {facts.Name} ({facts.Id}): {MissingText(missing.Name, missing.Id, missing.PoolName, missing.PoolId, missing.Missing)}"));
            return actions;
        }

        if (NeedsPlacement(facts))
        {
            return PlanPlace(facts);
        }

        var incarnation = facts.Incarnation!.Value;
        foreach (var volume in facts.Volumes)
        {
            PlanVolume(actions, volume, incarnation, out var fault);
            if (fault is not null)
            {
                FailStart(actions, facts, fault with { Text = $"Unable to start VM {facts.Name} ({facts.Id}): {fault.Text}" });
                return actions;
            }
        }

        if (actions.Count == 0 && facts.Volumes.All(v => v.State is VolumeState.Ready))
        {
            actions.Add(new VmAction.RunMachine());
        }

        return actions;
    }

    private static List<VmAction> PlanPlace(VmFacts facts)
    {
        var actions = new List<VmAction>();
        switch (PlacementPlanner.Choose(facts.Placement ?? throw new InvalidOperationException("Placement facts are missing."), facts.Volumes))
        {
            case Placement.Found found:
                actions.Add(new VmAction.Place(found.Host.Id, found.Host.IncarnationId, found.Pools));
                break;
            case Placement.Nowhere nowhere:
                FailStart(actions, facts, nowhere.Fault with { Text = $"Unable to create a deployment for VM {facts.Name} ({facts.Id}): {nowhere.Fault.Text}" });
                break;
        }

        return actions;
    }

    private static void PlanVolume(List<VmAction> actions, VolumeFacts volume, IncarnationId incarnation, out PlanFault? fault)
    {
        fault = null;
        if (volume.State is VolumeState.Destroy or VolumeState.Expunging or VolumeState.Expunged)
        {
            fault = new PlanFault(PlanFaultKind.WrongState, $"volume {volume.Name} ({volume.Id}) is in state {volume.State}");
            return;
        }

        if (volume.State != VolumeState.Allocated)
        {
            return;
        }

        if (!volume.FromTemplate)
        {
            actions.Add(new VmAction.MakeVolume(volume.Id, incarnation));
            return;
        }

        switch (volume.Copy)
        {
            case null:
                actions.Add(new VmAction.WantTemplate(volume.Id, incarnation));
                break;
            case { State: TemplateCopyState.Importing }:
                break;
            case { State: TemplateCopyState.Ready }:
                actions.Add(new VmAction.MakeVolume(volume.Id, incarnation));
                break;
            case { } copy:
                actions.Add(new VmAction.DropTemplate(volume.Id));
                fault = new PlanFault(
                    PlanFaultKind.Runtime,
                    $"the template of volume {volume.Name} could not be brought on storage pool {volume.PoolName} ({volume.PoolId}): {copy.Error ?? $"its copy is in state {copy.State}"}");
                break;
        }
    }

    private static List<VmAction> PlanRunning(VmFacts facts)
    {
        var actions = new List<VmAction>();
        if (facts.Machine?.Current is { IsGone: true } gone)
        {
            var why = gone.Failure ?? "the guest ended by itself";
            FailJobs(actions, facts, new PlanFault(PlanFaultKind.WrongState, $"VM {facts.Name} ({facts.Id}) is not running: {why}"), JobKind.RebootVm, JobKind.ScaleVm, JobKind.StartVm, JobKind.DeployVm);
            actions.Add(new VmAction.GuestGone());
            actions.Add(new VmAction.MoveTo(VmState.Stopped, Joined(why, gone.CutOff)));
            actions.Add(new VmAction.Tell("VM.STOP", EventLevel.Warn, $"VM {facts.Name} ({facts.Id}) on host {facts.Machine.HostName}: {why}"));
            TellCutOff(actions, facts, gone);
            return actions;
        }

        var observed = facts.Machine?.Current;
        if (observed is { Phase: MachinePhase.Running })
        {
            foreach (var job in facts.Jobs.Where(j => j.Kind == JobKind.RebootVm && j.Generation <= observed.Generation))
            {
                if (observed.RebootSequence >= facts.RebootSequence)
                {
                    actions.Add(new VmAction.CompleteJob(job.Id));
                }
                else if (observed.Failure is { } failure)
                {
                    actions.Add(new VmAction.FailJob(job.Id, new PlanFault(PlanFaultKind.Runtime, $"VM {facts.Name} ({facts.Id}) was not rebooted: {failure}")));
                }
            }

            switch (observed.Paused)
            {
                case { } paused when !facts.IsPaused:
                    actions.Add(new VmAction.TellPaused($"VM {facts.Name} ({facts.Id}) on host {facts.Machine!.HostName} stands still: {paused}"));
                    break;
                case null when facts.IsPaused:
                    actions.Add(new VmAction.TellResumed($"VM {facts.Name} ({facts.Id}) on host {facts.Machine!.HostName}, which was paused, goes on"));
                    break;
            }

            // That it stands still, or goes on, is news whatever else is under way.
            var condition = Joined(Joined(Joined(observed.Failure, observed.Paused), observed.Suspended), HoldsMoreText(facts));
            if (facts.Condition != condition && (facts.Jobs.Count == 0 || facts.IsPaused || observed.Paused is not null))
            {
                actions.Add(new VmAction.Note(condition));
            }
        }

        var update = new List<JobId>();
        PlanScaling(actions, update, facts, observed);
        foreach (var volume in facts.Volumes)
        {
            PlanRunningVolume(actions, update, facts, volume, observed);
        }

        if (update.Count > 0)
        {
            actions.Add(new VmAction.UpdateMachine(update));
        }

        return actions;
    }

    // What the guest has decides. What it was given too much it keeps until it ends: memory that it uses cannot be taken from it.
    private static void PlanScaling(List<VmAction> actions, List<JobId> update, VmFacts facts, MachineObservation? observed)
    {
        var jobs = facts.Jobs.Where(j => j.Kind == JobKind.ScaleVm).ToList();
        update.AddRange(jobs.Where(j => j.Generation is null).Select(j => j.Id));
        if (observed is not { Phase: MachinePhase.Running })
        {
            return;
        }

        var held = observed is { Cpus: { } cpus, MemoryMib: { } memory } ? new VmAmounts(cpus, memory) : (VmAmounts?)null;
        foreach (var job in jobs.Where(j => j.Generation <= observed.Generation))
        {
            if (held is { } has && has.Cpus >= facts.Cpus && has.MemoryMib >= facts.MemoryMib)
            {
                actions.Add(new VmAction.Scaled());
                actions.Add(new VmAction.CompleteJob(job.Id));
            }
            else if (observed.Failure is { } failure)
            {
                FailScaling(actions, facts, job, PlanFaultKind.Runtime, failure);
            }
            else if (held is null)
            {
                FailScaling(actions, facts, job, PlanFaultKind.Runtime, $"host {facts.Machine!.HostName} does not say what its guest has; its agent may be of a version that does not scale running VMs");
            }
        }

        if (jobs.Count == 0 && held is { } more && (more.Cpus > facts.Cpus || more.MemoryMib > facts.MemoryMib))
        {
            var amounts = new VmAmounts(Math.Max(more.Cpus, facts.Cpus), Math.Max(more.MemoryMib, facts.MemoryMib));
            actions.Add(new VmAction.HoldMore(amounts));
            actions.Add(new VmAction.Tell("VM.UPGRADE", EventLevel.Warn, $"VM {facts.Name} ({facts.Id}) on host {facts.Machine!.HostName}: {HoldsMoreText(amounts, facts.Kept ?? new VmAmounts(facts.Cpus, facts.MemoryMib))}"));
        }
    }

    private static void FailScaling(List<VmAction> actions, VmFacts facts, JobFacts job, PlanFaultKind kind, string why)
    {
        actions.Add(new VmAction.FailJob(job.Id, new PlanFault(kind, $"VM {facts.Name} ({facts.Id}) was not scaled, and has the size of before: {why}")));
        actions.Add(new VmAction.ScaleBack());
        UpdateIfRunning(actions, facts);
    }

    private static string? HoldsMoreText(VmFacts facts) => facts.Kept is { } kept && facts.Jobs.All(j => j.Kind != JobKind.ScaleVm) ? HoldsMoreText(new VmAmounts(facts.Cpus, facts.MemoryMib), kept) : null;

    private static string HoldsMoreText(VmAmounts has, VmAmounts kept) => $"its guest has {has} and gives nothing of it back until it ends; from its next start on it has {kept}";

    private static void PlanRunningVolume(List<VmAction> actions, List<JobId> update, VmFacts facts, VolumeFacts volume, MachineObservation? observed)
    {
        if (volume.IsAttaching && volume.State == VolumeState.Allocated)
        {
            PlanAttachVolume(actions, facts, volume);
            return;
        }

        foreach (var job in volume.Jobs)
        {
            var isSettled = job.Kind switch
            {
                var kind when kind == JobKind.AttachVolume => volume.State == VolumeState.Ready && volume.IsAttaching,
                var kind when kind == JobKind.DetachVolume => volume.IsDetaching,
                var kind when kind == JobKind.ResizeVolume => volume.State == VolumeState.Ready,
                _ => false,
            };
            if (!isSettled)
            {
                continue;
            }

            if (job.Generation is null)
            {
                update.Add(job.Id);
                continue;
            }

            if (observed is not { Phase: MachinePhase.Running } || observed.Generation < job.Generation)
            {
                continue;
            }

            PlanSettledVolume(actions, facts, volume, job, observed);
        }
    }

    private static void PlanSettledVolume(List<VmAction> actions, VmFacts facts, VolumeFacts volume, JobFacts job, MachineObservation observed)
    {
        var hasDisk = observed.Disks.TryGetValue(volume.Id, out var seen);
        var isDone = job.Kind switch
        {
            var kind when kind == JobKind.AttachVolume => hasDisk,
            var kind when kind == JobKind.DetachVolume => !hasDisk && !observed.Unclear.Contains(volume.Id),
            _ => seen >= volume.SizeBytes,
        };
        if (isDone)
        {
            if (job.Kind == JobKind.AttachVolume)
            {
                actions.Add(new VmAction.FinishAttach(volume.Id));
            }
            else if (job.Kind == JobKind.DetachVolume)
            {
                actions.Add(new VmAction.FinishDetach(volume.Id));
            }

            actions.Add(new VmAction.CompleteJob(job.Id));
            return;
        }

        if (observed.Failure is not { } failure)
        {
            return;
        }

        actions.Add(new VmAction.FailJob(job.Id, new PlanFault(PlanFaultKind.Runtime, $"Volume {volume.Name} ({volume.Id}) and VM {facts.Name} ({facts.Id}): {failure}")));
        if (job.Kind == JobKind.AttachVolume)
        {
            actions.Add(new VmAction.UndoAttach(volume.Id));
            UpdateIfRunning(actions, facts);
        }
        else if (job.Kind == JobKind.DetachVolume)
        {
            actions.Add(new VmAction.UndoDetach(volume.Id));
            UpdateIfRunning(actions, facts);
        }
    }

    // Without a replacement, a restore waits for the start that follows.
    private static JobKind[] Restores(VmFacts facts) => facts.Replacement is null ? [JobKind.RestoreVm] : [];

    // A new root disk is made while the present one serves. Only one that is made takes its place: whatever fails before leaves the VM as it was.
    private static List<VmAction> PlanReplacement(VmFacts facts)
    {
        var actions = new List<VmAction>();
        if (facts.Replacement is not { } disk)
        {
            return actions;
        }

        var jobs = facts.Jobs.Where(j => j.Kind == JobKind.RestoreVm).ToList();
        if (facts.Removal != VmRemoval.None || facts.State is VmState.Destroyed or VmState.Expunging or VmState.Error || jobs.Count == 0)
        {
            GiveUp(new PlanFault(PlanFaultKind.Overtaken, $"VM {facts.Name} ({facts.Id}) is being removed"));
            return actions;
        }

        switch (disk)
        {
            case { State: VolumeState.Creating, Task: { Kind: WorkKind.EnsureVolume, State: WorkState.Done } }:
                actions.Add(new VmAction.VolumeMade(disk.Id));
                break;
            case { State: VolumeState.Creating, Task: null or { State: WorkState.Failed or WorkState.Withdrawn } }:
                var why = $"volume {disk.Name} ({disk.Id}) could not be made on storage pool {disk.PoolName} ({disk.PoolId}): {disk.Task?.Error ?? "the task was withdrawn"}";
                actions.Add(new VmAction.VolumeNotMade(disk.Id, why));

                // A template's copy that had been lost at the backend is brought anew, once.
                if (disk is not { Copy.State: TemplateCopyState.Gone, IsFirstTry: true })
                {
                    GiveUp(new PlanFault(PlanFaultKind.Runtime, why));
                }

                break;
            case { State: VolumeState.Allocated } when facts.State is VmState.Running or VmState.Stopped && disk.Copy is not { State: TemplateCopyState.Importing }:
                PlanNewDisk();
                break;
            case { State: VolumeState.Ready } when facts.State == VmState.Running && facts.Machine is { Wish: MachineWish.Running, Current.IsGone: false } machine:
                if (machine.IsHostUp)
                {
                    actions.Add(new VmAction.StopToReplace());
                }
                else
                {
                    GiveUp(new PlanFault(PlanFaultKind.Runtime, $"its guest cannot be stopped: host {machine.HostName} does not report"));
                }

                break;
            case { State: VolumeState.Ready } when facts.State == VmState.Stopped && facts.Volumes.FirstOrDefault(v => v.Type == VolumeType.Root) is var old && old is null or { State: VolumeState.Ready or VolumeState.Allocated }:
                actions.Add(new VmAction.ReplaceRoot(old?.Id, disk.Id, jobs[0].Id));
                if (facts.StartsAgain)
                {
                    actions.Add(new VmAction.MoveTo(VmState.Starting));
                }
                else
                {
                    actions.AddRange(jobs.Select(j => new VmAction.CompleteJob(j.Id)));
                }

                break;
        }

        return actions;

        void PlanNewDisk()
        {
            switch (PlacementPlanner.Choose(ForVolume(facts), [disk]))
            {
                case Placement.Found found:
                    if (disk.PoolId is null)
                    {
                        actions.Add(new VmAction.PlaceVolume(disk.Id, found.Pools[disk.Id], found.Host.IncarnationId));
                    }

                    PlanVolume(actions, disk, found.Host.IncarnationId, out var fault);
                    if (fault is not null)
                    {
                        GiveUp(fault);
                    }

                    break;
                case Placement.Nowhere nowhere:
                    GiveUp(nowhere.Fault);
                    break;
            }
        }

        void GiveUp(PlanFault fault)
        {
            actions.AddRange(jobs.Select(j => new VmAction.FailJob(j.Id, fault with { Text = $"VM {facts.Name} ({facts.Id}) is not restored, and keeps its root disk: {fault.Text}" })));
            actions.Add(new VmAction.DropReplacement(disk.Id));
        }
    }

    // A new volume is made before it is given to the guest.
    private static void PlanAttachVolume(List<VmAction> actions, VmFacts facts, VolumeFacts volume)
    {
        switch (PlacementPlanner.Choose(ForVolume(facts), [volume]))
        {
            case Placement.Found found:
                actions.Add(new VmAction.PlaceVolume(volume.Id, volume.PoolId ?? found.Pools[volume.Id], found.Host.IncarnationId));
                actions.Add(new VmAction.MakeVolume(volume.Id, found.Host.IncarnationId));
                break;
            case Placement.Nowhere nowhere:
                FailVolumeJobs(
                    actions,
                    volume,
                    JobKind.AttachVolume,
                    nowhere.Fault with { Text = $"Volume {volume.Name} ({volume.Id}) cannot be attached to VM {facts.Name} ({facts.Id}): {nowhere.Fault.Text}" });
                actions.Add(new VmAction.UndoAttach(volume.Id));
                break;
        }
    }

    // Where a volume of a VM that has its place, or needs none now, can be made.
    private static PlacementFacts ForVolume(VmFacts facts)
    {
        var placement = facts.Placement ?? throw new InvalidOperationException("Placement facts are missing.");
        if (facts.State == VmState.Running)
        {
            // The guest's place is given; it must not be measured against what is left.
            placement = placement with
            {
                OnlyHost = placement.Hosts.FirstOrDefault(h => h.IncarnationId == facts.Incarnation)?.Id,
                Hosts = [.. placement.Hosts.Where(h => h.IncarnationId == facts.Incarnation).Select(h => h with { IsEnabled = true })],
            };
        }

        // A volume is made by any host that can: where the guest runs is another question.
        return placement with { Cpus = 0, MemoryMib = 0, HostTags = [], Affinities = [], Firmware = MachineFirmware.Bios };
    }

    /// <summary>A removal that was asked for while the guest cannot be ended stands like its stop: said wherever the stop is told, so that nobody is surprised by it later.</summary>
    private static string ThenRemoved(VmFacts facts) => facts.Removal switch
    {
        VmRemoval.None => string.Empty,
        VmRemoval.Destroy => "; when it has ended it is destroyed, as was asked",
        _ => "; when it has ended it is expunged, as was asked",
    };

    private static List<VmAction> PlanStopping(VmFacts facts)
    {
        var actions = new List<VmAction>();
        FailJobs(
            actions,
            facts,
            new PlanFault(PlanFaultKind.Overtaken, $"VM {facts.Name} ({facts.Id}) is being stopped"),
            [JobKind.DeployVm, JobKind.StartVm, JobKind.RebootVm, JobKind.ScaleVm, .. Restores(facts)]);
        var stops = facts.Jobs.Where(j => j.Kind == JobKind.StopVm || IsRemoval(j.Kind)).ToList();
        var unbound = stops.Where(j => j.Generation is null).Select(j => j.Id).ToList();
        switch (facts.Machine)
        {
            case { Wish: MachineWish.Running }:
            case { Wish: MachineWish.Stopped } when facts.IsStopForced && !facts.IsMachineForced:
            case { Wish: MachineWish.Stopped, Current: { IsGone: false, Stuck: not null } } when unbound.Count > 0:
                // Asked for again while the guest cannot be killed: a new try, and its answer is not the one of before.
                actions.Add(new VmAction.StopMachine(unbound));
                break;
            case { Wish: MachineWish.Stopped, Current: not { IsGone: true } } when unbound.Count > 0:
                actions.Add(new VmAction.JoinStop(unbound));
                break;
            case { Wish: MachineWish.Stopped, Current: { IsGone: false, Stuck: { } stuck } seen } when !facts.IsStuck || stops.Any(j => j.Generation <= seen.Generation):
                // Waiting changes nothing about it. The stop stands, and is told when it is done after all.
                if (!facts.IsStuck)
                {
                    actions.Add(new VmAction.TellStuck($"VM {facts.Name} ({facts.Id}) on host {facts.Machine.HostName} is to end and does not: {stuck}"));
                }

                actions.Add(new VmAction.Note(stuck + ThenRemoved(facts)));
                foreach (var job in stops.Where(j => j.Generation <= seen.Generation))
                {
                    actions.Add(new VmAction.FailJob(job.Id, new PlanFault(PlanFaultKind.Runtime, $"VM {facts.Name} ({facts.Id}) is not stopped: {stuck}{ThenRemoved(facts)}")));
                }

                break;
            case { Wish: MachineWish.Stopped, Current: not { IsGone: true } } waiting:
                var condition = (waiting.Observed?.Stuck is { } still ? still + ThenRemoved(facts) : null) ?? waiting.Current?.Failure ?? (waiting.IsHostUp ? facts.Condition : $"host {waiting.HostName} does not report");
                if (condition != facts.Condition)
                {
                    actions.Add(new VmAction.Note(condition));
                }

                break;
            default:
                var isFailedDeploy = !facts.EverRan && facts.Removal == VmRemoval.None && !facts.Jobs.Any(j => j.Kind == JobKind.StopVm);
                actions.Add(new VmAction.GuestGone());
                var cut = facts.Machine?.Current?.CutOff;
                actions.Add(new VmAction.MoveTo(isFailedDeploy ? VmState.Error : VmState.Stopped, isFailedDeploy ? Joined(facts.Condition, cut) : cut));
                if (facts.IsStuck)
                {
                    actions.Add(new VmAction.Tell(
                        "VM.STOP", EventLevel.Info, $"VM {facts.Name} ({facts.Id}) on host {facts.Machine?.HostName ?? "unknown"} has ended; it could not be killed before{ThenRemoved(facts)}"));
                }

                TellCutOff(actions, facts, facts.Machine?.Current);
                break;
        }

        return actions;
    }

    private static List<VmAction> PlanStopped(VmFacts facts)
    {
        var actions = new List<VmAction>();
        CompleteJobs(actions, facts, JobKind.StopVm);
        if (facts.Removal != VmRemoval.None)
        {
            actions.Add(new VmAction.MoveTo(VmState.Destroyed, facts.Condition));
            return actions;
        }

        foreach (var volume in facts.Volumes)
        {
            if (volume.IsDetaching)
            {
                actions.Add(new VmAction.FinishDetach(volume.Id));
                CompleteVolumeJobs(actions, volume, JobKind.DetachVolume);
            }
            else if (volume is { IsAttaching: true, State: VolumeState.Allocated })
            {
                PlanAttachVolume(actions, facts, volume);
            }
            else if (volume is { IsAttaching: true, State: VolumeState.Ready })
            {
                actions.Add(new VmAction.FinishAttach(volume.Id));
                CompleteVolumeJobs(actions, volume, JobKind.AttachVolume);
            }
            else if (volume.State == VolumeState.Ready)
            {
                CompleteVolumeJobs(actions, volume, JobKind.ResizeVolume);
            }
        }

        return actions;
    }

    private static List<VmAction> PlanDestroyed(VmFacts facts)
    {
        var actions = new List<VmAction>();
        CompleteJobs(actions, facts, JobKind.StopVm);
        foreach (var volume in facts.Volumes)
        {
            if (volume.Type != VolumeType.Root && !volume.GoesWithVm)
            {
                FailVolumeJobs(actions, volume, JobKind.AttachVolume, new PlanFault(PlanFaultKind.Overtaken, $"VM {facts.Name} ({facts.Id}) was destroyed"));
                actions.Add(new VmAction.ReleaseVolume(volume.Id));
                CompleteVolumeJobs(actions, volume, JobKind.DetachVolume);
            }
            else if (volume.State == VolumeState.Ready)
            {
                actions.Add(new VmAction.DestroyVolume(volume.Id));
            }
        }

        if (facts.Removal == VmRemoval.Expunge)
        {
            actions.Add(new VmAction.MoveTo(VmState.Expunging));
        }
        else
        {
            CompleteJobs(actions, facts, JobKind.DestroyVm);
        }

        return actions;
    }

    private static List<VmAction> PlanExpunging(VmFacts facts)
    {
        var actions = new List<VmAction>();
        foreach (var volume in facts.Volumes)
        {
            if (volume.Type != VolumeType.Root && !volume.GoesWithVm)
            {
                actions.Add(new VmAction.ReleaseVolume(volume.Id));
            }
            else if (volume.State is not (VolumeState.Expunging or VolumeState.Expunged))
            {
                actions.Add(new VmAction.DeleteVolume(volume.Id));
            }
        }

        if (actions.Count > 0)
        {
            return actions;
        }

        if (facts.MachineItems > 0)
        {
            return actions;
        }

        var jobs = facts.Jobs.Where(j => IsRemoval(j.Kind)).ToList();
        var isWaited = jobs.Any(j => j.Created + ExpungeGrace > facts.Now);
        var owed = facts.Volumes.Where(v => v.State == VolumeState.Expunging).ToList();

        // What no host can begin now (the pool is in maintenance, the host is away) is owed, and nothing is learnt by waiting.
        if (isWaited && owed.Any(v => v.Task is { State: not WorkState.Failed, Tried: false, CanBeTried: true }))
        {
            return actions;
        }

        CompleteJobs(actions, facts, JobKind.StopVm, JobKind.ExpungeVm, JobKind.DestroyVm);
        actions.Add(new VmAction.Remove());
        if (owed.Count > 0)
        {
            var names = string.Join(", ", owed.Select(v => $"{v.Name} ({v.Id}) on storage pool {v.PoolName} ({v.PoolId})"));
            actions.Add(new VmAction.Tell("VM.EXPUNGE", EventLevel.Warn, $"VM {facts.Name} ({facts.Id}) is gone; the deletion of its volumes is still owed: {names}"));
        }

        return actions;
    }

    private static List<VmAction> PlanError(VmFacts facts)
    {
        var actions = new List<VmAction>();
        CompleteJobs(actions, facts, JobKind.StopVm);
        if (facts.Removal != VmRemoval.None)
        {
            actions.Add(new VmAction.MoveTo(VmState.Expunging));
        }

        return actions;
    }

    /// <summary>Whether a volume that is being attached must be made first, for which it needs a pool.</summary>
    /// <param name="volume">The volume.</param>
    public static bool IsWaitingForPlace(VolumeFacts volume) => volume is { IsAttaching: true, State: VolumeState.Allocated };

    /// <summary>Whether a new root disk needs a host that makes it, or brings its template.</summary>
    /// <param name="disk">The disk.</param>
    public static bool NeedsPlace(VolumeFacts disk) => disk is { State: VolumeState.Allocated, Copy: not { State: TemplateCopyState.Importing } };

    private static void FailStart(List<VmAction> actions, VmFacts facts, PlanFault fault)
    {
        FailJobs(actions, facts, fault, [JobKind.DeployVm, JobKind.StartVm, .. Restores(facts)]);
        if (facts.Machine is { Wish: MachineWish.Running })
        {
            actions.Add(new VmAction.StopMachine([]));
            actions.Add(new VmAction.MoveTo(VmState.Stopping, fault.Text));
        }
        else
        {
            actions.Add(new VmAction.GuestGone());
            actions.Add(new VmAction.MoveTo(AfterFailedStart(facts), fault.Text));
        }
    }

    private static VmState AfterFailedStart(VmFacts facts) => facts.EverRan ? VmState.Stopped : VmState.Error;

    private static void UpdateIfRunning(List<VmAction> actions, VmFacts facts)
    {
        if (facts.Machine is { Wish: MachineWish.Running } && facts.State == VmState.Running && !actions.OfType<VmAction.UpdateMachine>().Any())
        {
            actions.Add(new VmAction.UpdateMachine([]));
        }
    }

    private static bool IsStart(JobKind kind) => kind == JobKind.DeployVm || kind == JobKind.StartVm;

    private static bool IsRemoval(JobKind kind) => kind == JobKind.DestroyVm || kind == JobKind.ExpungeVm;

    private static void CompleteJobs(List<VmAction> actions, VmFacts facts, params ReadOnlySpan<JobKind> kinds)
    {
        foreach (var job in facts.Jobs)
        {
            if (kinds.Contains(job.Kind))
            {
                actions.Add(new VmAction.CompleteJob(job.Id));
            }
        }
    }

    private static void FailJobs(List<VmAction> actions, VmFacts facts, PlanFault fault, params ReadOnlySpan<JobKind> kinds)
    {
        foreach (var job in facts.Jobs)
        {
            if (kinds.Contains(job.Kind))
            {
                actions.Add(new VmAction.FailJob(job.Id, fault));
            }
        }
    }

    private static void CompleteVolumeJobs(List<VmAction> actions, VolumeFacts volume, JobKind kind) =>
        actions.AddRange(volume.Jobs.Where(j => j.Kind == kind).Select(j => new VmAction.CompleteJob(j.Id)));

    private static void FailVolumeJobs(List<VmAction> actions, VolumeFacts volume, JobKind kind, PlanFault fault) =>
        actions.AddRange(volume.Jobs.Where(j => j.Kind == kind).Select(j => new VmAction.FailJob(j.Id, fault)));

    private static void TellCutOff(List<VmAction> actions, VmFacts facts, MachineObservation? observed)
    {
        if (observed?.CutOff is { } cut)
        {
            actions.Add(new VmAction.Tell("VM.IO.CUT", EventLevel.Warn, $"VM {facts.Name} ({facts.Id}) on host {facts.Machine?.HostName ?? "unknown"}: {cut}"));
        }
    }

    private static string? Joined(string? left, string? right) => (left, right) switch
    {
        (null, _) => right,
        (_, null) => left,
        _ => $"{left.TrimEnd('.')}. {right}",
    };

    /// <summary>What is said about a volume that its backend does not know any more.</summary>
    /// <param name="name">The volume's name.</param>
    /// <param name="id">The volume.</param>
    /// <param name="poolName">The pool's name.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="since">Since when.</param>
    /// <returns>The sentence, without a full stop.</returns>
    public static string MissingText(string name, VolumeId id, string? poolName, PoolId? pool, DateTimeOffset? since) =>
        $"volume {name} ({id}) is missing: the backend of storage pool {poolName} ({pool}) does not know it (found {since:yyyy-MM-dd HH:mm} UTC). It is not made anew; it is usable again when the backend has it again";

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    // Who holds it up, in words; the blocking object is named.
    private static string WaitingFor(VmFacts facts)
    {
        if (facts.Machine is { Wish: not MachineWish.Absent } machine)
        {
            if (!machine.IsHostUp)
            {
                return $"host {machine.HostName} does not report";
            }

            return machine.Current is { } observed
                ? observed.Stuck ?? observed.Failure ?? observed.Paused ?? $"host {machine.HostName} reports the machine {observed.Phase}"
                : $"host {machine.HostName} has not taken up generation {machine.Generation}";
        }

        return WaitingForVolumes(facts.Volumes) is { Length: > 0 } waiting ? waiting : facts.MachineItems > 0 ? "its host has not confirmed that it forgot it" : facts.Condition ?? "nobody answered";
    }

    private static string WaitingForVolumes(IEnumerable<VolumeFacts> volumes) => string.Join(
        "; ",
        volumes
            .Where(v => v.State is VolumeState.Creating or VolumeState.Expunging or VolumeState.Resizing || v.Copy is { State: TemplateCopyState.Importing })
            .Select(v => v.Copy is { State: TemplateCopyState.Importing } && v.State == VolumeState.Allocated
                ? $"the template of volume {v.Name} is being imported to storage pool {v.PoolName} ({v.PoolId})"
                : $"volume {v.Name} on storage pool {v.PoolName} ({v.PoolId}) is in state {v.State}"));

    private static string WaitingFor(VmFacts facts, VolumeFacts volume) => volume.State is VolumeState.Creating or VolumeState.Resizing
        ? $"storage pool {volume.PoolName} ({volume.PoolId}) did not answer in time, the volume is in state {volume.State}"
        : $"VM {facts.Name} ({facts.Id}): {WaitingFor(facts)}";
}
