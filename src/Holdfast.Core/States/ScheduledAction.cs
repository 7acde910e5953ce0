namespace Holdfast.Core.States;

/// <summary>What a schedule does to its VM.</summary>
public enum ScheduledAction
{
    /// <summary>Starts it when it is stopped.</summary>
    Start,

    /// <summary>Stops it when it runs.</summary>
    Stop,

    /// <summary>Reboots it when it runs.</summary>
    Reboot,

    /// <summary>Stops it without asking the guest.</summary>
    ForceStop,

    /// <summary>Reboots it without asking the guest.</summary>
    ForceReboot,
}
