using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Machines;

// A guest that is to run and stands still: told as what it is, and let go on where nobody but a disk holds it.
internal sealed partial class MachineRunner
{
    private static readonly TimeSpan LookAtPaused = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LookAfterReset = TimeSpan.FromSeconds(2);
    private Standstill? _standstill;

    /// <summary>Lets a guest go on when its time has come. Called for a guest that is to run.</summary>
    /// <returns>Whether that was tried: how the guest is now has to be looked at.</returns>
    private async Task<bool> LetGoOnAsync(HostItem item, OwnDomain domain)
    {
        var rules = _context.Guests();
        if (domain is not { Status: DomainStatus.Paused, Pause: { } pause })
        {
            return false;
        }

        var now = _context.Loop.Time.GetTimestamp();
        if (_standstill is null || (_standstill.RunsSince is { } ran && _context.Loop.Time.GetElapsedTime(ran) >= PauseRules.Steady))
        {
            _standstill = new Standstill { SeenAt = now, TriedAt = now };
        }
        else if (_standstill is { IsOver: true })
        {
            // Soon after the last one: attempts go on as seldom as they came.
            (_standstill.IsOver, _standstill.SeenAt, _standstill.TriedAt) = (false, now, now);
        }

        _standstill.RunsSince = null;
        if (!PauseRules.GoesOnByItself(pause.Reason, rules) || !IsConfirmed || _context.Loop.Time.GetElapsedTime(_standstill.TriedAt) < PauseRules.Wait(_standstill.Tries, rules))
        {
            return false;
        }

        // Told before it is changed: an agent that ends here leaves nothing untold.
        await RecordPauseAsync(PauseRules.Conditions(item.Machine!, pause, rules));
        (_standstill.Tries, _standstill.TriedAt) = (_standstill.Tries + 1, now);
        LogLetsGoOn(Name, _machine, pause.Detail, $"try {_standstill.Tries}");
        if (await _context.Hypervisor.ResumeAsync(_machine, _context.Loop.Stopping) is ResumeOutcome.Failed failed)
        {
            LogNotLetGoOn(Name, _machine, failed.Fault.Message);
        }

        _standstill.TriedAt = _context.Loop.Time.GetTimestamp();
        return true;
    }

    /// <summary>Writes down that a running guest stands still, or that it goes on. Its report follows the ledger.</summary>
    /// <returns>How long nothing is to be done about it.</returns>
    private async Task<TimeSpan> TellPauseAsync(HostItem item)
    {
        var rules = _context.Guests();
        var domain = (_seen as Observation.Present)?.Domain;
        if (domain is { Status: DomainStatus.Paused, Pause: { } pause })
        {
            var standing = _context.Loop.Time.GetElapsedTime(_standstill!.SeenAt);
            if (pause.Reason == PauseReason.Passing && standing < PauseRules.Passing)
            {
                return PauseRules.Passing - standing;
            }

            await RecordPauseAsync(PauseRules.Conditions(item.Machine!, pause, rules));
            var left = PauseRules.Wait(_standstill.Tries, rules) - _context.Loop.Time.GetElapsedTime(_standstill.TriedAt);
            return PauseRules.GoesOnByItself(pause.Reason, rules) && IsConfirmed && left < LookAtPaused ? left > TimeSpan.Zero ? left : TimeSpan.Zero : LookAtPaused;
        }

        var isTold = IsToldAsPaused;
        if (domain is not { Status: DomainStatus.Running } || (_standstill is null or { IsOver: true } && !isTold))
        {
            // Of a guest that libvirt says nothing about, nothing new is known.
            return Timeout.InfiniteTimeSpan;
        }

        _standstill ??= new Standstill();
        _standstill.RunsSince ??= _context.Loop.Time.GetTimestamp();
        var settles = PauseRules.SettleAfter(_standstill.Tries, rules) - _context.Loop.Time.GetElapsedTime(_standstill.RunsSince.Value);
        if (settles > TimeSpan.Zero)
        {
            return settles;
        }

        _standstill.IsOver = true;
        if (isTold)
        {
            await RecordPauseAsync([]);
            LogGoesOn(Name, _machine, _standstill.Tries);
        }

        return Timeout.InfiniteTimeSpan;
    }

