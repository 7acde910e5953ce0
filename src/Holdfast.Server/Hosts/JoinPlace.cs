namespace Holdfast.Server.Hosts;

/// <summary>Where agents find this server, as far as it knows itself: a proxy or another name in front of it is the operator's to put there.</summary>
/// <param name="Host">Its name or address.</param>
/// <param name="Port">The port of the agent gateway.</param>
internal sealed record JoinPlace(string Host, int Port)
{
    /// <summary>The command with which an agent joins. The token comes on standard input, where no list of processes shows it.</summary>
    public string Command => $"holdfast-agent --server https://{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port} --data /var/lib/holdfast-agent --join-token-file -";
}
