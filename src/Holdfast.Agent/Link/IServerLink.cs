using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Link;

/// <summary>The agent gateway of the server, as the agent uses it. Every call is bounded. Called on the loop.</summary>
internal interface IServerLink
{
    /// <summary>
    /// Watches the host document from a revision on. Ends when the server ends the stream; throws <see cref="LinkException"/> when it cannot be opened, breaks,
    /// or is silent for longer than three keep-alives.
    /// </summary>
    IAsyncEnumerable<WatchEvent> WatchAsync(long since, CancellationToken cancellationToken);

    /// <summary>Sends a report.</summary>
    Task<ReportOutcome> ReportAsync(HostReport report, CancellationToken cancellationToken);

    /// <summary>Asks what a guest is told that this host is to run.</summary>
    Task<GuestAnswer> GuestAsync(VmId machine, CancellationToken cancellationToken);
}

/// <summary>The server was not reached or did not answer as agreed.</summary>
internal sealed class LinkException : Exception
{
    /// <summary>Makes one.</summary>
    public LinkException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>An event of the watch. A closed hierarchy.</summary>
internal abstract record WatchEvent
{
    private WatchEvent()
    {
    }

    /// <summary>An item.</summary>
    internal sealed record Item(HostItem Value) : WatchEvent;

    /// <summary>An item that this agent cannot read: of a kind, or with a value, that a newer server knows.</summary>
    /// <param name="Id">What it is about, as far as that can be read.</param>
    /// <param name="Revision">Its revision, as far as that can be read.</param>
    /// <param name="Reason">What cannot be read.</param>
    internal sealed record Unreadable(Guid? Id, long? Revision, string Reason) : WatchEvent;

    /// <summary>Everything since the named revision was sent.</summary>
    internal sealed record Synced(long Revision, GuestRules? Guests = null) : WatchEvent;

    /// <summary>Keep-alive; the first one tells that the stream stands.</summary>
    internal sealed record Ping(long Revision, GuestRules? Guests = null) : WatchEvent;
}

/// <summary>What came of asking what a guest is told. A closed hierarchy.</summary>
internal abstract record GuestAnswer
{
    private GuestAnswer()
    {
    }

    /// <summary>This is.</summary>
    internal sealed record Told(GuestTold Value) : GuestAnswer;

    /// <summary>The server does not tell: by its document this host is not to run the machine any more, or it is of a version that has nothing to tell.</summary>
    internal sealed record Refused(string Reason) : GuestAnswer;

    /// <summary>The server was not reached, or could not answer.</summary>
    internal sealed record Failed(string Reason) : GuestAnswer;
}

/// <summary>How a report went. A closed hierarchy.</summary>
internal abstract record ReportOutcome
{
    private ReportOutcome()
    {
    }

    /// <summary>The server has it.</summary>
    internal sealed record Accepted(long Sequence) : ReportOutcome;

    /// <summary>The server does not want reports of this agent: it is retired, or a newer process of it reports.</summary>
    internal sealed record Refused(string Reason) : ReportOutcome;

    /// <summary>It is not known whether the server has it.</summary>
    internal sealed record Failed(string Reason) : ReportOutcome;
}
