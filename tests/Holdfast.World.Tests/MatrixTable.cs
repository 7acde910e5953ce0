using System.Globalization;
using Holdfast.Worlds.Matrix;
using Holdfast.Worlds.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(MatrixTable))]

namespace Holdfast.Worlds.Tests;

/// <summary>Collects how the rows fared and writes the table when all have been played: beside the test report, where ./test prints it from, and to the output.</summary>
public sealed class MatrixTable : IDisposable
{
    // Guards the reports: the halves of the matrix run side by side.
    private readonly Lock _gate = new();
    private readonly List<MatrixReport> _reports = [];

    internal void Add(MatrixReport report)
    {
        lock (_gate)
        {
            _reports.Add(report);
        }
    }

    public void Dispose()
    {
        if (_reports.Count == 0)
        {
            return;
        }

        var all = FaultMatrix.Rows.Where(row => row.Waiting is not null).Select(row => new MatrixReport(row, 0, [], TimeSpan.Zero)).Concat(_reports).OrderBy(report => report.Row.Number).ToList();
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        MatrixReport.Write(all, text);
        Console.Out.Write(text.ToString());
        File.WriteAllText(Path.Combine(AppContext.BaseDirectory, "fault-matrix.md"), text.ToString());
    }
}
