using System.Net;

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

    /// <summary>Address that both listeners bind to.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>A file with an Npgsql connection string; null: SQLite in the data folder.</summary>
    public string? DatabaseFile { get; init; }

    /// <summary>Hosts that images may be fetched from although their addresses are not public; the agents' option of the same name opens the way itself.</summary>
    public IReadOnlyList<string> AllowImageHosts { get; init; } = [];

    /// <summary>How to call it.</summary>
    public const string Usage = """
        holdfast-server --data DIR [--port 8080] [--agent-port 8250] [--listen 127.0.0.1] [--database FILE] [--allow-image-hosts L]

          --data DIR        data folder (made when missing): SQLite database, keys, admin.ini
          --port N          port of the CloudStack API and login
          --agent-port N    port of the agent gateway (mutual TLS)
          --listen ADDRESS  address that both listen on
          --database FILE   file with a PostgreSQL connection string, for more than one server; default: SQLite in DIR
                            A further server of an installation needs its key: copy secrets.key from the data folder of a server that
                            runs to DIR (mode 0600) before the first start
          --allow-image-hosts L  hosts, separated by commas, that templates may be registered from although their addresses are not public
          --help            shows this
        """;

    /// <summary>Reads the command line.</summary>
    /// <param name="args">Arguments.</param>
    /// <param name="error">What is wrong; null when nothing.</param>
    /// <returns>The options, or null.</returns>
    public static ServerOptions? Parse(IReadOnlyList<string> args, out string? error)
    {
        string? data = null;
        var options = new ServerOptions { Data = string.Empty };
        for (var i = 0; i < args.Count; i++)
        {
            var name = args[i];
            if (++i >= args.Count)
            {
                error = $"{name} needs a value.";
                return null;
            }

            var value = args[i];
            switch (name)
            {
                case "--data":
                    data = value;
                    break;
                case "--port" when ushort.TryParse(value, out var port):
                    options = options with { Port = port };
                    break;
                case "--agent-port" when ushort.TryParse(value, out var port):
                    options = options with { AgentPort = port };
                    break;
                case "--listen" when IPAddress.TryParse(value, out var address):
                    options = options with { Listen = address };
                    break;
                case "--database":
                    options = options with { DatabaseFile = value };
                    break;
                case "--allow-image-hosts":
                    options = options with { AllowImageHosts = value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) };
                    break;
                default:
                    error = $"Not understood: {name} {value}";
                    return null;
            }
        }

        error = data is null ? "--data is missing." : null;
        return data is null ? null : options with { Data = Path.GetFullPath(data) };
    }
}
