using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Machines;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.VmSchedules;

/// <summary>Does what is due, each time once: the row of that time, the next time and the job are written together, or not at all.</summary>
internal sealed class VmScheduleRuns : TurnPart, ITurnPart<VmScheduleRuns>
{
    private VmScheduleRuns(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static VmScheduleRuns Of(Turn turn) => new(turn);

    /// <summary>Does it, if it is due still.</summary>
    public async Task RunAsync(VmScheduleId id, CancellationToken cancellationToken)
    {
        var schedule = await Db.VmSchedules.FirstOrDefaultAsync(s => s.Id == id && s.Next <= Now, cancellationToken);
        if (schedule is not { Next: { } due } || await Db.Vms.FirstOrDefaultAsync(v => v.Id == schedule.VmId && v.Removed == null, cancellationToken) is not { } vm)
        {
            return;
        }

        // A time zone that this machine does not know any more leaves no next time.
        var (times, wrong) = ScheduleTimes.Read(schedule.Schedule, schedule.TimeZone);
        var next = times?.NextAfter(schedule, Now);
        await Db.UpdateAsync(schedule with { Next = next }, token: cancellationToken);
        if (await Db.VmScheduleRuns.AnyAsync(r => r.ScheduleId == id && r.Due == due, cancellationToken))
        {
            return;
        }

        var run = new VmScheduleRunRow { ScheduleId = id, Due = due, Outcome = ScheduleOutcome.Started, Created = Now };
        await Db.InsertAsync(run, token: cancellationToken);
        if (wrong is not null)
        {
            await SkipAsync(ScheduleOutcome.Skipped, EventLevel.Warn, wrong.Text);
        }
        else if (Now - due > Turn.Timings.ScheduleTolerance)
        {
            await SkipAsync(ScheduleOutcome.Missed, EventLevel.Warn, $"it was due at {due:u}, and no server looked until {Now:u}");
        }
        else if (!ScheduledActions.IsFor(schedule.Action, vm.State) || vm.Removal != VmRemoval.None)
        {
            await SkipAsync(ScheduleOutcome.Skipped, EventLevel.Info, $"the VM is in state {vm.State}");
        }
        else
        {
            switch (await DoAsync(schedule, vm, cancellationToken))
            {
                case JobOutcome.Accepted accepted:
                    await Db.UpdateAsync(run with { JobId = accepted.JobId }, token: cancellationToken);
                    await TellAsync(vm, EventTypes.VmScheduleExecute, EventLevel.Info, $"Schedule {VmScheduleOperations.Describe(schedule)} of VM {vm.Name} ({vm.Id}) made job {accepted.JobId}", cancellationToken);
                    break;
                case JobOutcome.Refused refused:
                    await SkipAsync(ScheduleOutcome.Skipped, EventLevel.Warn, refused.Fault.Text);
                    break;
            }
        }

        async Task SkipAsync(ScheduleOutcome outcome, EventLevel level, string why)
        {
            await Db.UpdateAsync(run with { Outcome = outcome }, token: cancellationToken);
            await TellAsync(
                vm,
                EventTypes.VmScheduleSkipped,
                level,
                $"Schedule {VmScheduleOperations.Describe(schedule)} of VM {vm.Name} ({vm.Id}) did nothing: {why}; {(next is { } time ? $"it is due next at {time:u}" : "it is never due again")}",
                cancellationToken);
        }
    }

    // As the VM's owner would.
    private Task<JobOutcome> DoAsync(VmScheduleRow schedule, VmRow vm, CancellationToken cancellationToken)
    {
        var caller = new Caller(vm.UserId, "schedule", vm.AccountId, default, IsRootAdmin: false);
        var power = Turn.Part<MachinePower>();
        return schedule.Action switch
        {
            ScheduledAction.Start => power.StartAsync(caller, vm, null, cancellationToken),
            ScheduledAction.Stop or ScheduledAction.ForceStop => power.StopAsync(caller, vm, schedule.Action == ScheduledAction.ForceStop, cancellationToken),
            ScheduledAction.Reboot or ScheduledAction.ForceReboot => power.RebootAsync(caller, vm, schedule.Action == ScheduledAction.ForceReboot, cancellationToken),
            _ => throw new ArgumentOutOfRangeException(nameof(schedule), schedule.Action, "Unknown action."),
        };
    }

    private Task TellAsync(VmRow vm, string type, EventLevel level, string text, CancellationToken cancellationToken) => Turn.TellAsync(
        type, level, EventState.Completed, text, vm.AccountId, vm.UserId, ResourceTypes.VirtualMachine, vm.Id.Value, vm.Name, null, cancellationToken);
}
