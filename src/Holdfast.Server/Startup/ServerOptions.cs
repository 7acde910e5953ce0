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

    /// <summary>Whether the log is JSON, an object a line, instead of text.</summary>
    public bool JsonLog { get; init; }

    /// <summary>How to call it.</summary>
    public const string Usage = """
        holdfast-server --data DIR [--port 8080] [--listen 127.0.0.1] [--tls-certificate FILE [--tls-key FILE] | --tls-names L | --allow-plain-http]
                        [--trusted-proxies L] [--agent-port 8250] [--agent-listen ADDRESS] [--database FILE] [--allow-image-hosts L]
                        [--log text]

          --data DIR        data folder (made when missing): SQLite database, keys, admin.ini
          --port N          port of the CloudStack API and login
          --listen ADDRESS  address that the API listens on; :: and 0.0.0.0 are all. One that other machines reach needs one of the next three
          --tls-certificate FILE  serve the API by TLS (1.2 and 1.3) with this certificate, PEM, followed by those between it and its authority. The
                            files are read anew when they change
          --tls-key FILE    its private key, PEM, not encrypted; default: in the same file
          --tls-names L     serve the API by TLS with a certificate of the installation's own authority for these host names and addresses,
                            separated by commas; clients trust it by authority.pem, which is written into DIR
          --allow-plain-http  serve the API by HTTP even to other machines: passwords, sessions and secret keys can be read on their way
          --trusted-proxies L  addresses and networks (10.0.0.0/24), separated by commas, of proxies whose X-Forwarded-For and X-Forwarded-Proto
                            the API believes; nobody else's
          --agent-port N    port of the agent gateway (mutual TLS)
          --agent-listen ADDRESS  address that the agent gateway listens on; default: that of --listen
          --database FILE   file with a PostgreSQL connection string, for more than one server; default: SQLite in DIR
                            A further server of an installation needs its key: copy secrets.key from the data folder of a server that
                            runs to DIR (mode 0600) before the first start
          --allow-image-hosts L  hosts, separated by commas, that templates may be registered from although their addresses are not public
          --log FORMAT      text, or json: an object a line
          --help            shows this
        """;

    /// <summary>Reads the command line.</summary>
    /// <param name="args">Arguments.</param>
    /// <param name="error">What is wrong; null when nothing.</param>
    /// <returns>The options, or null.</returns>
    public static ServerOptions? Parse(IReadOnlyList<string> args, out string? error)
    {
        string? data = null;
        string? certificate = null;
        string? key = null;
        IReadOnlyList<string> names = [];
        var options = new ServerOptions { Data = string.Empty };
        for (var i = 0; i < args.Count; i++)
        {
            var name = args[i];
            if (name == "--allow-plain-http")
            {
                options = options with { AllowPlainHttp = true };
                continue;
            }

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
                case "--agent-listen" when IPAddress.TryParse(value, out var address):
                    options = options with { AgentListen = address };
                    break;
                case "--tls-certificate":
                    certificate = Path.GetFullPath(value);
                    break;
                case "--tls-key":
                    key = Path.GetFullPath(value);
                    break;
                case "--tls-names" when Items(value) is { Count: > 0 } items && items.All(item => Uri.CheckHostName(item) != UriHostNameType.Unknown):
                    names = items;
                    break;
                case "--trusted-proxies" when Items(value).Select(NetworkOf).ToList() is { Count: > 0 } networks && networks.All(network => network is not null):
                    options = options with { TrustedProxies = [.. networks.Select(network => network!.Value)] };
                    break;
                case "--database":
                    options = options with { DatabaseFile = value };
                    break;
                case "--allow-image-hosts":
                    options = options with { AllowImageHosts = Items(value) };
                    break;
                case "--log" when value is "text" or "json":
                    options = options with { JsonLog = value == "json" };
                    break;
                default:
                    error = $"Not understood: {name} {value}";
                    return null;
            }
        }

        error = (data, certificate, key, names.Count) switch
        {
            (null, _, _, _) => "--data is missing.",
            (_, null, not null, _) => "--tls-key needs --tls-certificate.",
            (_, not null, _, > 0) => "--tls-certificate and --tls-names exclude each other.",
            _ => null,
        };
        return error is not null
            ? null
            : options with
            {
                Data = Path.GetFullPath(data!),
                Tls = certificate is not null ? new ApiTls.Files(certificate, key ?? certificate) : names.Count > 0 ? new ApiTls.OwnAuthority(names) : new ApiTls.None(),
            };
    }

    private static IReadOnlyList<string> Items(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static IPNetwork? NetworkOf(string text) =>
        IPNetwork.TryParse(text, out var network) ? network : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8) : null;
}
