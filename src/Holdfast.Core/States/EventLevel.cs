namespace Holdfast.Core.States;

/// <summary>How grave an event is.</summary>
public enum EventLevel
{
    /// <summary>For the record.</summary>
    Info,

    /// <summary>Somebody should look.</summary>
    Warn,

    /// <summary>Something failed.</summary>
    Error,
}
