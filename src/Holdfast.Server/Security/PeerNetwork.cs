using System.Net;
using System.Net.Sockets;

namespace Holdfast.Server.Security;

/// <summary>Whom limits count by.</summary>
internal static class PeerNetwork
{
    private const int NetworkBytes = 8;

    /// <summary>The subject that an address belongs to: of IPv6 the network, because whoever has one address of it has them all.</summary>
    /// <param name="address">The peer's address; null when it is not known.</param>
    /// <returns>A key, the same for all addresses of the subject.</returns>
    public static string Of(IPAddress? address) => address switch
    {
        null => string.Empty,
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, NetworkBytes)),
        _ => address.ToString(),
    };

    /// <summary>An address as people read it.</summary>
    public static string TextOf(IPAddress? address) => address switch
    {
        null => "an unknown address",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        _ => address.ToString(),
    };
}
