using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Machines;

// Ending a guest, and writing down that it is gone. Nothing here waits for storage, and of a guest that does so itself I/O is cut off.
internal sealed partial class MachineRunner
{
    private async Task StopAsync(HostItem item, bool atOnce)
    {
        // A new wish is a new try, and what was said of the one before is not its answer.
        Enter(MachineState.Stopping, [.. _phase?.Generation == item.Generation ? _phase.Conditions.Where(condition => condition.Type == ConditionType.Uninterruptible) : []]);
        var began = _context.Loop.Time.GetTimestamp();
        var grace = TimeSpan.FromSeconds(item.Machine?.GraceSeconds ?? 0);
        if (!atOnce && grace > TimeSpan.Zero)
        {
            await AskGuestAsync(item, grace, began);
            if (_seen is not (Observation.Present or Observation.Unknown) || ItemRow?.Item.Desired == Desired.Running)
            {
                return;
            }
        }

        await _context.Loop.Failpoints.PassAsync(Failpoint.DestroyBefore, _context.Loop.Stopping);
        var (destroyed, waits) = await EndGuestAsync();
        await _context.Loop.Failpoints.PassAsync(Failpoint.DestroyDone, _context.Loop.Stopping);
        switch (destroyed)
        {
            case DestroyOutcome.Gone:
                _seen = new Observation.Absent();
                _isProvenGone = true;
                break;
            case DestroyOutcome.Foreign foreign:
                _seen = new Observation.Foreign(foreign.Name);
                break;
            case DestroyOutcome.Uninterruptible stuck:
                _mustLook = true;
                if (ItemRow!.Item.Generation != item.Generation)
                {
                    break;
                }

                LogUninterruptible(Name, _machine, stuck.ProcessId, string.Join(" ", waits.Select(condition => condition.Text)));
                Enter(MachineState.Stopping, [.. waits]);
                await _wake.WaitAsync(UninterruptibleRetry, _context.Loop.Stopping);
                break;
            case DestroyOutcome.Failed failed:
                LogDestroyFailed(Name, _machine, failed.Fault.Message);
                Enter(MachineState.Stopping, new Condition { Type = ConditionType.HypervisorDown, Text = $"Machine '{Name}' could not be ended: {failed.Fault.Message}" });
                await _wake.WaitAsync(HypervisorRetry, _context.Loop.Stopping);
                _mustLook = true;
                break;
        }
    }

    private async Task AskGuestAsync(HostItem item, TimeSpan grace, long began)
    {
        long? pressed = null;
        var wasLetGoOn = false;
        while (_context.Loop.Time.GetElapsedTime(began) is var passed && passed < grace)
        {
            var newest = ItemRow?.Item;
            if (newest is null || newest.Desired == Desired.Absent || newest.Machine is { ForcedStop: true } || newest.Desired != item.Desired)
            {
                return;
            }

            if (_seen is Observation.Present { Domain: { Status: DomainStatus.Paused, Pause: { Reason: not PauseReason.Passing } pause } })
            {
                // A guest that stands still hears no button. It is let go on once, whatever it stands still for; when that does not help, nothing is gained by waiting.
                if (wasLetGoOn)
                {
                    LogCannotHear(Name, _machine, pause.Detail);
                    return;
                }

                wasLetGoOn = true;
                LogLetsGoOn(Name, _machine, pause.Detail, "it is to be asked to shut down");
                var goesOn = _context.Hypervisor.ResumeAsync(_machine, _context.Loop.Stopping);
                await goesOn.AtMostAsync(grace - passed, _context.Loop.Time, _context.Loop.Stopping);
                if (!goesOn.IsCompleted)
                {
                    return;
                }

                if (await goesOn is ResumeOutcome.Failed stands)
                {
                    LogNotLetGoOn(Name, _machine, stands.Fault.Message);
                }
            }

            if (pressed is null || _context.Loop.Time.GetElapsedTime(pressed.Value) >= PressAgainAfter)
            {
                // Pressed again now and then: a guest that is still booting does not hear the first one.
                pressed = _context.Loop.Time.GetTimestamp();
                if (await _context.Hypervisor.RequestShutdownAsync(_machine, _context.Loop.Stopping) is ShutdownOutcome.Failed failed)
                {
                    LogShutdownFailed(Name, _machine, failed.Fault.Message);
                }
            }

            var left = grace - passed;
            await _wake.WaitAsync(left < LookWhileStopping ? left : LookWhileStopping, _context.Loop.Stopping);
            await LookAsync();

            // Nobody knows: the guest may be on its way, so it has its time all the same.
            if (_seen is not (Observation.Present { IsAlive: true } or Observation.Unknown))
            {
                return;
            }
        }
    }

