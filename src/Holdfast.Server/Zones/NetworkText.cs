using System.Net;
using System.Net.Sockets;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Zones;

/// <summary>What zones and pods are told of addresses: read strictly, because all of it is kept and shown to others.</summary>
internal static class NetworkText
{
    private const int LongestDomain = 190;

    /// <summary>An IPv4 address in its usual form; null: it is not one.</summary>
    public static IPAddress? Ipv4(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork && address.ToString() == text ? address : null;

    /// <summary>The number that an IPv4 address is.</summary>
    public static uint NumberOf(IPAddress address) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    /// <summary>The address of a number.</summary>
    public static IPAddress AddressOf(uint number)
    {
        var bytes = new byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }

    /// <summary>Why a text is no IPv4 address; null: it is one, or none was sent.</summary>
    public static ApiFault? Ipv4Fault(string parameter, string? text) =>
        text is null || Ipv4(text) is not null ? null : Faults.Invalid($"Parameter {parameter} is not an IPv4 address: {text}");

    /// <summary>Why a text is no IPv6 address; null: it is one, or none was sent.</summary>
    public static ApiFault? Ipv6Fault(string parameter, string? text) =>
        text is null || (IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6 && !text.Contains('%'))
            ? null
            : Faults.Invalid($"Parameter {parameter} is not an IPv6 address: {text}");

    /// <summary>Why a text is no IPv4 network; null: it is one, or none was sent.</summary>
    public static ApiFault? CidrFault(string parameter, string? text) =>
        text is null || (text.Split('/') is [var address, var length] && Ipv4(address) is not null && byte.TryParse(length, System.Globalization.NumberStyles.None, null, out var bits) && bits is >= 1 and <= 32)
            ? null
            : Faults.Invalid($"Parameter {parameter} is not an IPv4 network such as 10.1.1.0/24: {text}");

    /// <summary>Why a text is no domain name; null: it is one, or it is empty or none was sent.</summary>
    public static ApiFault? DomainFault(string parameter, string? text) =>
        text is null or "" || (text.Length <= LongestDomain && text.Split('.').All(IsLabel))
            ? null
            : Faults.Invalid($"Parameter {parameter} is not a domain name of at most {LongestDomain} characters, whose parts have 1 to 63 letters, digits and inner dashes: {text}");

    private static bool IsLabel(string label) =>
        label.Length is >= 1 and <= 63 && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') && label[0] != '-' && label[^1] != '-';
}
