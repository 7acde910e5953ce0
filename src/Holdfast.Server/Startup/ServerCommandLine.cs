using System.CommandLine;
using System.Globalization;
using System.Net;
using Holdfast.CommandLine;
using Holdfast.Server.Security;

namespace Holdfast.Server.Startup;

/// <summary>How the server is called.</summary>
internal static class ServerCommandLine
{
    /// <summary>Exit code for a command line that makes no sense.</summary>
    public const int Wrong = 2;

    private const string PortNumber = "a number from 0 to 65535";
    private static readonly ServerOptions Defaults = new() { Data = string.Empty };

    /// <summary>Makes the command.</summary>
    /// <param name="run">Runs a server to its end.</param>
    /// <returns>The command.</returns>
    public static RootCommand Create(Func<ServerOptions, Task<int>> run)
    {
        var data = ValueOption.Path("--data", "DIR", "data folder (made when missing): SQLite database, keys, admin.ini");
        data.Required = true;
        var port = ValueOption.Of<ushort>("--port", "N", "port of the CloudStack API and login", PortNumber, PortOf);
        port.DefaultValueFactory = _ => (ushort)Defaults.Port;
        var listen = ValueOption.Of<IPAddress>(
            "--listen",
            "ADDRESS",
            "address that the API listens on; :: and 0.0.0.0 are all. One that other machines reach needs --tls-certificate, --tls-names or --allow-plain-http",
            "an IP address",
            AddressOf);
        listen.DefaultValueFactory = _ => Defaults.Listen;
        var certificate = ValueOption.Path(
            "--tls-certificate",
            "FILE",
            "serve the API by TLS (1.2 and 1.3) with this certificate, PEM, followed by those between it and its authority. The files are read anew when they change");
        var key = ValueOption.Path("--tls-key", "FILE", "its private key, PEM, not encrypted; default: in the same file");
        var names = ValueOption.Of<IReadOnlyList<string>>(
            "--tls-names",
            "L",
            "serve the API by TLS with a certificate of the installation's own authority for these host names and addresses, separated by commas; clients trust it by authority.pem, which is "
            + "written into DIR",
            "host names and addresses, separated by commas",
            NamesOf);
        var plain = new Option<bool>("--allow-plain-http")
        {
            Description = "serve the API by HTTP even to other machines: passwords, sessions and secret keys can be read on their way",
        };
        var proxies = ValueOption.Of<IReadOnlyList<IPNetwork>>(
            "--trusted-proxies",
            "L",
            "addresses and networks (10.0.0.0/24), separated by commas, of proxies whose X-Forwarded-For and X-Forwarded-Proto the API believes; nobody else's",
            "addresses and networks, separated by commas",
            NetworksOf);
        var agentPort = ValueOption.Of<ushort>("--agent-port", "N", "port of the agent gateway (mutual TLS)", PortNumber, PortOf);
        agentPort.DefaultValueFactory = _ => (ushort)Defaults.AgentPort;
        var agentListen = ValueOption.Of<IPAddress>("--agent-listen", "ADDRESS", "address that the agent gateway listens on; default: that of --listen", "an IP address", AddressOf);
        var database = ValueOption.Path(
            "--database",
            "FILE",
            "file with a PostgreSQL connection string, for more than one server; default: SQLite in DIR. A further server of an installation needs its key: copy secrets.key from the data folder "
            + "of a server that runs to DIR (mode 0600) before the first start");
        var images = ValueOption.Of<IReadOnlyList<string>>(
            "--allow-image-hosts", "L", "hosts, separated by commas, that templates may be registered from although their addresses are not public", "hosts, separated by commas", Items);
        var log = ValueOption.Of<string>("--log", "FORMAT", "text, or json: an object a line", "text or json", text => text is "text" or "json" ? text : null);
        log.DefaultValueFactory = _ => "text";

        var root = new RootCommand("A server of Holdfast: the CloudStack API for clients, and the gateway for agents")
        {
            data, port, listen, certificate, key, names, plain, proxies, agentPort, agentListen, database, images, log,
        };
        root.Validators.Add(given =>
        {
            if (given.GetResult(certificate) is null && given.GetResult(key) is not null)
            {
                given.AddError($"{key.Name} needs {certificate.Name}.");
            }

            if (given.GetResult(certificate) is not null && given.GetResult(names) is not null)
            {
                given.AddError($"{certificate.Name} and {names.Name} exclude each other.");
            }
        });
        root.SetAction(given => run(new ServerOptions
        {
            Data = given.GetRequiredValue(data),
            HoldsData = true,
            Port = given.GetRequiredValue(port)!.Value,
            AgentPort = given.GetRequiredValue(agentPort)!.Value,
            Listen = given.GetRequiredValue(listen),
            AgentListen = given.GetValue(agentListen),
            Tls = given.GetValue(certificate) is { } file ? new ApiTls.Files(file, given.GetValue(key) ?? file)
                : given.GetValue(names) is { } own ? new ApiTls.OwnAuthority(own)
                : new ApiTls.None(),
            AllowPlainHttp = given.GetValue(plain),
            TrustedProxies = given.GetValue(proxies) ?? [],
            DatabaseFile = given.GetValue(database),
            AllowImageHosts = given.GetValue(images) ?? [],
            JsonLog = given.GetValue(log) == "json",
        }));
        return root;
    }

    private static ushort? PortOf(string text) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null;

    private static IPAddress? AddressOf(string text) => IPAddress.TryParse(text, out var address) ? address : null;

    private static IReadOnlyList<string> Items(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static IReadOnlyList<string>? NamesOf(string list) =>
        Items(list) is { Count: > 0 } items && items.All(item => Uri.CheckHostName(item) != UriHostNameType.Unknown) ? items : null;

    private static IReadOnlyList<IPNetwork>? NetworksOf(string list)
    {
        var networks = Items(list).Select(NetworkOf).OfType<IPNetwork>().ToList();
        return networks.Count > 0 && networks.Count == Items(list).Count ? networks : null;
    }

    private static IPNetwork? NetworkOf(string text) =>
        IPNetwork.TryParse(text, out var network) ? network : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8) : null;
}
