using Holdfast.Agent.Ingest;

namespace Holdfast.Agent;

/// <summary>How the agent was started.</summary>
internal sealed record AgentOptions
{
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
    public required IReadOnlyList<string> AllowImageHosts { get; init; }

    /// <summary>The largest image.</summary>
    public required long MaxImageBytes { get; init; }

    /// <summary>Where images are brought to.</summary>
    public required string Ingest { get; init; }

    /// <summary>Where guests' configuration drives are; null: below /run, by the id of the installation.</summary>
    public string? GuestDrives { get; init; }

    /// <summary>What images leave free there.</summary>
    public required long IngestKeepFree { get; init; }

    /// <summary>How many images are brought at once.</summary>
    public required int Imports { get; init; }

    /// <summary>How programs that read images are kept in.</summary>
    public required SandboxMode ImageSandbox { get; init; }

    /// <summary>The memory of a driver.</summary>
    public required long DriverMemory { get; init; }

    /// <summary>The bridge for guests.</summary>
    public string? Bridge { get; init; }

    /// <summary>The host's name.</summary>
    public string? Name { get; init; }

    /// <summary>libvirt's URI.</summary>
    public required string Libvirt { get; init; }

    /// <summary>Whether the log is JSON, an object a line, instead of text.</summary>
    public required bool JsonLog { get; init; }
}