    private bool IsToldAsPaused => Row is { State: MachineState.Running } row && row.Conditions.Any(condition => condition.Type == ConditionType.Paused);

    private async Task RecordPauseAsync(IReadOnlyList<Condition> conditions)
    {
        // A reboot that failed because the guest stands still has had its answer when that is over.
        bool IsOver(Condition condition) => condition.Type == ConditionType.Paused || (condition.Type == ConditionType.Failed && conditions.Count == 0 && Row!.RefusedReboot > Row.RebootSequence);
        if (Row is not { State: MachineState.Running } row || row.Conditions.Where(condition => condition.Type == ConditionType.Paused).SequenceEqual(conditions))
        {
            return;
        }

        if (conditions.Count > 0)
        {
            LogStandsStill(Name, _machine, string.Join(" ", conditions.Select(condition => condition.Text)));
        }

        await _context.Ledger.RecordAsync(new LedgerChange.PutMachine(row with { Conditions = [.. row.Conditions.Where(condition => !IsOver(condition)), .. conditions] }));
    }

    /// <summary>A guest that stands still hears no request to restart: it is reset, and then let go on, whoever suspended it. It is done when it runs.</summary>
    private async Task RebootPausedAsync(HostItem item, Adjustment.Reboot reboot)
    {
        switch (await _context.Hypervisor.ResetAsync(_machine, _context.Loop.Stopping))
        {
            case RebootOutcome.NotRunning:
                return;
            case RebootOutcome.Failed failed:
                await RefuseRebootAsync(item, reboot, failed.Fault.Message);
                return;
        }

        LogLetsGoOn(Name, _machine, (_seen as Observation.Present)?.Domain.Pause?.Detail ?? "no reason given", $"reboot {reboot.Sequence} was asked for, and it was reset");
        switch (await _context.Hypervisor.ResumeAsync(_machine, _context.Loop.Stopping))
        {
            case ResumeOutcome.NotRunning:
                return;
            case ResumeOutcome.Failed failed:
                await RefuseRebootAsync(item, reboot, $"it was reset, and could not be let go on: {failed.Fault.Message}");
                return;
        }

        // A disk that the firmware cannot read stops it within a moment.
        var began = _context.Loop.Time.GetTimestamp();
        while (LookAfterReset - _context.Loop.Time.GetElapsedTime(began) is var left && left > TimeSpan.Zero)
        {
            await _wake.WaitAsync(left, _context.Loop.Stopping);
            await LookAsync();
            if (_seen is Observation.Present { Domain: { Status: DomainStatus.Paused, Pause: { Reason: not PauseReason.Passing } pause } })
            {
                await RefuseRebootAsync(
                    item, reboot, "it was reset, and stands still again: " + string.Join(" ", PauseRules.Conditions(item.Machine!, pause, _context.Guests()).Select(condition => condition.Text)));
                return;
            }

            if (_seen is not Observation.Present)
            {
                return;
            }
        }

        await _context.Ledger.RecordAsync(new LedgerChange.PutMachine(Row! with { RebootSequence = reboot.Sequence }));
        LogRebooted(Name, _machine, reboot.Sequence, forced: true);
    }

    /// <summary>A time that a guest stands still, and the while after it.</summary>
    private sealed class Standstill
    {
        /// <summary>When it was first seen to stand still.</summary>
        public long SeenAt { get; set; }

        /// <summary>How often this process let it go on.</summary>
        public int Tries { get; set; }

        /// <summary>When it did so last, or found it.</summary>
        public long TriedAt { get; set; }

        /// <summary>Since when it has been seen running without a break; null: it stands still.</summary>
        public long? RunsSince { get; set; }

        /// <summary>Whether it was believed to run, and told.</summary>
        public bool IsOver { get; set; }
    }
}
