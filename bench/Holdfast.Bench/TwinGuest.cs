using System.Diagnostics;
using System.Globalization;
using System.Xml.Linq;
using Holdfast.Libvirt;
using Holdfast.Staging;
using Holdfast.Testing;

namespace Holdfast.Bench;

/// <summary>
/// The same machine as a guest of Holdfast's, with a disk of its own and without Holdfast's mark, so that the agent takes no interest in it: how long the machine itself takes
/// to start and to end it.
/// </summary>
internal sealed class TwinGuest : IDisposable
{
    private const string Name = "holdfast-bench-twin";
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    private readonly Stage _stage;
    private readonly string _file;
    private readonly string _definition;
    private readonly LibvirtLane _lane;

    private TwinGuest(Stage stage, string file, string definition)
    {
        (_stage, _file, _definition) = (stage, file, definition);
        _lane = new LibvirtLane(new LibvirtLaneOptions { Name = "bench", Uri = stage.Libvirt.Uri, MaxThreads = 1 }, TimeProvider.System);
    }

    /// <summary>libvirt's create of it, on a connection that is open.</summary>
    public Samples Creates { get; } = new();

    /// <summary><c>virsh destroy</c>, the start of virsh included.</summary>
    public Samples Destroys { get; } = new();

    /// <summary>SIGKILL to its QEMU, until the kernel has ended that.</summary>
    public Samples Kills { get; } = new();

    /// <summary>Makes it; it does not run.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="guest">A guest that runs.</param>
    public static async Task<TwinGuest> MakeAsync(Stage stage, Guest guest)
    {
        var definition = await stage.Virsh.DescribeAsync(guest.Id);
        var (disk, format) = await guest.DiskAsync();
        var copy = Path.Combine(stage.Stack.Options.Data, "twin.qcow2");
        await Tool.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-b", disk, "-F", format, copy);
        await Tool.RunAsync("chmod", "666", copy);
        definition.Element("name")!.Value = Name;
        definition.Element("uuid")!.Remove();
        definition.Element("metadata")?.Remove();
        definition.Attribute("id")?.Remove();

        // What the guest is told is Holdfast's to make and its own to read.
        definition.Descendants("disk").Where(disk => disk.Attribute("device")?.Value == "cdrom").Remove();
        foreach (var source in definition.Descendants("disk").Elements("source"))
        {
            source.SetAttributeValue("file", copy);
        }

        foreach (var driver in definition.Descendants("disk").Elements("driver"))
        {
            driver.SetAttributeValue("type", "qcow2");
        }

        definition.Descendants("backingStore").Remove();
        definition.Descendants("graphics").Remove();
        definition.Descendants("serial").Remove();
        definition.Descendants("console").Remove();
        definition.Descendants("channel").Remove();
        definition.Descendants("seclabel").Remove();
        var file = Path.Combine(stage.Stack.Options.Data, "twin.xml");
        var text = new XDocument(definition).ToString();
        await File.WriteAllTextAsync(file, text);
        return new TwinGuest(stage, file, text);
    }

    /// <summary>Takes samples of all three; a first of each is not counted.</summary>
    /// <param name="count">How many of each.</param>
    public async Task TakeAsync(int count)
    {
        for (var i = 0; i < count + 1; i++)
        {
            var create = await CreateAsync();
            var began = Stopwatch.GetTimestamp();
            await _stage.Virsh.DestroyAsync(Name);
            var destroy = Stopwatch.GetElapsedTime(began);
            await CreateAsync();
            var kill = await KillAsync();
            if (i > 0)
            {
                Creates.Add(create);
                Destroys.Add(destroy);
                Kills.Add(kill);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lane.Dispose();
        File.Delete(_file);
    }

    private async Task<TimeSpan> CreateAsync()
    {
        var began = Stopwatch.GetTimestamp();
        var result = await _lane.CallAsync(
            null,
            Deadline,
            session =>
            {
                session.CreateTransient(_definition).Dispose();
                return true;
            },
            CancellationToken.None);
        return result is LibvirtResult<bool>.Ok ? Stopwatch.GetElapsedTime(began) : throw new InvalidOperationException($"libvirt did not create the twin: {result}");
    }

    private async Task<TimeSpan> KillAsync()
    {
        var process = int.Parse(await File.ReadAllTextAsync(Path.Combine(_stage.Libvirt.Folder, "run", "qemu", $"{Name}.pid")), CultureInfo.InvariantCulture);
        using var qemu = Process.GetProcessById(process);
        var began = Stopwatch.GetTimestamp();
        qemu.Kill();
        while (!HasEnded(process))
        {
            if (Stopwatch.GetElapsedTime(began) > Deadline)
            {
                throw new InvalidOperationException($"The twin's QEMU, {process}, lives on after SIGKILL.");
            }

            // Not Wait: what is measured is shorter than its pauses.
            await Task.Delay(TimeSpan.FromMilliseconds(1));
        }

        var took = Stopwatch.GetElapsedTime(began);
        await Wait.UntilAsync("libvirt to have noticed that the twin is gone", Deadline, async () => !await _stage.Virsh.ExistsAsync(Name));
        return took;
    }

    // One that has ended and that nobody has asked for yet has given all back.
    private static bool HasEnded(int process)
    {
        try
        {
            var status = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
            return status[(status.LastIndexOf(')') + 2)..].StartsWith('Z');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
