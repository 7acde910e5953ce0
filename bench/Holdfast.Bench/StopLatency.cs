using System.Diagnostics;
using System.Globalization;
using System.Xml.Linq;
using Holdfast.Staging;

namespace Holdfast.Bench;

/// <summary>
/// How long a forced stop takes from the API call to the API's "done": with healthy pools beside it, with one dead and with five dead, against virsh
/// destroying a twin of the same guest. All in turns, so that a slower minute of the machine hits all alike.
/// </summary>
internal sealed class StopLatency
{
    private const int Pools = 5;
    private const int Turn = 20;

    private readonly Stage _stage;
    private readonly int _stops;
    private readonly List<SimulatedPool> _pools = [];

    public StopLatency(Stage stage, int stops)
    {
        _stage = stage;
        _stops = stops;
    }

    public async Task PrepareAsync()
    {
        _stage.Api.PollEvery = TimeSpan.FromMilliseconds(5);
        for (var i = 0; i < Pools; i++)
        {
            _pools.Add(await _stage.AddLinstorAsync("dead"));
        }
    }

    public async Task MeasureAsync(Death death)
    {
        var vm2 = await _stage.DeployAsync("vm2");
        var twin = await MakeTwinAsync(vm2);
        await vm2.StopAsync(forced: true);

        var virsh = new Samples();
        var byDead = new Dictionary<int, Samples> { [0] = new(), [1] = new(), [Pools] = new() };
        while (virsh.Count < _stops)
        {
            for (var i = 0; i < Turn; i++)
            {
                await Virsh.RunAsync("create", twin);
                var began = Stopwatch.GetTimestamp();
                await Virsh.DestroyAsync(TwinName);
                virsh.Add(Stopwatch.GetElapsedTime(began));
            }

            foreach (var (dead, samples) in byDead)
            {
                foreach (var pool in _pools.Take(dead))
                {
                    await pool.DieAsync(death);
                }

                for (var i = 0; i < Turn; i++)
                {
                    await vm2.DoAsync("startVirtualMachine");
                    samples.Add(await vm2.DoAsync("stopVirtualMachine", ("forced", "true")));
                }

                foreach (var pool in _pools.Take(dead))
                {
                    await pool.HealAsync();
                }
            }

            await Console.Error.WriteLineAsync($"{death}: {virsh.Count} of {_stops}");
        }

        await vm2.DestroyAsync();
        var healthy = byDead[0];
        Row(death, "virsh destroy", virsh, null, null);
        foreach (var (dead, samples) in byDead)
        {
            Row(death, $"stopVirtualMachine, {dead} of {Pools} pools dead", samples, dead == 0 ? null : healthy, virsh);
        }
    }

    private const string TwinName = "holdfast-bench-twin";

    private static void Row(Death death, string what, Samples samples, Samples? healthy, Samples? virsh) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {death} | {what} | {samples.Count} | {samples.P50:0.0} | {samples.P99:0.0} | {Ratio(samples.P50, healthy?.P50)} | {Ratio(samples.P99, healthy?.P99)} | {(virsh is null ? "" : (samples.P50 - virsh.P50).ToString("+0.0;-0.0", CultureInfo.InvariantCulture))} |"));

    private static string Ratio(double value, double? reference) => reference is { } other ? (value / other).ToString("0.000", CultureInfo.InvariantCulture) : "";

    // The same machine with a disk of its own and without Holdfast's mark, so that the agent takes no interest in it.
    private async Task<string> MakeTwinAsync(Guest guest)
    {
        var definition = await Virsh.DescribeAsync(guest.Id);
        var (disk, format) = await guest.DiskAsync();
        var copy = Path.Combine(_stage.Stack.Options.Data, "twin.qcow2");
        await Tool.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-b", disk, "-F", format, copy);
        await Tool.RunAsync("chmod", "666", copy);
        definition.Element("name")!.Value = TwinName;
        definition.Element("uuid")!.Remove();
        definition.Element("metadata")?.Remove();
        definition.Attribute("id")?.Remove();
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
        var file = Path.Combine(_stage.Stack.Options.Data, "twin.xml");
        await File.WriteAllTextAsync(file, new XDocument(definition).ToString());
        return file;
    }
}
