using System.Globalization;
using System.Runtime.InteropServices;
using Holdfast.LinstorSimulation.Devices;
using Holdfast.LinstorSimulation.Drbd;
using Microsoft.Extensions.Logging;

namespace Holdfast.LinstorSimulation;

/// <summary>What <c>holdfast-linstor-simulator</c> takes from its arguments.</summary>
internal static class CommandLine
{
    private const string Usage = """
        holdfast-linstor-simulator [options]            run until SIGINT or SIGTERM; devices stay
        holdfast-linstor-simulator --destroy --state DIR [--force]
                                                        remove all a simulator made; refused while a device is open, unless forced
        holdfast-linstor-simulator drbdsetup --state DIR --node NAME -- ARGUMENTS
                                                        stand in for drbdsetup

          --state DIR             keeps everything (default: a temporary folder, destroyed at the end)
          --port N                REST API on 127.0.0.1 (default 3370; 0: chosen by the system)
          --admin-port N          admin API on 127.0.0.1 (default 0)
          --node NAME             the node that is this machine (default: its name)
          --local-node NAME       a further node that is this machine too (repeatable)
          --simulated-node NAME   a node in the model only (repeatable)
          --storage-pool NAME     (default thin)
          --storage-kind KIND     LVM_THIN, FILE_THIN or FILE (default LVM_THIN)
          --no-reflinks           pools of files are on a file system without them, as ext4: no snapshots
          --capacity SIZE         of each storage pool: 20G, 512M, ... (default 20G)
          --resource-group NAME   (default rg)
          --layer storage|drbd    (default storage)
          --place-count N         of the resource group
          --device-root DIR       where drbd/by-res links go (default DIR/dev of the state folder)
          --devices loop|none     real loop devices or none (default loop)
          --rest-version V        REST API version (default 1.28.0)
          --token-file FILE       every call needs this bearer token
          --https                 HTTPS too, and a redirect to it
          --https-port N          (default 0)
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        if (args is ["drbdsetup", .. var rest])
        {
            return DrbdSetup.Run(rest, Console.Out, Console.Error);
        }

        Arguments parsed;
        try
        {
            parsed = Arguments.Parse(args);
        }
        catch (FormatException problem)
        {
            await Console.Error.WriteLineAsync($"holdfast-linstor-simulator: {problem.Message}\n{Usage}");
            return 2;
        }

        if (parsed.Help)
        {
            await Console.Out.WriteLineAsync(Usage);
            return 0;
        }

        return parsed.Destroy ? await DestroyAsync(parsed) : await ServeAsync(parsed.Options);
    }

    private static async Task<int> ServeAsync(LinstorSimulatorOptions options)
    {
        if (options.Devices == DeviceMode.Loop && LinstorSimulator.WhyNoLoopDevices() is { } reason)
        {
            await Console.Error.WriteLineAsync($"holdfast-linstor-simulator: {reason}; --devices none does without");
            return 1;
        }

        using var loggers = LoggerFactory.Create(static logging => logging.AddSimpleConsole(static console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning));
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        try
        {
            await using var simulator = await LinstorSimulator.StartAsync(options, loggers);
            await Console.Out.WriteLineAsync($"ready: {simulator.Uri.AbsoluteUri.TrimEnd('/')}");
            await Console.Out.WriteLineAsync($"admin: {simulator.AdminUri.AbsoluteUri.TrimEnd('/')}");
            if (simulator.HttpsUri is { } https)
            {
                var pem = Path.Combine(simulator.StateFolderPath, "controller.pem");
                await File.WriteAllTextAsync(pem, simulator.CertificatePem);
                await Console.Out.WriteLineAsync($"https: {https.AbsoluteUri.TrimEnd('/')} certificate {pem}");
            }

            await end.Task;
            return 0;
        }
        catch (IOException problem)
        {
            await Console.Error.WriteLineAsync($"holdfast-linstor-simulator: {problem.Message}");
            return 1;
        }

        void OnSignal(PosixSignalContext signal)
        {
            signal.Cancel = true;
            end.TrySetResult();
        }
    }

    private static async Task<int> DestroyAsync(Arguments parsed)
    {
        if (parsed.Options.StateFolder is not { } folder)
        {
            await Console.Error.WriteLineAsync("holdfast-linstor-simulator: --destroy needs --state DIR");
            return 2;
        }

        if (!parsed.Force && DestroyedCluster.OpenDevicesOf(folder) is { Count: > 0 } open)
        {
            await Console.Error.WriteLineAsync($"holdfast-linstor-simulator: still open: {string.Join(", ", open)}");
            return 1;
        }

        await DestroyedCluster.RemoveAsync(folder, CancellationToken.None);
        return 0;
    }

    private sealed record Arguments(LinstorSimulatorOptions Options, bool Destroy, bool Force, bool Help)
    {
        public static Arguments Parse(string[] args)
        {
            var options = new LinstorSimulatorOptions { Port = 3370 };
            bool destroy = false, force = false, help = false;
            for (var i = 0; i < args.Length; i++)
            {
                var name = args[i];
                switch (name)
                {
                    case "--destroy":
                        destroy = true;
                        break;
                    case "--force":
                        force = true;
                        break;
                    case "--help" or "-h":
                        help = true;
                        break;
                    case "--no-reflinks":
                        options = options with { Reflinks = false };
                        break;
                    case "--https":
                        options = options with { Https = true };
                        break;
                    default:
                        options = With(options, name, ++i < args.Length ? args[i] : throw new FormatException($"{name} needs a value"));
                        break;
                }
            }

            return new Arguments(options, destroy, force, help);
        }

        private static LinstorSimulatorOptions With(LinstorSimulatorOptions options, string name, string value) => name switch
        {
            "--state" => options with { StateFolder = value },
            "--port" => options with { Port = Number(value) },
            "--admin-port" => options with { AdminPort = Number(value) },
            "--https-port" => options with { HttpsPort = Number(value) },
            "--node" => options with { NodeName = value },
            "--local-node" => options with { MoreLocalNodes = [.. options.MoreLocalNodes, value] },
            "--simulated-node" => options with { SimulatedNodes = [.. options.SimulatedNodes, value] },
            "--storage-pool" => options with { StoragePool = value },
            "--storage-kind" => options with { StorageKind = value is "LVM_THIN" or "FILE_THIN" or "FILE" ? value : throw new FormatException($"unknown storage kind '{value}'") },
            "--capacity" => options with { Capacity = Size(value) },
            "--resource-group" => options with { ResourceGroup = value },
            "--layer" => options with { Drbd = value switch { "drbd" => true, "storage" => false, _ => throw new FormatException($"unknown layer '{value}'") } },
            "--place-count" => options with { PlaceCount = Number(value) },
            "--device-root" => options with { DeviceRoot = Path.GetFullPath(value) },
            "--devices" => options with { Devices = value switch { "loop" => DeviceMode.Loop, "none" => DeviceMode.None, _ => throw new FormatException($"unknown device mode '{value}'") } },
            "--rest-version" => options with { RestApiVersion = value },
            "--token-file" => options with { Token = File.ReadAllText(value).Trim() },
            _ => throw new FormatException($"unknown option '{name}'"),
        };

        private static int Number(string text) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"'{text}' is no number");

        private static long Size(string text)
        {
            var shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, _ => 0 };
            var digits = shift == 0 ? text : text[..^1];
            return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number << shift : throw new FormatException($"'{text}' is no size");
        }
    }
}
