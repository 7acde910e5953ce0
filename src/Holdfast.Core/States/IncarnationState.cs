namespace Holdfast.Core.States;

/// <summary>Whether an installation of an agent may still speak.</summary>
public enum IncarnationState
{
    /// <summary>May connect.</summary>
    Active,

    /// <summary>Replaced by a re-imaged successor or taken out by an operator; refused, and absolved of what it had not confirmed.</summary>
    Retired,
}
