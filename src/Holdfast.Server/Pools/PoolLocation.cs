using System.Diagnostics.CodeAnalysis;
using Holdfast.Protocol;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Pools;

/// <summary>What a storage pool's URL, provider and details mean: the driver and its configuration. Pure.</summary>
internal sealed record PoolLocation
{
    private const string TokenDetail = "lin.auth.apitoken";

    private static readonly Dictionary<string, string> LinstorDetails = new(StringComparer.OrdinalIgnoreCase)
    {
        ["resourceGroup"] = "resourceGroup",
        ["resource-group"] = "resourceGroup",
        ["caCertificate"] = "caCertificate",
        ["fingerprint"] = "fingerprint",
        ["insecure"] = "insecure",
        ["allowTokenOverHttp"] = "allowTokenOverHttp",
        ["nodeName"] = "nodeName",
    };

    // They name programs and paths of the hosts, where drivers run as root.
    private static readonly HashSet<string> HostOnly = new(StringComparer.OrdinalIgnoreCase) { "devicePrefix", "drbdsetup" };

    private static readonly Dictionary<string, string> DirectoryDetails = new(StringComparer.OrdinalIgnoreCase)
    {
        ["format"] = "format",
        ["shared"] = "shared",
        ["requireMount"] = "requireMount",
    };

    /// <summary>The driver of storage pools that are folders.</summary>
    public const string DirectoryDriver = "directory";

    /// <summary>CloudStack's provider name.</summary>
    public required string Provider { get; init; }

    /// <summary>Short name of the driver.</summary>
    public required string Driver { get; init; }

    /// <summary>CloudStack's pool type.</summary>
    public required string Type { get; init; }

    /// <summary>The URL as given, without credentials.</summary>
    public required string Url { get; init; }

    /// <summary>CloudStack's <c>ipaddress</c>.</summary>
    public required string Address { get; init; }

    /// <summary>CloudStack's <c>path</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Configuration of the driver.</summary>
    public required SortedDictionary<string, string> Config { get; init; }

    /// <summary>Secret configuration of the driver.</summary>
    public required SortedDictionary<string, Secret> Secrets { get; init; }

    /// <summary>A secret was named with an empty value: there is to be none.</summary>
    public bool ClearsSecrets { get; private set; }

    /// <summary>Details to show: as given, without secrets.</summary>
    public required SortedDictionary<string, string> Details { get; init; }

    /// <summary>Reads URL, provider and details.</summary>
    /// <param name="url">The URL.</param>
    /// <param name="provider">The provider; null: by the URL.</param>
    /// <param name="details">The details.</param>
    /// <param name="location">What they mean.</param>
    /// <param name="fault">What is wrong.</param>
    /// <returns>Whether they mean something.</returns>
    public static bool TryRead(
        string url,
        string? provider,
        IReadOnlyDictionary<string, string> details,
        [NotNullWhen(true)] out PoolLocation? location,
        [NotNullWhen(false)] out ApiFault? fault)
    {
        location = null;
        fault = null;
        url = url.Trim();
        switch (provider?.Trim().ToUpperInvariant())
        {
            case "LINSTOR":
                location = ReadLinstor(url, details, out fault);
                break;
            case "DEFAULTPRIMARY":
                location = ReadDirectory(url, details, out fault);
                break;
            case null or "":
                location = url.StartsWith("linstor", StringComparison.OrdinalIgnoreCase)
                    ? ReadLinstor(url, details, out fault)
                    : ReadDirectory(url, details, out fault);
                break;
            default:
                fault = Faults.Invalid($"can't find storage provider: {provider}");
                break;
        }

        if (location is null && fault is null)
        {
            throw new InvalidOperationException("A refused location has a fault.");
        }

        return location is not null;
    }

