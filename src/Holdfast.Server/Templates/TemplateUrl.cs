using Holdfast.Protocol.Images;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Templates;

/// <summary>
/// Which URLs templates may be registered from. What the URL itself gives away is refused at once by the rule that hosts apply too (<see cref="EgressRule"/>);
/// names are resolved and checked on the host, after every redirect, where the connection is made: checking them here would only tell what this machine's
/// resolver thinks now. Pure.
/// </summary>
internal static class TemplateUrl
{
    /// <summary>Checks.</summary>
    /// <param name="url">The URL.</param>
    /// <param name="isRootAdmin">Root administrators may name local files of hosts, and their own image servers in private networks.</param>
    /// <param name="allowedHosts">What the operator listed: names or addresses, with or without <c>:port</c>.</param>
    /// <param name="fault">Why not.</param>
    /// <returns>The URL as hosts get it, or null.</returns>
    public static string? Check(string url, bool isRootAdmin, IReadOnlyList<string> allowedHosts, out ApiFault? fault)
    {
        if (!Uri.TryCreate(url.Trim(), UriKind.Absolute, out var uri))
        {
            fault = Faults.Invalid($"Invalid template URL {url}: it is not an absolute URL");
            return null;
        }

        // Before anything repeats the URL: a password does not belong into an answer or a log.
        if (uri.UserInfo.Length > 0)
        {
            fault = Faults.Invalid($"Invalid template URL at {uri.Scheme}://{uri.Authority}: a URL with a user name or password is not allowed");
            return null;
        }

        fault = uri.IsFile ? CheckFile(url, uri, isRootAdmin)
            : EgressRule.Refuse(uri, allowedHosts, allowPrivate: isRootAdmin) is { } reason ? Faults.Invalid($"Invalid template URL {url}: {reason}")
            : null;
        return fault is null ? uri.AbsoluteUri : null;
    }

    private static ApiFault? CheckFile(string url, Uri uri, bool isRootAdmin)
    {
        if (!isRootAdmin)
        {
            return Faults.PermissionDenied("Only root administrators may register templates from files of hosts");
        }

        // Dropping a part of it would give another file than the one that was asked for.
        if (url.Contains('#', StringComparison.Ordinal) || url.Contains('?', StringComparison.Ordinal))
        {
            return Faults.Invalid($"Invalid template URL {url}: that of a file has neither a query nor a fragment. In the name of a file, ? is written %3F and # is written %23");
        }

        return uri.IsUnc || uri.AbsolutePath.Length < 2 || Uri.UnescapeDataString(uri.AbsolutePath).Split('/').Contains("..")
            ? Faults.Invalid($"Invalid template URL {url}: it must name an absolute path")
            : null;
    }
}
