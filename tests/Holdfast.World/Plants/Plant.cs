namespace Holdfast.Worlds.Plants;

/// <summary>A bug on purpose: a component swapped for a faulty twin, to see whether a checker finds it. Never a switch in the product.</summary>
/// <param name="Name">The bug.</param>
/// <param name="Invariants">Which invariants it breaks; one of them must be found broken.</param>
/// <param name="Twins">The twin.</param>
/// <param name="Play">Plays a seed with it.</param>
internal sealed record Plant(string Name, IReadOnlyList<string> Invariants, Func<Twins> Twins, Action<int, Twins> Play);
