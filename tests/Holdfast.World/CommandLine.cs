using System.Diagnostics;
using System.Globalization;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Matrix;
using Holdfast.Worlds.Runs;

namespace Holdfast.Worlds;

/// <summary>The world by hand: many seeds of the matrix or of random runs, or one of them with its whole history.</summary>
internal static class CommandLine
{
    private const string Usage = """
        holdfast-world matrix [--seeds N] [--from S] [--rows N,N,...]    every row that is not waiting, N seeds each (100)
        holdfast-world random [--seeds N] [--from S]                     any workload, any faults (100)
        holdfast-world replay matrix ROW SEED                            one of them again, with its whole history
        holdfast-world replay random SEED
        """;

    public static int Run(string[] args, TextWriter output)
    {
        switch (args)
        {
            case ["matrix", .. var rest] when Options(rest) is { } options:
                return Matrix(options, output);
            case ["random", .. var rest] when Options(rest) is { } options:
                return Random(options, output);
            case ["replay", "matrix", var row, var seed] when int.TryParse(row, out var number) && int.TryParse(seed, out var chosen)
                && FaultMatrix.Rows.FirstOrDefault(one => one.Number == number) is { Play: not null } known:
                return Replay(keep => known.Run(chosen, keepsLog: true, keep), output);
            case ["replay", "random", var seed] when int.TryParse(seed, out var chosen):
                return Replay(
                    keep =>
                    {
                        using var world = RandomRun.Play(chosen);
                        keep(world);
                    },
                    output);
            default:
                output.WriteLine(Usage);
                return 2;
        }
    }

    private static int Matrix((int From, int Seeds, IReadOnlyList<int> Rows) options, TextWriter output)
    {
        var rows = FaultMatrix.Rows.Where(row => options.Rows.Count == 0 || options.Rows.Contains(row.Number)).Select(row => MatrixReport.Play(row, options.From, options.Seeds)).ToList();
        MatrixReport.Write(rows, output);
        return rows.TrueForAll(static row => row.Failures.Count == 0) ? 0 : 1;
    }

    private static int Random((int From, int Seeds, IReadOnlyList<int> Rows) options, TextWriter output)
    {
        var watch = Stopwatch.StartNew();
        var span = TimeSpan.Zero;
        var failed = 0;
        for (var seed = options.From; seed < options.From + options.Seeds; seed++)
        {
            try
            {
                using var world = RandomRun.Play(seed, keepsLog: false);
                span += world.Simulator.Now;
            }
            catch (WorldException broken)
            {
                failed++;
                output.WriteLine($"{broken.Message.Split('\n')[0].Trim()}\n  again: holdfast-world replay random {seed}");
            }
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Seeds} seeds, {failed} failed; {span.TotalHours:0.0} hours of virtual time in {watch.Elapsed.TotalSeconds:0} s, {1000 * watch.Elapsed.TotalSeconds / options.Seeds:0} s for a thousand seeds"));
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

    private static (int From, int Seeds, IReadOnlyList<int> Rows)? Options(string[] args)
    {
        var (from, seeds, rows) = (1, 100, new List<int>());
        for (var i = 0; i < args.Length; i += 2)
        {
            switch (args[i..])
            {
                case ["--from", var text, ..] when int.TryParse(text, out from):
                    break;
                case ["--seeds", var text, ..] when int.TryParse(text, out seeds) && seeds > 0:
                    break;
                case ["--rows", var text, ..] when text.Split(',').All(static one => int.TryParse(one, out _)):
                    rows = [.. text.Split(',').Select(static one => int.Parse(one, CultureInfo.InvariantCulture))];
                    break;
                default:
                    return null;
            }
        }

        return (from, seeds, rows);
    }
}
