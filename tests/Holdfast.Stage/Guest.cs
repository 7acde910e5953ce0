using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Holdfast.Cli.CloudStack;

namespace Holdfast.Staging;

/// <summary>A VM as its user sees it, with a look at its real QEMU from outside.</summary>
internal sealed class Guest
{
    private static readonly TimeSpan JobDeadline = TimeSpan.FromSeconds(240);

    private readonly Stage _stage;
    private GuestConsole? _console;
    private int _bootsSeen;

    /// <summary>Makes it for a VM that the API knows.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="name">Its name.</param>
    /// <param name="id">Its id.</param>
    public Guest(Stage stage, string name, string id)
    {
        _stage = stage;
        Name = name;
        Id = id;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its id, which is also the UUID of its domain.</summary>
    public string Id { get; }

    /// <summary>What it says on its serial port; known once it has run.</summary>
    public GuestConsole Console => _console ?? throw new InvalidOperationException($"{Name} has not run yet.");

    /// <summary>Waits until the guest itself says that it is up, once more than at the last call, and has written to its root disk since.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> ReadyAsync()
    {
        var began = Stopwatch.GetTimestamp();
        await OpenConsoleAsync();
        await Wait.UntilAsync($"the guest {Name} to be up", TimeSpan.FromSeconds(180), () => Task.FromResult(Console.Boots > _bootsSeen));
        _bootsSeen = Console.Boots;
        await Wait.UntilAsync($"the guest {Name} to write to its root disk", TimeSpan.FromSeconds(120), () => Task.FromResult(Console.HasWrittenSinceBoot("vda")));
        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Waits until the guest has written to its root disk twice more.</summary>
    /// <returns>When it has.</returns>
    public async Task WritesAsync()
    {
        await OpenConsoleAsync();
        var before = Console.Counter("vda");
        await Wait.UntilAsync($"the guest {Name} to write to its root disk", TimeSpan.FromSeconds(120), () => Task.FromResult(Console.Counter("vda") > before + 1));
    }

    /// <summary>Calls a command on it and demands success.</summary>
    /// <param name="command">The command.</param>
    /// <param name="parameters">Further parameters.</param>
    /// <returns>How long the API took to say that it is done.</returns>
    public async Task<TimeSpan> DoAsync(string command, params (string Name, string Value)[] parameters)
    {
        var began = Stopwatch.GetTimestamp();
        await _stage.Api.DoAsync(command, JobDeadline, CancellationToken.None, [("id", Id), .. parameters]);
        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Calls a command on it, however it ends.</summary>
    /// <param name="command">The command.</param>
    /// <param name="parameters">Further parameters.</param>
    /// <returns>How it ended and how long that took.</returns>
    public async Task<(ApiReply Reply, TimeSpan Took)> TryAsync(string command, params (string Name, string Value)[] parameters)
    {
        var began = Stopwatch.GetTimestamp();
        var all = parameters.Append(("id", Id)).ToDictionary(parameter => parameter.Item1, parameter => parameter.Item2);
        var reply = await _stage.Api.RunAsync(command, all, JobDeadline, CancellationToken.None);
        return (reply, Stopwatch.GetElapsedTime(began));
    }

    /// <summary>Stops it as a user does, and sees that its QEMU is gone.</summary>
    /// <param name="forced">Whether to skip the guest's own shutdown.</param>
    /// <returns>How long the API took.</returns>
    public async Task<TimeSpan> StopAsync(bool forced = false)
    {
        var process = await _stage.Virsh.ProcessIdAsync(Id);
        var took = await DoAsync("stopVirtualMachine", ("forced", forced ? "true" : "false"));
        await GoneAsync(process);
        return took;
    }

    /// <summary>Starts it, and waits until the guest itself says that it is up.</summary>
    /// <returns>How long the API took.</returns>
    public async Task<TimeSpan> StartAsync()
    {
        var took = await DoAsync("startVirtualMachine");
        await ReadyAsync();
        return took;
    }

    /// <summary>Reboots it, and waits until the guest itself says that it is up again.</summary>
    /// <returns>How long the API took.</returns>
    public async Task<TimeSpan> RebootAsync()
    {
        var took = await DoAsync("rebootVirtualMachine");
        await ReadyAsync();
        return took;
    }

    /// <summary>Destroys and expunges it, and sees that its QEMU is gone.</summary>
    /// <returns>How long the API took.</returns>
    public async Task<TimeSpan> DestroyAsync()
    {
        var process = await _stage.Virsh.ProcessIdAsync(Id);
        var took = await DoAsync("destroyVirtualMachine", ("expunge", "true"));
        await GoneAsync(process);
        return took;
    }

    /// <summary>How the API shows it; null when it does not.</summary>
    /// <returns>The object.</returns>
    public async Task<JsonElement?> ShowAsync()
    {
        var found = await _stage.Api.ListAsync("listVirtualMachines", "virtualmachine", CancellationToken.None, ("id", Id), ("listall", "true"));
        return found.Count == 0 ? null : found[0];
    }

    /// <summary>Its state in the API's words; empty when the API does not show it.</summary>
    /// <returns>The state.</returns>
    public async Task<string> StateAsync() => (await ShowAsync())?.Text("state") ?? "";

    /// <summary>The id of its root volume.</summary>
    /// <returns>The id.</returns>
    public async Task<string> RootVolumeAsync() =>
        (await _stage.Api.ListAsync("listVolumes", "volume", CancellationToken.None, ("virtualmachineid", Id), ("type", "ROOT"), ("listall", "true")))[0].Text("id");

    /// <summary>Attaches a volume to it or detaches one from it, however that ends.</summary>
    /// <param name="command"><c>attachVolume</c> or <c>detachVolume</c>.</param>
    /// <param name="volume">The volume's id.</param>
    /// <returns>How it ended.</returns>
    public Task<ApiReply> TryVolumeAsync(string command, string volume) => _stage.Api.RunAsync(
        command,
        command == "attachVolume" ? new Dictionary<string, string> { ["id"] = volume, ["virtualmachineid"] = Id } : new Dictionary<string, string> { ["id"] = volume },
        JobDeadline,
        CancellationToken.None);

    /// <summary>How many of its disks, as libvirt has them, are a volume: one, none, and never two.</summary>
    /// <param name="volume">The volume's id.</param>
    /// <returns>The number.</returns>
    public async Task<int> DisksOfAsync(string volume) =>
        (await _stage.Virsh.DescribeAsync(Id)).Descendants("disk").Count(disk => disk.Element("alias")?.Attribute("name")?.Value == $"ua-{volume}");

    /// <summary>Where its disk is, as libvirt has it.</summary>
    /// <param name="target">The disk: <c>vda</c>.</param>
    /// <returns>The file or device and its format.</returns>
    public async Task<(string Path, string Format)> DiskAsync(string target = "vda")
    {
        var disk = (await _stage.Virsh.DescribeAsync(Id)).Descendants("disk").Single(disk => disk.Element("target")!.Attribute("dev")!.Value == target);
        var source = disk.Element("source")!;
        return ((source.Attribute("file") ?? source.Attribute("dev"))!.Value, disk.Element("driver")!.Attribute("type")!.Value);
    }

    private async Task GoneAsync(int? process)
    {
        Promise.Holds(!await _stage.Virsh.ExistsAsync(Id), string.Create(CultureInfo.InvariantCulture, $"the API says that {Name} is gone, libvirt still has it"));
        Promise.Holds(
            process is null || !Directory.Exists($"/proc/{process}"),
            string.Create(CultureInfo.InvariantCulture, $"the API says that {Name} is gone, its QEMU (process {process}) still runs"));
    }

    private async Task OpenConsoleAsync()
    {
        if (_console is null)
        {
            var serial = (await _stage.Virsh.DescribeAsync(Id)).Descendants("serial").Concat((await _stage.Virsh.DescribeAsync(Id)).Descendants("console"))
                .Select(port => (port.Element("log")?.Attribute("file") ?? port.Element("source")?.Attribute("path"))?.Value)
                .First(path => path is not null);
            _console = new GuestConsole(serial!);
        }
    }
}
