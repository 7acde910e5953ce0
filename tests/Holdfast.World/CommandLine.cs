using System.Diagnostics;
using System.Globalization;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Matrix;
using Holdfast.Worlds.Runs;
using Holdfast.Worlds.Storage;

namespace Holdfast.Worlds;

/// <summary>The world by hand: many seeds of the matrix or of random runs, or one of them with its whole history.</summary>
internal static class CommandLine
{
    private const string Usage = """
        holdfast-world matrix [--seeds N] [--from S] [--rows N,N,...]    every row that is not waiting, N seeds each (100)
        holdfast-world random [--seeds N] [--from S] [--fault KIND]      any workload, any faults (100); with KIND each run has that one, too
        holdfast-world removal [--hosts N] [--seeds N] [--from S]        a pool removed from N hosts, of which 8 % are not simply there (1000; 1 seed)
        holdfast-world stops [--stops N] [--from S]                      forced stops beside a sick backend of another pool, at least N of each mood (1000)
        holdfast-world replay matrix ROW SEED                            one of them again, with its whole history
        holdfast-world replay random SEED [KIND]
        holdfast-world replay removal HOSTS SEED
        """;

    public static int Run(string[] args, TextWriter output)
    {
        switch (args)
        {
            case ["matrix", .. var rest] when Options(rest, "--rows") is { } options:
                return Matrix(options, output);
            case ["random", .. var rest] when Options(rest, "--fault") is { } options:
                return Random(options, output);
            case ["removal", .. var rest] when Options(rest, "--hosts") is { } options:
                return Removal(options, output);
            case ["stops", .. var rest] when Options(rest, "--stops") is { } options:
                return Stops(options, output);
            case ["replay", "matrix", var row, var seed] when int.TryParse(row, out var number) && int.TryParse(seed, out var chosen)
                && FaultMatrix.Rows.FirstOrDefault(one => one.Number == number) is { Play: not null } known:
                return Replay(keep => known.Run(chosen, keepsLog: true, keep), output);
            case ["replay", "random", var seed, .. var kind] when int.TryParse(seed, out var chosen) && (kind is [] || (kind is [var one] && Enum.TryParse<FaultKind>(one, out _))):
                return Replay(
                    keep =>
                    {
                        using var world = RandomRun.Play(chosen, also: kind is [var named] ? Enum.Parse<FaultKind>(named) : null);
                        keep(world);
                    },
                    output);
            case ["replay", "removal", var hosts, var seed] when int.TryParse(hosts, out var many) && many >= FleetRemoval.Fewest && int.TryParse(seed, out var chosen):
                return Replay(keep => FleetRemoval.Play(chosen, many, keepsLog: true, keep), output);
            default:
                output.WriteLine(Usage);
                return 2;
        }
    }

    private static int Matrix(Given options, TextWriter output)
    {
        var rows = FaultMatrix.Rows.Where(row => options.Rows.Count == 0 || options.Rows.Contains(row.Number)).Select(row => MatrixReport.Play(row, options.From, options.Seeds ?? 100)).ToList();
        MatrixReport.Write(rows, output);
        return rows.TrueForAll(static row => row.Failures.Count == 0) ? 0 : 1;
    }

    private static int Removal(Given options, TextWriter output)
    {
        var failed = 0;
        output.WriteLine("| seed | hosts | offline | in maintenance | installed anew | the others confirmed in, s | all complete after their return in, s | real s |");
        output.WriteLine("|---|---|---|---|---|---|---|---|");
        for (var seed = options.From; seed < options.From + (options.Seeds ?? 1); seed++)
        {
            var watch = Stopwatch.StartNew();
            try
            {
                var result = FleetRemoval.Play(seed, options.Hosts);
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {seed} | {result.Hosts} | {result.Offline} | {result.InMaintenance} | {result.Reimaged} | {result.Confirmed.TotalSeconds:0.0} | {result.Settled.TotalSeconds:0.0} | {watch.Elapsed.TotalSeconds:0} |"));
            }
            catch (WorldException broken)
            {
                failed++;
                output.WriteLine($"FAILED: {broken.Message.Split('\n')[0].Trim()}\n  again: holdfast-world replay removal {options.Hosts} {seed}");
            }
        }

        return failed == 0 ? 0 : 1;
    }

