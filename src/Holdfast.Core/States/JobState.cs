namespace Holdfast.Core.States;

/// <summary>State of an asynchronous job; the numbers are CloudStack's.</summary>
public enum JobState
{
    /// <summary>Under way.</summary>
    Pending,

    /// <summary>Done.</summary>
    Succeeded,

    /// <summary>Ended with the error in its result.</summary>
    Failed,
}
