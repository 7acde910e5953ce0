using System.Net;
using System.Net.Sockets;

namespace Holdfast.Agent.Ingest;

/// <summary>
/// Which addresses an image may be fetched from: public ones, and those of hosts that the operator listed. Asked for every address that a name resolves to, after
/// every redirect; the connection then goes to the address that was asked about. Pure.
/// </summary>
/// <param name="allowedHosts">Names or addresses that the operator listed, with or without <c>:port</c>.</param>
internal sealed class EgressGuard(IReadOnlyList<string> allowedHosts)
{
    private static readonly IPNetwork[] Closed =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.0.0.0/24"), IPNetwork.Parse("192.168.0.0/16"),
        IPNetwork.Parse("198.18.0.0/15"), IPNetwork.Parse("224.0.0.0/3"),
        IPNetwork.Parse("::/128"), IPNetwork.Parse("::1/128"), IPNetwork.Parse("64:ff9b::/96"), IPNetwork.Parse("2002::/16"), IPNetwork.Parse("fc00::/7"),
        IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("fec0::/10"), IPNetwork.Parse("ff00::/8"),
    ];

    /// <summary>Why a URL may not be followed at all; null when its form is fine.</summary>
    public static string? Refuse(Uri url) => url switch
    {
        { Scheme: not ("http" or "https") } => $"the scheme '{url.Scheme}' is not allowed",
        { UserInfo.Length: > 0 } => "a URL with a user name or password is not allowed",
        { Host.Length: 0 } => "it names no host",
        _ => null,
    };

    /// <summary>Whether a host may be asked at the given address.</summary>
    public bool Allows(string host, int port, IPAddress address)
    {
        if (allowedHosts.Any(allowed => string.Equals(allowed, host, StringComparison.OrdinalIgnoreCase)
            || string.Equals(allowed, $"{host}:{port}", StringComparison.OrdinalIgnoreCase)))
        {
            return true;
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return !Closed.Any(network => network.BaseAddress.AddressFamily == plain.AddressFamily && network.Contains(plain))
            && plain.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;
    }
}
