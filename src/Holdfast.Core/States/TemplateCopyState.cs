namespace Holdfast.Core.States;

/// <summary>State of a template on one pool.</summary>
public enum TemplateCopyState
{
    /// <summary>A host was told to import it.</summary>
    Importing,

    /// <summary>Sealed; volumes are cloned from it.</summary>
    Ready,

    /// <summary>The import failed; the next deploy tries again with a new volume.</summary>
    Failed,

    /// <summary>A deletion is on its way or owed.</summary>
    Deleting,

    /// <summary>Deleted, or left behind with its pool as an orphan.</summary>
    Gone,
}
