using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Storage;

namespace Holdfast.Worlds.Runs;

/// <summary>
/// How long a forced stop takes, in virtual time from the call of the API until the server has the report that the guest is gone, while the backend of another
/// pool, with a guest of its own on the same host, is sick. Counts the calls that its driver got about a volume meanwhile.
/// </summary>
internal static class StopTimes
{
    /// <summary>The stops of one mood of the other backend.</summary>
    /// <param name="Mood">How the other backend is; Well is the baseline.</param>
    /// <param name="Milliseconds">Virtual time of each stop, ascending.</param>
    /// <param name="ForeignCalls">Calls about a volume to the other pool's driver, while its own guest was left alone.</param>
    public sealed record Case(BackendMood Mood, IReadOnlyList<double> Milliseconds, int ForeignCalls)
    {
        /// <summary>The value that the given share of stops does not exceed.</summary>
        public double Percentile(double share) => Milliseconds[(int)Math.Ceiling(share * Milliseconds.Count) - 1];
    }

    /// <summary>Plays a mood.</summary>
    /// <param name="mood">How the other backend is.</param>
    /// <param name="from">The first seed.</param>
    /// <param name="worlds">How many worlds.</param>
    /// <param name="stops">How many stops in each.</param>
    /// <exception cref="WorldException">Something went wrong in one of them.</exception>
    public static Case Play(BackendMood mood, int from, int worlds, int stops)
    {
        var times = new List<double>();
        var foreign = 0;
        for (var seed = from; seed < from + worlds; seed++)
        {
            using var world = new World(new WorldOptions { Seed = seed, Hosts = 1, LookEvery = TimeSpan.Zero, KeepsLog = false }).Build();
            var vm = world.Run(0, world.Hosts[0]);
            world.Run(1, world.Hosts[0]);
            world.Backends[1].Become(mood);
            var mark = world.Recorder.Entries.Count;
            for (var i = 0; i < stops; i++)
            {
                // Anywhere in the rhythm of probes, circuits and heartbeats.
                world.For(world.Simulator.Milliseconds(0, 6000));
                times.Add(Stop(world, vm).TotalMilliseconds);
                world.Do(world.Api.StartVm(vm));
            }

            foreign += world.Recorder.Entries.Skip(mark).Count(entry => entry is HistoryEntry.DriverCalled { Volume: not null } called && called.Pool == world.Backends[1].Pool);
            world.HealAndSettle();
        }

        times.Sort();
        return new Case(mood, times, foreign);
    }

    /// <summary>The table: each mood against the first case, which is the baseline.</summary>
    public static void Write(IReadOnlyList<Case> cases, TextWriter output)
    {
        output.WriteLine("| other backend | stops | p50 ms | p99 ms | p50 over healthy | p99 over healthy | foreign driver calls |");
        output.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var one in cases)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {one.Mood} | {one.Milliseconds.Count} | {one.Percentile(0.5):0.0} | {one.Percentile(0.99):0.0} | {one.Percentile(0.5) / cases[0].Percentile(0.5):0.000} | {one.Percentile(0.99) / cases[0].Percentile(0.99):0.000} | {one.ForeignCalls} |"));
        }
    }

    private static TimeSpan Stop(World world, VmId vm)
    {
        var mark = world.Recorder.Entries.Count;
        var began = world.Simulator.Now;
        var call = world.Api.StopVm(vm, forced: true);
        HistoryEntry? told = null;
        world.Until(
            () =>
            {
                for (; told is null && mark < world.Recorder.Entries.Count; mark++)
                {
                    told = world.Recorder.Entries[mark] is HistoryEntry.Reported reported
                        && reported.Report.Items.Any(item => item.Id == vm.Value && item.Machine is { State: MachineState.Stopped }) ? reported : null;
                }

                return told is not null;
            },
            TimeSpan.FromMinutes(2),
            "the report that the guest is gone");
        world.Do(call);
        return told!.At - began;
    }
}
