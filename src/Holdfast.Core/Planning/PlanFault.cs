namespace Holdfast.Core.Planning;

/// <summary>What kind of failure ends a job; the server turns it into CloudStack's codes.</summary>
public enum PlanFaultKind
{
    /// <summary>Failed on a host, in the host's or the backend's words.</summary>
    Runtime,

    /// <summary>No host fits.</summary>
    NoCapacity,

    /// <summary>A storage pool that is needed does not serve.</summary>
    StorageUnavailable,

    /// <summary>The job reached its deadline.</summary>
    TimedOut,

    /// <summary>A later operation took its place.</summary>
    Overtaken,

    /// <summary>The object is in the wrong state.</summary>
    WrongState,
}

/// <summary>Why a job failed.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Text">A sentence naming the blocking object.</param>
public sealed record PlanFault(PlanFaultKind Kind, string Text);
