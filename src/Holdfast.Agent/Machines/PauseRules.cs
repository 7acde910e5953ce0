using Holdfast.Agent.Hypervisor;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Machines;

/// <summary>What is told of a guest that stands still, and when it is let go on. Pure.</summary>
internal static class PauseRules
{
    /// <summary>How long a guest stands still before the first attempt to let it go on; each next one waits twice as long.</summary>
    public static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(5);

    /// <summary>How long a guest has to be seen running, at least, before it is believed: one whose disk is still full stands still again within a moment.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromSeconds(3);

    /// <summary>How long it has to run, at most, before it is believed.</summary>
    public static readonly TimeSpan MostSettle = TimeSpan.FromSeconds(15);

    /// <summary>How long it has to run before the next pause counts as a new matter, whose first attempt comes soon.</summary>
    public static readonly TimeSpan Steady = TimeSpan.FromMinutes(5);

    /// <summary>How long the hypervisor may hold a guest for something that ends by itself before that is told.</summary>
    public static readonly TimeSpan Passing = TimeSpan.FromSeconds(30);

    /// <summary>Whether it goes on by itself: never what a person suspended.</summary>
    /// <param name="reason">Why it stands still.</param>
    /// <param name="rules">What holds for all guests.</param>
    public static bool GoesOnByItself(PauseReason reason, GuestRules rules) => reason is PauseReason.NoSpace or PauseReason.IoError && rules.ResumeSeconds > 0;

    /// <summary>How long to wait for the next attempt.</summary>
    /// <param name="tries">Attempts before.</param>
    /// <param name="rules">What holds for all guests.</param>
    public static TimeSpan Wait(int tries, GuestRules rules)
    {
        var most = TimeSpan.FromSeconds(rules.ResumeSeconds);
        var wait = FirstWait * Math.Pow(2, Math.Min(tries, 20));
        return wait < most ? wait : most;
    }

    /// <summary>How long it has to be seen running before it is believed: as long as was waited for the attempt, within bounds.</summary>
    /// <param name="tries">Attempts so far.</param>
    /// <param name="rules">What holds for all guests.</param>
    public static TimeSpan SettleAfter(int tries, GuestRules rules) =>
        tries == 0 ? Settle : TimeSpan.FromTicks(Math.Clamp(Wait(tries - 1, rules).Ticks, Settle.Ticks, MostSettle.Ticks));

    /// <summary>What is told of it: one condition for each disk that keeps it from running, else one.</summary>
    /// <param name="spec">The machine.</param>
    /// <param name="pause">Why it stands still.</param>
    /// <param name="rules">What holds for all guests.</param>
    public static IReadOnlyList<Condition> Conditions(MachineSpec spec, GuestPause pause, GuestRules rules)
    {
        var paused = $"Machine '{spec.Name}' is paused";
        var helps = (pause.Reason, GoesOnByItself(pause.Reason, rules)) switch
        {
            (PauseReason.NoSpace, true) => "It goes on by itself when there is room.",
            (PauseReason.IoError, true) => "It goes on by itself when that works again.",
            (PauseReason.NoSpace or PauseReason.IoError, false) => "It does not go on by itself, as the setting vm.paused.resume.interval says: a reboot resets it and lets it go on.",
            (PauseReason.Passing, _) => "It goes on when that is done.",
            _ => "It does not go on by itself: whoever suspended it resumes it, or a reboot resets it and lets it go on.",
        };
        return pause.Disks.Count == 0
            ? [new Condition { Type = ConditionType.Paused, Text = $"{paused}: {pause.Detail}. {helps}" }]
            : [.. pause.Disks.Select(disk => Of(disk, spec.Disks.FirstOrDefault(one => one.VolumeId == disk.Volume)))];

        Condition Of(FailedDisk disk, MachineDisk? known) => new()
        {
            Type = ConditionType.Paused,
            VolumeId = disk.Volume,
            PoolId = known?.PoolId,
            Text = $"{paused}: {(disk.HasNoSpace ? "there is no room for what it writes to" : "I/O failed of")} {NameOf(disk, known)}. {helps}",
        };
    }

    private static string NameOf(FailedDisk disk, MachineDisk? known) => (disk.Volume, known) switch
    {
        (null, _) => $"disk {disk.Target}, which Holdfast did not attach",
        (_, null) => $"volume {disk.Volume} ({disk.Target}), which it is not to have any more",
        _ => $"volume {disk.Volume} ({disk.Target}) on storage pool '{known.PoolName}' ({known.PoolId})",
    };
}
