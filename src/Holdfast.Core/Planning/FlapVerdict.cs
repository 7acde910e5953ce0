namespace Holdfast.Core.Planning;

/// <summary>What becomes of a change of a pool's health.</summary>
public enum FlapVerdict
{
    /// <summary>An event of its own.</summary>
    TellChange,

    /// <summary>One event that says that the pool goes up and down, and that single changes are not told until it is steady.</summary>
    TellFlapping,

    /// <summary>No event: it is known to go up and down.</summary>
    Silence,
}
