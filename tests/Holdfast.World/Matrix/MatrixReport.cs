using System.Diagnostics;

namespace Holdfast.Worlds.Matrix;

/// <summary>How a row fared over many seeds.</summary>
/// <param name="Row">The row.</param>
/// <param name="Seeds">How many were played.</param>
/// <param name="Failures">Seeds that failed, with the first line of why.</param>
/// <param name="Took">Real time.</param>
internal sealed record MatrixReport(MatrixRow Row, int Seeds, IReadOnlyList<(int Seed, WorldException Why)> Failures, TimeSpan Took)
{
    /// <summary>Plays a row.</summary>
    public static MatrixReport Play(MatrixRow row, int from, int seeds)
    {
        var watch = Stopwatch.StartNew();
        var failures = new List<(int Seed, WorldException Why)>();
        if (row.Play is not null)
        {
            for (var seed = from; seed < from + seeds; seed++)
            {
                try
                {
                    row.Run(seed, keepsLog: false);
                }
                catch (WorldException broken)
                {
                    failures.Add((seed, broken));
                }
            }
        }

        return new MatrixReport(row, row.Play is null ? 0 : seeds, failures, watch.Elapsed);
    }

    /// <summary>The table: row, fault, operations, seeds, result.</summary>
    public static void Write(IReadOnlyList<MatrixReport> reports, TextWriter output)
    {
        output.WriteLine("| row | fault | operations | seeds | result |");
        output.WriteLine("|---|---|---|---|---|");
        foreach (var report in reports)
        {
            var result = report.Row.Waiting is { } waiting ? $"waiting: {waiting}" : report.Failures.Count == 0 ? "green" : $"FAILED: {report.Failures.Count}";
            output.WriteLine($"| {report.Row.Number} | {report.Row.Fault} | {report.Row.Operations} | {report.Seeds} | {result} |");
        }

        foreach (var report in reports)
        {
            foreach (var (seed, why) in report.Failures)
            {
                output.WriteLine($"row {report.Row.Number}, again: holdfast-world replay matrix {report.Row.Number} {seed}\n  {why.Message.Split('\n')[0].Trim()}");
            }
        }

        var played = reports.Where(static report => report.Seeds > 0).ToList();
        if (played.Count > 0)
        {
            output.WriteLine($"{played.Sum(static report => report.Seeds)} worlds in {played.Sum(static report => report.Took.TotalSeconds):0} s, {played.Count(static report => report.Failures.Count == 0)} of {played.Count} rows green, {reports.Count - played.Count} waiting");
        }
    }
}
