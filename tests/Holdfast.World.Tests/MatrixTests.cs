using Holdfast.Worlds.Matrix;
using Shouldly;
using Xunit;

namespace Holdfast.Worlds.Tests;

/// <summary>Every row of the fault matrix that does not wait, over its seeds. Two halves, so that two cores have work.</summary>
public abstract class MatrixTests
{
    private readonly MatrixTable _table;

    protected MatrixTests(MatrixTable table) => _table = table;

    public static TheoryData<int> Even => Numbers(0);

    public static TheoryData<int> Odd => Numbers(1);

    protected void PlayRow(int number)
    {
        var row = FaultMatrix.Rows.Single(one => one.Number == number);
        var report = MatrixReport.Play(row, 1, Seeds.OfARow);
        _table.Add(report);
        report.Failures.Select(failure => $"holdfast-world replay matrix {number} {failure.Seed}: {failure.Why.Message}").ShouldBeEmpty();
        report.Seeds.ShouldBe(Seeds.OfARow);
    }

    private static TheoryData<int> Numbers(int remainder) => [.. FaultMatrix.Rows.Where(row => row.Play is not null).Select(row => row.Number).Where((_, index) => index % 2 == remainder)];
}

public sealed class EvenMatrixTests(MatrixTable table) : MatrixTests(table)
{
    [Theory]
    [MemberData(nameof(Even))]
    public void Row(int number) => PlayRow(number);
}

public sealed class OddMatrixTests(MatrixTable table) : MatrixTests(table)
{
    [Theory]
    [MemberData(nameof(Odd))]
    public void Row(int number) => PlayRow(number);
}

public sealed class MatrixShapeTests
{
    [Fact]
    public void Every_row_is_there_once_and_is_either_played_or_says_what_it_waits_for()
    {
        FaultMatrix.Rows.Select(row => row.Number).ShouldBe(Enumerable.Range(1, 75));
        FaultMatrix.Rows.ShouldAllBe(row => (row.Play == null) != (row.Waiting == null));
    }
}
