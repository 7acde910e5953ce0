using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Xunit;

namespace Holdfast.Drivers.Tests.Linstor;

/// <summary>
/// A host whose drbdsetup prints what DRBD 9.2.18 really printed in a state, and whose blockdev opens every device. What changes the state is up to the test.
/// </summary>
internal sealed class RecordedDrbd : IProcessRunner
{
    /// <summary>The volume that was looked at.</summary>
    public static readonly VolumeId Volume = new(Guid.Parse("00000000-0000-4000-8000-000000000001"));

    /// <summary>Its device's number.</summary>
    public const int Minor = 1003;

    private static readonly JsonObject Recorded =
        JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Linstor", "drbd-9.2.18-status.json")))!.AsObject();

    private readonly Lock _gate = new();
    private readonly List<string> _commands = [];
    private string? _state;

    /// <summary>Names of all states.</summary>
    public static IReadOnlyList<string> States => [.. Recorded.Select(static pair => pair.Key)];

    /// <summary>The state now; null: DRBD has no resource.</summary>
    public string? State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }

        set
        {
            lock (_gate)
            {
                _state = value;
            }
        }
    }

    /// <summary>What another program, or another command of drbdsetup than status, does; null from it: exit code 0 and nothing said.</summary>
    public Func<IReadOnlyList<string>, ProcessOutcome?> Does { get; set; } = static _ => null;

    /// <summary>What the test says instead of the recorded status.</summary>
    public Func<ProcessOutcome?> StatusInstead { get; set; } = static () => null;

    /// <summary>Commands of drbdsetup but status, in their order.</summary>
    public IReadOnlyList<string> Commands
    {
        get
        {
            lock (_gate)
            {
                return [.. _commands];
            }
        }
    }

    /// <summary>What drbdsetup printed in a state.</summary>
    public static string Printed(string? state) => state is null ? "[]" : Recorded[state]!.ToJsonString();

    public Task<ProcessOutcome> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        if (program == "blockdev")
        {
            return Task.FromResult<ProcessOutcome>(new ProcessOutcome.Exited(0, LinstorBench.Driving.Size.ToString(CultureInfo.InvariantCulture), string.Empty));
        }

        if (arguments[0] == "status")
        {
            return Task.FromResult(StatusInstead() ?? new ProcessOutcome.Exited(
                0,
                arguments.Count == 2 || arguments[1] == $"hf-{Volume}" ? Printed(State) : "[]",
                string.Empty));
        }

        lock (_gate)
        {
            _commands.Add(string.Join(' ', arguments));
        }

        return Task.FromResult(Does(arguments) ?? new ProcessOutcome.Exited(0, string.Empty, string.Empty));
    }

    /// <summary>Makes the nodes of the device: its number's, and with a link udev's. Opening it is not possible without DRBD.</summary>
    public static async Task MakeDeviceAsync(LinstorBench bench, bool link = true, int minor = Minor)
    {
        Assert.SkipUnless(Environment.UserName == "root", "only root can make device nodes");
        var folder = Path.Combine(bench.Simulator.StateFolderPath, "dev");
        var device = Path.Combine(folder, $"drbd{minor}");
        System.IO.Directory.CreateDirectory(folder);
        if (!File.Exists(device))
        {
            using var process = Process.Start("mknod", [device, "b", "147", minor.ToString(CultureInfo.InvariantCulture)]);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.SkipUnless(process.ExitCode == 0, "device nodes cannot be made here");
        }

        if (link)
        {
            var links = System.IO.Directory.CreateDirectory(Path.Combine(folder, "drbd", "by-res", $"hf-{Volume}")).FullName;
            File.Delete(Path.Combine(links, "0"));
            File.CreateSymbolicLink(Path.Combine(links, "0"), device);
        }
    }
}