    private static int Stops(Given options, TextWriter output)
    {
        const int InEach = 50;
        var worlds = (options.Stops + InEach - 1) / InEach;

        // The baseline twice, with seeds of its own: its ratio says what is chance.
        var cases = Enum.GetValues<BackendMood>().Select(mood => StopTimes.Play(mood, options.From, worlds, InEach)).Append(StopTimes.Play(BackendMood.Well, options.From + worlds, worlds, InEach)).ToList();
        StopTimes.Write(cases, output);
        return cases.TrueForAll(static one => one.ForeignCalls == 0) ? 0 : 1;
    }

    private static int Random(Given options, TextWriter output)
    {
        var seeds = options.Seeds ?? 100;
        var watch = Stopwatch.StartNew();
        var span = TimeSpan.Zero;
        var failed = 0;
        for (var seed = options.From; seed < options.From + seeds; seed++)
        {
            try
            {
                using var world = RandomRun.Play(seed, keepsLog: false, also: options.Fault);
                span += world.Simulator.Now;
            }
            catch (WorldException broken)
            {
                failed++;
                output.WriteLine($"{broken.Message.Split('\n')[0].Trim()}\n  again: holdfast-world replay random {seed} {options.Fault}");
            }
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{seeds} seeds, {failed} failed; {span.TotalHours:0.0} hours of virtual time in {watch.Elapsed.TotalSeconds:0} s, {1000 * watch.Elapsed.TotalSeconds / seeds:0} s for a thousand seeds"));
        return failed == 0 ? 0 : 1;
    }

    private static int Replay(Action<Action<World>> play, TextWriter output)
    {
        try
        {
            play(world => Write(world.Recorder.Entries, output));
            return 0;
        }
        catch (WorldException broken)
        {
            Write(broken.Entries, output);
            output.WriteLine(broken.Message);
            return 1;
        }
    }

    private static void Write(IReadOnlyList<HistoryEntry> entries, TextWriter output)
    {
        foreach (var entry in entries)
        {
            output.WriteLine(HistoryText.Line(entry));
        }
    }

    // One option may be particular to a command; every command knows --from, and all but one --seeds.
    private static Given? Options(string[] args, string? particular = null)
    {
        var given = new Given();
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : string.Empty;
            int? number = int.TryParse(value, CultureInfo.InvariantCulture, out var parsed) && parsed > 0 ? parsed : null;
            switch (args[i])
            {
                case "--from" when number is { } from:
                    given = given with { From = from };
                    break;
                case "--seeds" when number is not null && particular != "--stops":
                    given = given with { Seeds = number };
                    break;
                case "--hosts" when number is >= FleetRemoval.Fewest && particular == "--hosts":
                    given = given with { Hosts = number.Value };
                    break;
                case "--stops" when number is { } stops && particular == "--stops":
                    given = given with { Stops = stops };
                    break;
                case "--fault" when particular == "--fault" && Enum.TryParse<FaultKind>(value, out var kind):
                    given = given with { Fault = kind };
                    break;
                case "--rows" when particular == "--rows" && value.Split(',').All(static one => int.TryParse(one, CultureInfo.InvariantCulture, out _)):
                    given = given with { Rows = [.. value.Split(',').Select(static one => int.Parse(one, CultureInfo.InvariantCulture))] };
                    break;
                default:
                    return null;
            }
        }

        return given;
    }

    private sealed record Given
    {
        public int From { get; init; } = 1;

        public int? Seeds { get; init; }

        public int Hosts { get; init; } = 1000;

        public int Stops { get; init; } = 1000;

        public FaultKind? Fault { get; init; }

        public IReadOnlyList<int> Rows { get; init; } = [];
    }
}
