namespace Holdfast.Core.States;

/// <summary>State of a template.</summary>
public enum TemplateState
{
    /// <summary>No pool holds a checked copy yet.</summary>
    Pending,

    /// <summary>At least one pool took a checked copy; others get theirs on demand.</summary>
    Ready,

    /// <summary>The image could not be imported; the status text says why.</summary>
    Failed,
}
