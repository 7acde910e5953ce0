namespace Holdfast.Core.States;

/// <summary>What becomes of the root disk whose place a new one takes, once that is made.</summary>
public enum RootReplacement
{
    /// <summary>It is destroyed, and can be recovered for a while.</summary>
    Destroy,

    /// <summary>It is deleted at once.</summary>
    Expunge,
}
