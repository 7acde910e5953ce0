using System.Globalization;
using Holdfast.Agent.Ingest;

namespace Holdfast.Agent;

/// <summary>The command line.</summary>
internal sealed record AgentOptions
{
    // What a driver needs to start at all is some 300 MiB: threads' stacks and the runtime's own books count.
    private const long LeastDriverMemory = 512L << 20;

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
          --max-image-bytes N     the largest image that is fetched, packed and unpacked (default 68719476736)
          --ingest DIR            the folder that images are brought to (default: ingest in the agent's own folder)
          --ingest-keep-free N    bytes of that folder's disk that images never take (default 2147483648)
          --imports N             how many images are brought at once (default 2)
          --image-sandbox MODE    bubblewrap (default), or limits: for machines without namespaces; images are then read with the host's files in sight
          --driver-memory N       bytes of memory that a driver process may have (default 2147483648)
          --bridge NAME           the bridge that guests' interfaces are put on
          --name NAME             the host's name (default: the kernel's)
          --libvirt URI           default qemu:///system
          --log FORMAT            text (default), or json: an object a line
          --help                  shows this
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

    /// <summary>Where images are brought to.</summary>
    public required string Ingest { get; init; }

    /// <summary>What images leave free there.</summary>
    public long IngestKeepFree { get; init; } = 2L << 30;

    /// <summary>How many images are brought at once.</summary>
    public int Imports { get; init; } = 2;

    /// <summary>How programs that read images are kept in.</summary>
    public SandboxMode ImageSandbox { get; init; }

    /// <summary>The memory of a driver.</summary>
    public long DriverMemory { get; init; } = 2L << 30;

    /// <summary>The bridge for guests.</summary>
    public string? Bridge { get; init; }

    /// <summary>The host's name.</summary>
    public string? Name { get; init; }

    /// <summary>libvirt's URI.</summary>
    public string Libvirt { get; init; } = "qemu:///system";

    /// <summary>Whether the log is JSON, an object a line, instead of text.</summary>
    public bool JsonLog { get; init; }

    /// <summary>Reads the command line.</summary>
    /// <returns>The options, or what is wrong with them.</returns>
    public static (AgentOptions? Options, string? Wrong) Parse(IReadOnlyList<string> arguments)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var index = 0; index < arguments.Count; index += 2)
        {
            var name = arguments[index] == "--gateway" ? "--server" : arguments[index];
            if (name is not ("--server" or "--data" or "--join-token-file" or "--drivers" or "--images" or "--allow-image-hosts" or "--max-image-bytes" or "--bridge"
                or "--ingest" or "--ingest-keep-free" or "--imports" or "--image-sandbox" or "--driver-memory"
                or "--name" or "--libvirt" or "--log"))
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

        var keepFree = 2L << 30;
        if (values.TryGetValue("--ingest-keep-free", out text) && !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out keepFree))
        {
            return (null, "--ingest-keep-free needs a number of bytes.");
        }

        var imports = 2;
        if (values.TryGetValue("--imports", out text) && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out imports) && imports > 0))
        {
            return (null, "--imports needs a number that is at least 1.");
        }

        var driverMemory = 2L << 30;
        if (values.TryGetValue("--driver-memory", out text)
            && !(long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out driverMemory) && driverMemory >= LeastDriverMemory))
        {
            return (null, $"--driver-memory needs a number of bytes that is at least {LeastDriverMemory}.");
        }

        SandboxMode? sandbox = values.GetValueOrDefault("--image-sandbox") switch
        {
            null or "bubblewrap" => SandboxMode.Bubblewrap,
            "limits" => SandboxMode.Limits,
            _ => null,
        };
        if (sandbox is null)
        {
            return (null, "--image-sandbox is bubblewrap or limits.");
        }

        if (values.GetValueOrDefault("--log") is not (null or "text" or "json"))
        {
            return (null, "--log is text or json.");
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
            Ingest = Path.GetFullPath(values.GetValueOrDefault("--ingest") ?? Path.Combine(data, "ingest")),
            IngestKeepFree = keepFree,
            Imports = imports,
            ImageSandbox = sandbox.Value,
            DriverMemory = driverMemory,
            Bridge = values.GetValueOrDefault("--bridge"),
            Name = values.GetValueOrDefault("--name"),
            Libvirt = values.GetValueOrDefault("--libvirt") ?? "qemu:///system",
            JsonLog = values.GetValueOrDefault("--log") == "json",
        }, null);
    }
}
