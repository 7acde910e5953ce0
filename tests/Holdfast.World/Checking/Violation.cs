namespace Holdfast.Worlds.Checking;

/// <summary>An invariant that did not hold.</summary>
/// <param name="Invariant">Which.</param>
/// <param name="What">What happened.</param>
/// <param name="Entry">The entry of the history that showed it.</param>
internal sealed record Violation(string Invariant, string What, int Entry);
