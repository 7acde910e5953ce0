using System.Net;
using System.Net.Sockets;

namespace Holdfast.Server.Operations;

/// <summary>
/// The server's half of the egress guard for template URLs: scheme, form, and addresses written as numbers. Names are resolved and checked on the host, after
/// every redirect, where the connection is made; checking them here as well would only tell what this machine's resolver thinks now. Pure.
/// </summary>
internal static class TemplateUrl
{
    /// <summary>Checks.</summary>
    /// <param name="url">The URL.</param>
    /// <param name="isRootAdmin">Root administrators may name local files of hosts.</param>
    /// <param name="fault">Why not.</param>
    /// <returns>The URL as hosts get it, or null.</returns>
    public static string? Check(string url, bool isRootAdmin, out ApiFault? fault)
    {
        fault = null;
        if (!Uri.TryCreate(url.Trim(), UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https" or "file"))
        {
            fault = Faults.Invalid($"Invalid template URL {url}: it is http://, https:// or file://");
            return null;
        }

        if (uri.UserInfo.Length > 0)
        {
            fault = Faults.Invalid("Invalid template URL: it must not contain credentials");
            return null;
        }

        if (uri.IsFile)
        {
            if (!isRootAdmin)
            {
                fault = Faults.PermissionDenied("Only root administrators may register templates from files of hosts");
                return null;
            }

            if (uri.IsUnc || uri.AbsolutePath.Length < 2 || Uri.UnescapeDataString(uri.AbsolutePath).Split('/').Contains(".."))
            {
                fault = Faults.Invalid($"Invalid template URL {url}: it must name an absolute path");
                return null;
            }

            return uri.AbsoluteUri;
        }

        // Loopback by name, and addresses that no image server outside has. Root administrators run their own image servers on private networks.
        var isLocal = uri.IsLoopback || (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && IsForbidden(address, isRootAdmin));
        if (isLocal && !(isRootAdmin && uri.IsLoopback))
        {
            fault = Faults.Invalid($"Invalid template URL {url}: the address {uri.Host} is not allowed");
            return null;
        }

        return uri.AbsoluteUri;
    }

    private static bool IsForbidden(IPAddress address, bool isRootAdmin)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || address.IsIPv6Multicast || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            return true;
        }

        if (address.AddressFamily != AddressFamily.InterNetwork)
        {
            return address.IsIPv6UniqueLocal && !isRootAdmin;
        }

        var bytes = address.GetAddressBytes();
        return bytes switch
        {
            [169, 254, ..] or [0, ..] or [>= 224, ..] => true,
            [10, ..] or [172, >= 16 and <= 31, ..] or [192, 168, ..] or [100, >= 64 and <= 127, ..] => !isRootAdmin,
            _ => false,
        };
    }
}