    private async Task RecordGoneAsync(HostItem item, bool byItself)
    {
        if (await StartIsPendingAsync())
        {
            return;
        }

        var now = _context.Loop.Time.GetUtcNow();
        IReadOnlyList<AttachmentRow> held = [];
        await _context.Ledger.RecordAsync(tables =>
        {
            held = tables.AttachmentsOf(_machine.Value);
            var isCut = held.Any(row => row.Cut is not null);
            var cause = isCut ? $"I/O of machine '{Name}' was cut off to end it" : byItself ? $"the guest of machine '{Name}' ended by itself" : $"machine '{Name}' was stopped";
            return
            [
                .. ObligationRules.LetGo(tables, held, cause, now, _context.Ids.Next),
                new LedgerChange.PutMachine(new MachineRow
                {
                    Machine = _machine,
                    Generation = item.Generation,
                    State = MachineState.Stopped,
                    Since = now,
                    RebootSequence = item.Machine?.RebootSequence ?? Row?.RebootSequence ?? 0,
                    Conditions =
                    [
                        .. byItself ? [new Condition { Type = ConditionType.GuestEnded, Text = $"The guest of machine '{Name}' ended by itself." }] : Array.Empty<Condition>(),
                        .. CutOff(held),
                    ],
                }),
            ];
        });
        EndPhase();
        await _context.Loop.Failpoints.PassAsync(Failpoint.GoneRecorded, _context.Loop.Stopping);
        LogGone(Name, _machine, item.Generation, byItself ? "by itself" : "as asked", held.Count);
    }

    private async Task ForgetAsync(HostItem item)
    {
        if (await StartIsPendingAsync())
        {
            return;
        }

        var now = _context.Loop.Time.GetUtcNow();

        // On disk before anybody is told, as the end of a pool: the server forgets the machine upon that word, and an agent that starts from an older ledger, with no word of
        // the server against it, would start the guest again.
        var written = await _context.Ledger.CommitAsync(tables =>
        {
            var held = tables.AttachmentsOf(_machine.Value);
            return
            [
                .. ObligationRules.LetGo(tables, held, $"machine '{Name}' was removed from this host", now, _context.Ids.Next),
                new LedgerChange.PutMachine(new MachineRow
                {
                    Machine = _machine, Generation = item.Generation, State = MachineState.Absent, Since = now, Conditions = [.. CutOff(held)],
                }),
            ];
        });
        if (written is WriteOutcome.Unwritable unwritable)
        {
            Enter(MachineState.Stopped, new Condition
            {
                Type = ConditionType.LedgerUnwritable, Text = $"Machine '{Name}' is gone from this host, which cannot be written down: {unwritable.Reason}",
            });
            await _wake.WaitAsync(LedgerRetry, _context.Loop.Stopping);
            return;
        }

        EndPhase();
        LogForgotten(Name, _machine, item.Generation);
    }

    /// <summary>
    /// A start that was abandoned may still bring up a guest after it was found absent. Its call is bounded; only when it is over can absence be believed.
    /// </summary>
    private async Task<bool> StartIsPendingAsync()
    {
        if (_startCall is not { } call)
        {
            return false;
        }

        Enter(MachineState.Stopping);
        if (!call.IsCompleted)
        {
            var (ended, waits) = await EndGuestAsync();
            if (ended is DestroyOutcome.Uninterruptible)
            {
                Enter(MachineState.Stopping, [.. waits]);
            }
        }

        await call;
        _startCall = null;
        await LookAsync();
        return _seen is not (Observation.Absent or Observation.Foreign);
    }
}
