using Holdfast.Agent;
using Microsoft.Extensions.DependencyInjection;

namespace Holdfast.Worlds;

/// <summary>Components of the product that a world swaps for faulty twins, to see whether the checkers notice.</summary>
internal sealed record Twins
{
    /// <summary>Changes what an agent is made of.</summary>
    public Func<World, AgentParts, AgentParts> Agent { get; init; } = static (_, parts) => parts;

    /// <summary>Changes what a server node is made of.</summary>
    public Action<IServiceCollection>? Server { get; init; }
}
