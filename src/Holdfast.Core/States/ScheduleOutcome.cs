namespace Holdfast.Core.States;

/// <summary>What became of one time of a schedule.</summary>
public enum ScheduleOutcome
{
    /// <summary>A job was made.</summary>
    Started,

    /// <summary>Nothing was done: the VM was in another state, or it could not be.</summary>
    Skipped,

    /// <summary>Nothing was done: the time was over long before a server looked.</summary>
    Missed,
}
