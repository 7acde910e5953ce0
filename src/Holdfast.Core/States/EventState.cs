namespace Holdfast.Core.States;

/// <summary>Phase of an event, as CloudStack has it.</summary>
public enum EventState
{
    /// <summary>A job was accepted.</summary>
    Scheduled,

    /// <summary>It was begun.</summary>
    Started,

    /// <summary>It ended; the level tells how.</summary>
    Completed,
}