    private static PoolLocation? ReadLinstor(string url, IReadOnlyDictionary<string, string> details, out ApiFault? fault)
    {
        fault = null;
        if (url.Contains('#', StringComparison.Ordinal))
        {
            fault = Faults.Invalid($"Invalid Linstor URL {Shown(url)}: it has no fragment (#)");
            return null;
        }

        var rest = url;
        var query = rest.IndexOf('?', StringComparison.Ordinal);
        string? group = null;
        if (query >= 0)
        {
            foreach (var pair in rest[(query + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                var parts = pair.Split('=', 2);
                if (!parts[0].Equals("resourceGroup", StringComparison.OrdinalIgnoreCase) || parts.Length != 2)
                {
                    fault = Faults.Invalid($"Invalid Linstor URL {Shown(url)}: the only query it may have is resourceGroup");
                    return null;
                }

                group = Uri.UnescapeDataString(parts[1]);
            }

            rest = rest[..query];
        }

        var addresses = new List<string>();
        foreach (var part in rest.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var text = part.Contains("://", StringComparison.Ordinal) ? part : SchemeOf(addresses) + part;
            if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0 || uri.Scheme is not ("http" or "https" or "linstor" or "linstor+ssl") || uri.UserInfo.Length > 0)
            {
                fault = Faults.Invalid($"Invalid Linstor URL {Shown(url)}: it names controllers as http(s)://, linstor:// or linstor+ssl://HOST[:PORT]");
                return null;
            }

            var path = uri.AbsolutePath.Trim('/');
            if (path.Length > 0)
            {
                var named = Uri.UnescapeDataString(path);
                if (group is not null && group != named)
                {
                    fault = Faults.Invalid($"Invalid Linstor URL {Shown(url)}: it names two resource groups, {group} and {named}");
                    return null;
                }

                group = named;
            }

            var isTls = uri.Scheme is "https" or "linstor+ssl";
            var hasPort = text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..].Split('/')[0] is var authority && authority.LastIndexOf(':') > authority.LastIndexOf(']');
            var port = hasPort ? uri.Port : isTls ? 3371 : 3370;
            addresses.Add($"{(isTls ? "https" : "http")}://{uri.Host}:{port}");
        }

        if (addresses.Count == 0)
        {
            fault = Faults.Invalid($"Invalid Linstor URL {Shown(url)}: it names no controller");
            return null;
        }

        var location = new PoolLocation
        {
            Provider = "Linstor",
            Driver = "linstor",
            Type = "Linstor",
            Url = url,
            Address = addresses[0],
            Path = group ?? "DfltRscGrp",
            Config = new(StringComparer.Ordinal) { ["controllers"] = string.Join(',', addresses) },
            Secrets = new(StringComparer.Ordinal),
            Details = new(StringComparer.Ordinal),
        };
        foreach (var (name, value) in details)
        {
            if (name.Equals(TokenDetail, StringComparison.OrdinalIgnoreCase))
            {
                location.ClearsSecrets = value.Length == 0;
                if (value.Length > 0)
                {
                    location.Secrets["token"] = new Secret(value);
                }

                continue;
            }

            if (value.Length == 0)
            {
                continue;
            }

            if (HostOnly.Contains(name))
            {
                fault = Faults.Invalid(
                    $"Detail {name} names a program or path of the hosts and cannot be given with a storage pool: it is set on each host, in drivers.json of the agent's data folder (docs/drivers.md)");
                return null;
            }

            if (!LinstorDetails.TryGetValue(name, out var setting))
            {
                fault = Unknown(name, "on Linstor", [.. LinstorDetails.Values.Distinct(), TokenDetail]);
                return null;
            }

            location.Details[name] = value;
            location.Config[setting] = value;
        }

        if (location.Config.TryGetValue("resourceGroup", out var byDetail))
        {
            if (group is not null && group != byDetail)
            {
                fault = Faults.Invalid($"The Linstor URL {Shown(url)} names the resource group {group}, and the details name {byDetail}");
                return null;
            }

            return location with { Path = byDetail };
        }

        location.Config["resourceGroup"] = location.Path;
        return location;
    }

    private static PoolLocation? ReadDirectory(string url, IReadOnlyDictionary<string, string> details, out ApiFault? fault)
    {
        fault = null;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("file" or "sharedmountpoint" or "filesystem")
            || uri.UserInfo.Length > 0
            || uri.Host is not ("" or "localhost" or "127.0.0.1"))
        {
            fault = Faults.Invalid($"Invalid URL {Shown(url)} for storage provider DefaultPrimary: it is file:///PATH or SharedMountPoint://localhost/PATH. Of Linstor it is linstor://HOST/GROUP, or any address with provider=Linstor");
            return null;
        }

        // Dropping a part of it would give another folder than the one that was asked for.
        if (url.Contains('?', StringComparison.Ordinal) || url.Contains('#', StringComparison.Ordinal))
        {
            fault = Faults.Invalid($"Invalid URL {Shown(url)}: it has neither a query nor a fragment. In the name of a folder, ? is written %3F and # is written %23");
            return null;
        }

        // As it was written: Uri has '.' and '..' worked out already.
        var written = Uri.UnescapeDataString(url).Split('/');
        var path = Uri.UnescapeDataString(uri.AbsolutePath);
        if (path.Length < 2 || written.Contains(".") || written.Contains("..") || path.Any(char.IsControl) || System.IO.Path.GetFullPath(path).TrimEnd('/') != path.TrimEnd('/'))
        {
            fault = Faults.Invalid($"Invalid URL {Shown(url)}: it must name an absolute path without '.', '..' or empty parts");
            return null;
        }

        var location = new PoolLocation
        {
            Provider = "DefaultPrimary",
            Driver = DirectoryDriver,
            Type = uri.Scheme == "sharedmountpoint" ? "SharedMountPoint" : "Filesystem",
            Url = url,
            Address = "localhost",
            Path = path.TrimEnd('/'),
            Config = new(StringComparer.Ordinal) { ["path"] = path.TrimEnd('/') },
            Secrets = new(StringComparer.Ordinal),
            Details = new(StringComparer.Ordinal),
        };
        if (uri.Scheme == "sharedmountpoint")
        {
            location.Config["shared"] = "true";
        }

        foreach (var (name, value) in details)
        {
            if (value.Length == 0)
            {
                continue;
            }

            if (!DirectoryDetails.TryGetValue(name, out var setting))
            {
                fault = Unknown(name, "that is a folder", DirectoryDetails.Values);
                return null;
            }

            location.Details[name] = value;
            location.Config[setting] = value;
        }

        return location;
    }

    private static ApiFault Unknown(string detail, string of, IEnumerable<string> known) =>
        Faults.Invalid($"Detail {detail} means nothing to a storage pool {of}: there are {string.Join(", ", known)}");

    // A list after a scheme repeats it: "https://a,b" names two TLS controllers.
    private static string SchemeOf(List<string> addresses) =>
        addresses.Count > 0 && addresses[0].StartsWith("https", StringComparison.Ordinal) ? "https://" : "http://";

    // A URL with credentials in it must not come back in an error text.
    private static string Shown(string url)
    {
        var at = url.LastIndexOf('@');
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        return at > scheme && scheme > 0 ? url[..(scheme + 3)] + "***" + url[at..] : url;
    }
}
