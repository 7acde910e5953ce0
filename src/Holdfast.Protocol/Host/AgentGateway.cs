namespace Holdfast.Protocol.Host;

/// <summary>Paths and periods of the agent gateway, the server's listener for agents (HTTP/2, TLS; everything but join needs a client certificate).</summary>
public static class AgentGateway
{
    /// <summary>
    /// GET, answers the authority's certificate as PEM text; needs neither token nor client certificate, because it is public. A joining agent compares its
    /// SHA-256 with the fingerprint in the join token and only then trusts the connection that carries the token (a TLS handshake does not carry roots).
    /// </summary>
    public const string AuthorityPath = "/v1/authority";

    /// <summary>POST <see cref="JoinRequest"/>, answers <see cref="JoinAnswer"/>; needs a join token, no client certificate.</summary>
    public const string JoinPath = "/v1/join";

    /// <summary>GET with query <c>since=REVISION</c>: an SSE stream of <see cref="ItemEvent"/>, <see cref="SyncedEvent"/> and <see cref="PingEvent"/>.</summary>
    public const string WatchPath = "/v1/agent/watch";

    /// <summary>PUT <see cref="HostReport"/>, answers <see cref="HostReportAnswer"/>.</summary>
    public const string ReportPath = "/v1/agent/report";

    /// <summary>POST <see cref="RenewRequest"/>, answers <see cref="JoinAnswer"/>: a new certificate for the same incarnation.</summary>
    public const string RenewPath = "/v1/agent/renew";

    /// <summary>GET with query <c>machine=ID</c>, answers <see cref="GuestTold"/> of a guest that the host's document has it run; 404 of any other.</summary>
    public const string GuestPath = "/v1/agent/guest";

    /// <summary>The common name in every server's certificate. That of an agent's is the id of its installation, so neither can pass for the other.</summary>
    public const string ServerName = "holdfast-server";

    /// <summary>SSE event type of one <see cref="HostItem"/>.</summary>
    public const string ItemEvent = "item";

    /// <summary>SSE event type sent when everything since the named revision was sent; data is <see cref="WatchMark"/>.</summary>
    public const string SyncedEvent = "synced";

    /// <summary>SSE event type of the keep-alive, the first one at once; data is <see cref="WatchMark"/>.</summary>
    public const string PingEvent = "ping";

    /// <summary>Seconds between keep-alives of the watch; an agent that has seen nothing for three of these connects again.</summary>
    public const int PingSeconds = 5;

    /// <summary>Seconds between reports when nothing changes.</summary>
    public const int HeartbeatSeconds = 10;
}

/// <summary>Where a watch stands.</summary>
/// <param name="Revision">The highest revision sent so far.</param>
/// <param name="Guests">What holds for the guests of all hosts; null from a server of a version that has none: what was told before still holds.</param>
public sealed record WatchMark(long Revision, GuestRules? Guests = null);

/// <summary>First contact of an agent.</summary>
public sealed record JoinRequest
{
    /// <summary>The one-time secret of the join token.</summary>
    public required Secret Token { get; init; }

    /// <summary>PEM certificate signing request for the agent's own key.</summary>
    public required string CertificateRequest { get; init; }

    /// <summary>What the host is.</summary>
    public required HostFacts Facts { get; init; }
}

/// <summary>Asks for a new certificate before the old one ends.</summary>
public sealed record RenewRequest
{
    /// <summary>PEM certificate signing request.</summary>
    public required string CertificateRequest { get; init; }
}

/// <summary>An agent's identity.</summary>
public sealed record JoinAnswer
{
    /// <summary>The incarnation; also the certificate's common name.</summary>
    public required Holdfast.Core.Ids.IncarnationId IncarnationId { get; init; }

    /// <summary>The host.</summary>
    public required Holdfast.Core.Ids.HostId HostId { get; init; }

    /// <summary>The agent's certificate, PEM.</summary>
    public required string Certificate { get; init; }

    /// <summary>The authority's certificate, PEM; its SHA-256 fingerprint is part of the join token.</summary>
    public required string Authority { get; init; }
}
