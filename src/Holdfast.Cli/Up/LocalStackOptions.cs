namespace Holdfast.Cli.Up;

/// <summary>Where an installation on this machine lives and what it runs.</summary>
internal sealed record LocalStackOptions
{
    /// <summary>The folder that holds all of it.</summary>
    public required string Data { get; init; }

    /// <summary>Port of the API on 127.0.0.1.</summary>
    public required int ApiPort { get; init; }

    /// <summary>Port of the agent gateway on 127.0.0.1.</summary>
    public required int GatewayPort { get; init; }

    /// <summary>Port on 127.0.0.1 at which the agent reaches the gateway when something stands between; null: <see cref="GatewayPort"/>.</summary>
    public int? GatewaySeenByAgent { get; init; }

    /// <summary>The guest image to offer as a template.</summary>
    public required string GuestImage { get; init; }

    /// <summary>Where the programs are.</summary>
    public required ProgramPaths Programs { get; init; }

    /// <summary>URI of the libvirtd that looks after the guests; null: the machine's own.</summary>
    public string? Libvirt { get; init; }

    /// <summary>What the names of its libvirt domains are to end in (setting <c>instance.name</c>); null: as it is.</summary>
    public string? InstanceName { get; init; }

    /// <summary>Further environment variables of server and agent.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>How long an answer of the API is waited for: as long as CloudStack's clients wait.</summary>
    public TimeSpan CallPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The file with the administrator's keys, in the format of the <c>cs</c> client.</summary>
    public string AdminFile => Path.Combine(Data, "admin.ini");

    /// <summary>Where the logs go.</summary>
    public string LogFolder => Path.Combine(Data, "log");

    /// <summary>The server's own folder, closed to everybody else; guests must get at the pool beside it.</summary>
    public string ServerFolder => Path.Combine(Data, "server");

    /// <summary>Where the server itself writes the administrator's keys.</summary>
    public string ServerAdminFile => Path.Combine(ServerFolder, "admin.ini");

    /// <summary>The agent's own folder.</summary>
    public string AgentFolder => Path.Combine(Data, "agent");

    /// <summary>The directory pool's folder.</summary>
    public string PoolFolder => Path.Combine(Data, "pool");

    /// <summary>The folder of guests' configuration drives.</summary>
    public string GuestDriveFolder => Path.Combine(Data, "drives");

    /// <summary>The only folder that templates may be imported from by path.</summary>
    public string ImageFolder => Path.Combine(Data, "images");

    /// <summary>The API's address.</summary>
    public Uri Endpoint => new($"http://127.0.0.1:{ApiPort}/client/api");
}
