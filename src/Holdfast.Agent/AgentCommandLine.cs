using System.CommandLine;
using System.Globalization;
using Holdfast.Agent.Ingest;
using Holdfast.CommandLine;

namespace Holdfast.Agent;

/// <summary>How the agent is called.</summary>
internal static class AgentCommandLine
{
    /// <summary>Exit code for a command line that makes no sense.</summary>
    public const int Wrong = 64;

    // What a driver needs to start at all is some 300 MiB: threads' stacks and the runtime's own books count.
    private const long LeastDriverMemory = 512L << 20;
    private const string Bytes = "a number of bytes";
    private const string MachinesOwn = "qemu:///system";

    /// <summary>Makes the command.</summary>
    /// <param name="run">Runs an agent to its end.</param>
    /// <param name="tell">Tells what a dead agent left in a folder, and what the libvirtd at a URI runs.</param>
    /// <returns>The command.</returns>
    public static RootCommand Create(Func<AgentOptions, Task<int>> run, Func<string, string, Task<int>> tell)
    {
        var server = ValueOption.Of<Uri>("--server", "URL", "the server's agent gateway", "an https URL", ServerOf);
        server.Aliases.Add("--gateway");
        server.Required = true;
        var data = Data();
        var token = ValueOption.Text("--join-token-file", "FILE", "the join token, for the first start; - reads it from standard input");
        var drivers = ValueOption.Path("--drivers", "DIR", "where the drivers' executables are; default: beside this program");
        var images = ValueOption.Path("--images", "DIR", "the folder that file: URLs of templates may point into");
        var hosts = ValueOption.Of<IReadOnlyList<string>>(
            "--allow-image-hosts", "L", "hosts, separated by commas, that images may be fetched from although their addresses are not public", "hosts, separated by commas", Items);
        var largest = ValueOption.Of<long>("--max-image-bytes", "N", "the largest image that is fetched, packed and unpacked", Bytes, BytesOf);
        largest.DefaultValueFactory = _ => 64L << 30;
        var ingest = ValueOption.Path("--ingest", "DIR", "the folder that images are brought to; default: ingest in the agent's own folder");
        var keepFree = ValueOption.Of<long>("--ingest-keep-free", "N", "bytes of that folder's disk that images never take", Bytes, BytesOf);
        keepFree.DefaultValueFactory = _ => 2L << 30;
        var drives = ValueOption.Path("--guest-drives", "DIR", "the folder of guests' configuration drives, which QEMU's user must be able to get at; default: one of its own in /run/holdfast");
        var imports = ValueOption.Of<int>("--imports", "N", "how many images are brought at once", "a number that is at least 1", CountOf);
        imports.DefaultValueFactory = _ => 2;
        var sandbox = ValueOption.Of<SandboxMode>(
            "--image-sandbox",
            "MODE",
            "bubblewrap, or limits: for machines without namespaces; images are then read with the host's files in sight; default: bubblewrap",
            "bubblewrap or limits",
            SandboxOf);
        var memory = ValueOption.Of<long>(
            "--driver-memory",
            "N",
            "bytes of memory that a driver process may have",
            $"{Bytes} that is at least {LeastDriverMemory}",
            text => BytesOf(text) is { } bytes and >= LeastDriverMemory ? bytes : null);
        memory.DefaultValueFactory = _ => 2L << 30;
        var bridge = ValueOption.Text("--bridge", "NAME", "the bridge that guests' interfaces are put on");
        var name = ValueOption.Text("--name", "NAME", "the host's name; default: the kernel's");
        var libvirt = Libvirt();
        var log = ValueOption.Of<string>("--log", "FORMAT", "text, or json: an object a line", "text or json", text => text is "text" or "json" ? text : null);
        log.DefaultValueFactory = _ => "text";

        var root = new RootCommand("An agent of Holdfast: makes this machine a host")
        {
            server, data, token, drivers, images, hosts, largest, ingest, keepFree, drives, imports, sandbox, memory, bridge, name, libvirt, log, Tell(tell),
        };
        root.SetAction(given =>
        {
            var folder = given.GetRequiredValue(data);
            return run(new AgentOptions
            {
                Server = given.GetRequiredValue(server),
                Data = folder,
                JoinTokenFile = given.GetValue(token),
                Drivers = given.GetValue(drivers) ?? AppContext.BaseDirectory,
                Images = given.GetValue(images),
                AllowImageHosts = given.GetValue(hosts) ?? [],
                MaxImageBytes = given.GetRequiredValue(largest)!.Value,
                Ingest = given.GetValue(ingest) ?? Path.Combine(folder, "ingest"),
                GuestDrives = given.GetValue(drives),
                IngestKeepFree = given.GetRequiredValue(keepFree)!.Value,
                Imports = given.GetRequiredValue(imports)!.Value,
                ImageSandbox = given.GetValue(sandbox) ?? SandboxMode.Bubblewrap,
                DriverMemory = given.GetRequiredValue(memory)!.Value,
                Bridge = given.GetValue(bridge),
                Name = given.GetValue(name),
                Libvirt = given.GetRequiredValue(libvirt),
                JsonLog = given.GetValue(log) == "json",
            });
        });
        return root;
    }

    private static Command Tell(Func<string, string, Task<int>> tell)
    {
        var data = Data();
        var libvirt = Libvirt();
        var command = new Command("tell", "Prints, as JSON, what a dead agent left in its ledger and what libvirt runs") { data, libvirt };
        command.SetAction(given => tell(given.GetRequiredValue(data), given.GetRequiredValue(libvirt)));
        return command;
    }

    private static Option<string> Data()
    {
        var option = ValueOption.Path("--data", "DIR", "the agent's own folder");
        option.Required = true;
        return option;
    }

    private static Option<string> Libvirt()
    {
        var option = ValueOption.Text("--libvirt", "URI", "the libvirtd that runs the guests");
        option.DefaultValueFactory = _ => MachinesOwn;
        return option;
    }

    private static Uri? ServerOf(string text) => Uri.TryCreate(text, UriKind.Absolute, out var server) && server.Scheme == Uri.UriSchemeHttps ? server : null;

    private static IReadOnlyList<string> Items(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static long? BytesOf(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : null;

    private static int? CountOf(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0 ? count : null;

    private static SandboxMode? SandboxOf(string text) => text switch
    {
        "bubblewrap" => SandboxMode.Bubblewrap,
        "limits" => SandboxMode.Limits,
        _ => null,
    };
}
