using System.Net;
using Holdfast.Server.Security;

namespace Holdfast.Server.Startup;

/// <summary>How the server was started.</summary>
internal sealed record ServerOptions
{
    /// <summary>The data folder: database, keys, admin.ini.</summary>
    public required string Data { get; init; }

    /// <summary>Port of the API; 0: chosen by the system.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>Port of the agent gateway; 0: chosen by the system.</summary>
    public int AgentPort { get; init; } = 8250;

    /// <summary>Address that the API listens on.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>Address that the agent gateway listens on; null: that of the API.</summary>
    public IPAddress? AgentListen { get; init; }

    /// <summary>How the API is kept from being read on its way.</summary>
    public ApiTls Tls { get; init; } = new ApiTls.None();

    /// <summary>Whether the API may listen without TLS on an address that other machines reach.</summary>
    public bool AllowPlainHttp { get; init; }

    /// <summary>Proxies that the API believes what they say of who asks, and by which scheme; empty: nobody.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>A file with an Npgsql connection string; null: SQLite in the data folder.</summary>
    public string? DatabaseFile { get; init; }

    /// <summary>Hosts that images may be fetched from although their addresses are not public; the agents' option of the same name opens the way itself.</summary>
    public IReadOnlyList<string> AllowImageHosts { get; init; } = [];

    /// <summary>Whether no other server may use the data folder while this one runs. Programs always hold it; nodes of a test in one process may share one.</summary>
    public bool HoldsData { get; init; }

    /// <summary>Whether the log is JSON, an object a line, instead of text.</summary>
    public bool JsonLog { get; init; }
}
