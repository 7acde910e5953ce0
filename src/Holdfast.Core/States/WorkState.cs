namespace Holdfast.Core.States;

/// <summary>State of a task as the server knows it.</summary>
public enum WorkState
{
    /// <summary>Given to a host.</summary>
    Pending,

    /// <summary>Deletions: written down in the host's ledger.</summary>
    Owed,

    /// <summary>Confirmed by the backend.</summary>
    Done,

    /// <summary>Failed and undone.</summary>
    Failed,

    /// <summary>Nobody waits for it any more; the host was told to forget it.</summary>
    Withdrawn,
}
