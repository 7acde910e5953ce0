using System.Net;
using Holdfast.Protocol.Images;

namespace Holdfast.Agent.Ingest;

/// <summary>
/// Which addresses an image may be fetched from: public ones, and those of hosts that the operator listed. Asked for every address that a name resolves to, after
/// every redirect; the connection then goes to the address that was asked about. The rule is <see cref="EgressRule"/>, the server's as well. Pure.
/// </summary>
/// <param name="allowedHosts">Names or addresses that the operator listed, with or without <c>:port</c>.</param>
internal sealed class EgressGuard(IReadOnlyList<string> allowedHosts)
{
    /// <summary>Why a URL may not be followed at all; null when its form is fine.</summary>
    public static string? Refuse(Uri url) => EgressRule.RefuseForm(url);

    /// <summary>Whether a host may be asked at the given address.</summary>
    public bool Allows(string host, int port, IPAddress address) =>
        EgressRule.IsListed(allowedHosts, host, port) || EgressRule.ReachOf(address) == AddressReach.Public;
}
