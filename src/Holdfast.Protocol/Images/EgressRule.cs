using System.Net;
using System.Net.Sockets;

namespace Holdfast.Protocol.Images;

/// <summary>
/// Which URLs an image may be fetched from. One rule for both sides: the server refuses at once what the URL itself gives away, the host asks again for every
/// address that a name resolves to and after every redirect. Pure.
/// </summary>
public static class EgressRule
{
    private static readonly IPNetwork[] PrivateNetworks =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("fc00::/7"),
    ];

    private static readonly IPNetwork[] ForbiddenNetworks =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("192.0.0.0/24"),
        IPNetwork.Parse("198.18.0.0/15"), IPNetwork.Parse("224.0.0.0/3"),
        IPNetwork.Parse("::/128"), IPNetwork.Parse("::1/128"), IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("fec0::/10"), IPNetwork.Parse("ff00::/8"),

        // Tunnels whose far end the address hides or a local translator chooses: Teredo, and NAT64 with a prefix of the site's own.
        IPNetwork.Parse("2001::/32"), IPNetwork.Parse("64:ff9b:1::/48"),

        // Metadata services of clouds that lie outside the link-local range.
        IPNetwork.Parse("100.100.100.200/32"), IPNetwork.Parse("168.63.129.16/32"), IPNetwork.Parse("fd00:ec2::254/128"),
    ];

    private static readonly string[] ForbiddenNames =
    [
        "localhost", "localhost.localdomain", "localhost6", "localhost6.localdomain6", "ip6-localhost", "ip6-loopback", "metadata", "metadata.google.internal", "instance-data",
    ];

    /// <summary>From where an address can be reached. IPv4 addresses inside IPv6 ones (mapped, compatible, NAT64, 6to4) count as what they lead to.</summary>
    /// <param name="address">The address.</param>
    /// <returns>Its reach.</returns>
    public static AddressReach ReachOf(IPAddress address)
    {
        var plain = Embedded(address) ?? address;
        return ForbiddenNetworks.Any(n => Contains(n, plain)) || plain.AddressFamily is not (AddressFamily.InterNetwork or AddressFamily.InterNetworkV6) ? AddressReach.Forbidden
            : PrivateNetworks.Any(n => Contains(n, plain)) ? AddressReach.Private
            : AddressReach.Public;
    }

    /// <summary>Whether the operator listed a host.</summary>
    /// <param name="allowedHosts">Names or addresses, with or without <c>:port</c>.</param>
    /// <param name="host">The host as the URL has it; IPv6 with or without brackets.</param>
    /// <param name="port">The port.</param>
    /// <returns>True when it is an exception from the rule about addresses.</returns>
    public static bool IsListed(IReadOnlyList<string> allowedHosts, string host, int port)
    {
        var bare = Bare(host);
        return allowedHosts.Any(allowed => string.Equals(Bare(allowed), bare, StringComparison.OrdinalIgnoreCase)
            || string.Equals(allowed, $"{bare}:{port}", StringComparison.OrdinalIgnoreCase)
            || string.Equals(allowed, $"[{bare}]:{port}", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Why a URL may not be followed whatever its host is.</summary>
    /// <param name="url">An absolute URL.</param>
    /// <returns>Why not; null when its form is fine.</returns>
    public static string? RefuseForm(Uri url) => url switch
    {
        { Scheme: not ("http" or "https") } => $"the scheme '{url.Scheme}' is not allowed",
        { UserInfo.Length: > 0 } => "a URL with a user name or password is not allowed",
        { Host.Length: 0 } => "it names no host",
        _ => null,
    };

    /// <summary>Why a URL may not be followed, as far as the URL itself tells. A name that is no known alias of a forbidden address is left to whoever resolves it.</summary>
    /// <param name="url">An absolute URL.</param>
    /// <param name="allowedHosts">What the operator listed.</param>
    /// <param name="allowPrivate">Whether addresses in private networks are fine.</param>
    /// <returns>Why not; null when nothing speaks against it.</returns>
    public static string? Refuse(Uri url, IReadOnlyList<string> allowedHosts, bool allowPrivate)
    {
        if (RefuseForm(url) is { } form)
        {
            return form;
        }

        if (IsListed(allowedHosts, url.Host, url.Port))
        {
            return null;
        }

        // Decimal, octal, hexadecimal and short forms: whatever a resolver would read as an address is read as one here.
        var host = Bare(url.IdnHost).TrimEnd('.');
        if (!IPAddress.TryParse(host, out var address))
        {
            return ForbiddenNames.Contains(host, StringComparer.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
                ? $"{url.Host} is a name of this machine or of a metadata service, which images may not be fetched from"
                : null;
        }

        return ReachOf(address) switch
        {
            AddressReach.Forbidden => $"{address} is a loopback, link-local, metadata, multicast, unspecified or reserved address, which images may not be fetched from",
            AddressReach.Private when !allowPrivate => $"{address} is an address in a private network, which images may not be fetched from",
            _ => null,
        };
    }

    private static string Bare(string host) => host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host;

    private static bool Contains(IPNetwork network, IPAddress address) =>
        network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address);

    private static IPAddress? Embedded(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return null;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return bytes switch
        {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 or 1] => null,
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ..] or [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, ..] => new IPAddress(bytes[12..]),
            [0x20, 0x02, ..] => new IPAddress(bytes[2..6]),
            _ => null,
        };
    }
}
