using Holdfast.Protocol.Host;

namespace Holdfast.Cli.Host;

/// <summary>What asking this machine's agent came to. A closed hierarchy.</summary>
internal abstract record StatusAnswer
{
    private StatusAnswer()
    {
    }

    /// <summary>It told.</summary>
    /// <param name="Status">Its state.</param>
    /// <param name="Document">The same as it was sent, JSON.</param>
    internal sealed record Told(AgentStatus Status, string Document) : StatusAnswer;

    /// <summary>Nobody told, and why.</summary>
    internal sealed record Untold(string Why) : StatusAnswer;
}
