using System.Globalization;

namespace Holdfast.Agent;

/// <summary>The command line.</summary>
internal sealed record AgentOptions
{
    /// <summary>How it is written.</summary>
    public const string Usage = """
        Usage: holdfast-agent --server URL --data DIR [options]
               holdfast-agent tell --data DIR [--libvirt URI]   prints, as JSON, what a dead agent left in its ledger and what libvirt runs
          --server URL            the server's agent gateway (also --gateway)
          --data DIR              the agent's own folder
          --join-token-file FILE  the join token, for the first start; - reads it from standard input
          --drivers DIR           where the drivers' executables are (default: beside this program)
          --images DIR            the folder that file: URLs of templates may point into
          --allow-image-hosts L   hosts, separated by commas, that images may be fetched from although their addresses are not public
          --max-image-bytes N     the largest image that is fetched (default 68719476736)
          --bridge NAME           the bridge that guests' interfaces are put on
          --name NAME             the host's name (default: the kernel's)
          --libvirt URI           default qemu:///system
        """;

    /// <summary>The server's agent gateway.</summary>
    public required Uri Server { get; init; }

    /// <summary>The agent's own folder.</summary>
    public required string Data { get; init; }

    /// <summary>Where the join token is.</summary>
    public string? JoinTokenFile { get; init; }

    /// <summary>Where the drivers are.</summary>
    public required string Drivers { get; init; }

    /// <summary>Local images.</summary>
    public string? Images { get; init; }

    /// <summary>Hosts that images may be fetched from although their addresses are not public.</summary>
    public IReadOnlyList<string> AllowImageHosts { get; init; } = [];

    /// <summary>The largest image.</summary>
    public long MaxImageBytes { get; init; } = 64L << 30;

    /// <summary>The bridge for guests.</summary>
    public string? Bridge { get; init; }

    /// <summary>The host's name.</summary>
    public string? Name { get; init; }

    /// <summary>libvirt's URI.</summary>
    public string Libvirt { get; init; } = "qemu:///system";

    /// <summary>Reads the command line.</summary>
    /// <returns>The options, or what is wrong with them.</returns>
    public static (AgentOptions? Options, string? Wrong) Parse(IReadOnlyList<string> arguments)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var index = 0; index < arguments.Count; index += 2)
        {
            var name = arguments[index] == "--gateway" ? "--server" : arguments[index];
            if (name is not ("--server" or "--data" or "--join-token-file" or "--drivers" or "--images" or "--allow-image-hosts" or "--max-image-bytes" or "--bridge"
                or "--name" or "--libvirt"))
            {
                return (null, $"'{name}' is not an option.");
            }

            if (index + 1 >= arguments.Count)
            {
                return (null, $"{name} needs a value.");
            }

            values[name] = arguments[index + 1];
        }

        if (!Uri.TryCreate(values.GetValueOrDefault("--server"), UriKind.Absolute, out var server) || server.Scheme != Uri.UriSchemeHttps)
        {
            return (null, "--server needs an https URL.");
        }

        if (!values.TryGetValue("--data", out var data))
        {
            return (null, "--data is missing.");
        }

        var largest = 64L << 30;
        if (values.TryGetValue("--max-image-bytes", out var text) && !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out largest))
        {
            return (null, "--max-image-bytes needs a number.");
        }

        return (new AgentOptions
        {
            Server = server,
            Data = Path.GetFullPath(data),
            JoinTokenFile = values.GetValueOrDefault("--join-token-file"),
            Drivers = Path.GetFullPath(values.GetValueOrDefault("--drivers") ?? AppContext.BaseDirectory),
            Images = values.TryGetValue("--images", out var images) ? Path.GetFullPath(images) : null,
            AllowImageHosts = values.GetValueOrDefault("--allow-image-hosts")?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
            MaxImageBytes = largest,
            Bridge = values.GetValueOrDefault("--bridge"),
            Name = values.GetValueOrDefault("--name"),
            Libvirt = values.GetValueOrDefault("--libvirt") ?? "qemu:///system",
        }, null);
    }
}
