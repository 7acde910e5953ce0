using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>
/// One place where a LINSTOR controller may answer. Accepts what LINSTOR's own clients accept: <c>http://</c>, <c>https://</c>, <c>linstor://</c>,
/// <c>linstor+ssl://</c> and a bare <c>host[:port]</c>; a missing port is 3370, or 3371 over TLS.
/// </summary>
internal sealed record ControllerAddress
{
    /// <summary>LINSTOR's port without TLS.</summary>
    public const int PlainPort = 3370;

    /// <summary>LINSTOR's port with TLS.</summary>
    public const int TlsPort = 3371;

    private static readonly SearchValues<char> NeverInAddress = SearchValues.Create("?#\\ \t\r\n");

    private ControllerAddress(Uri root) => Root = root;

    /// <summary>Scheme, host, port and an optional path prefix, ending in a slash.</summary>
    public Uri Root { get; }

    /// <summary>Whether requests to it are encrypted.</summary>
    public bool IsTls => Root.Scheme == Uri.UriSchemeHttps;

    /// <summary>Reads a comma-separated list. Order is kept, repetitions are dropped.</summary>
    /// <param name="text">The list.</param>
    /// <param name="addresses">The addresses; never empty on success.</param>
    /// <param name="error">What is wrong, naming the entry.</param>
    /// <returns>Whether every entry was understood.</returns>
    public static bool TryParseList(string text, out IReadOnlyList<ControllerAddress> addresses, [NotNullWhen(false)] out string? error)
    {
        var list = new List<ControllerAddress>();
        addresses = list;
        foreach (var entry in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryParse(entry, out var address, out error))
            {
                return false;
            }

            if (!list.Contains(address))
            {
                list.Add(address);
            }
        }

        error = list.Count == 0 ? "no controller is named" : null;
        return error is null;
    }

    /// <summary>Reads one address.</summary>
    /// <param name="text">The address.</param>
    /// <param name="address">What was read.</param>
    /// <param name="error">What is wrong.</param>
    /// <returns>Whether it was understood.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out ControllerAddress? address, [NotNullWhen(false)] out string? error)
    {
        address = null;
        var rest = text.Trim();
        var tls = false;
        var separator = rest.IndexOf("://", StringComparison.Ordinal);
        if (separator >= 0)
        {
            switch (rest[..separator].ToLowerInvariant())
            {
                case "http" or "linstor":
                    break;
                case "https" or "linstor+ssl":
                    tls = true;
                    break;
                default:
                    error = $"'{text}' has an unknown scheme; known are http, https, linstor and linstor+ssl";
                    return false;
            }

            rest = rest[(separator + 3)..];
        }

        if (rest.Contains('@'))
        {
            // Never echoed: what stands before the @ is likely a password.
            error = "an address carries user information before an '@'; credentials belong into the pool's secrets";
            return false;
        }

        if (rest.AsSpan().ContainsAny(NeverInAddress))
        {
            error = $"'{text}' is not an address";
            return false;
        }

        var slash = rest.IndexOf('/');
        var authority = slash < 0 ? rest : rest[..slash];
        var path = slash < 0 ? string.Empty : rest[slash..].Trim('/');
        if (!TrySplitPort(authority, out var host, out var port) || Uri.CheckHostName(host.Trim('[', ']')) == UriHostNameType.Unknown)
        {
            error = $"'{text}' is not an address of the form host[:port]";
            return false;
        }

        var builder = new UriBuilder
        {
            Scheme = tls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp,
            Host = host,
            Port = port ?? (tls ? TlsPort : PlainPort),
            Path = path.Length == 0 ? "/" : $"/{path}/",
        };
        address = new ControllerAddress(builder.Uri);
        error = null;
        return true;
    }

    /// <summary>
    /// Where a redirect of this controller leads. Only to https on the same host: whoever can forge the plain answer must not be able to name another machine.
    /// </summary>
    /// <param name="location">The Location header.</param>
    /// <param name="requestPath">Path of the request below the root, which the location repeats.</param>
    /// <returns>The new address, or null when the redirect must not be followed.</returns>
    public ControllerAddress? Redirected(Uri? location, string requestPath)
    {
        if (location is null)
        {
            return null;
        }

        var target = location.IsAbsoluteUri ? location : new Uri(Root, location);
        if (target.Scheme != Uri.UriSchemeHttps || target.UserInfo.Length > 0
            || !string.Equals(target.IdnHost, Root.IdnHost, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var path = target.AbsolutePath.EndsWith("/" + requestPath, StringComparison.Ordinal)
            ? target.AbsolutePath[..^requestPath.Length]
            : Root.AbsolutePath;
        var redirected = new ControllerAddress(new UriBuilder(Uri.UriSchemeHttps, target.IdnHost, target.Port, path).Uri);
        return redirected == this ? null : redirected;
    }

    /// <inheritdoc/>
    public override string ToString() => Root.AbsolutePath == "/" ? Root.GetLeftPart(UriPartial.Authority) : Root.ToString().TrimEnd('/');

    private static bool TrySplitPort(string authority, out string host, out int? port)
    {
        host = authority;
        port = null;
        var portText = string.Empty;
        if (authority.StartsWith('['))
        {
            var end = authority.IndexOf(']');
            if (end < 0)
            {
                return false;
            }

            host = authority[..(end + 1)];
            if (end + 1 == authority.Length)
            {
                return true;
            }

            if (authority[end + 1] != ':')
            {
                return false;
            }

            portText = authority[(end + 2)..];
        }
        else
        {
            var colon = authority.IndexOf(':');
            if (colon < 0)
            {
                return authority.Length > 0;
            }

            host = authority[..colon];
            portText = authority[(colon + 1)..];
        }

        if (!int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 65535)
        {
            return false;
        }

        port = number;
        return host.Length > 0;
    }
}
