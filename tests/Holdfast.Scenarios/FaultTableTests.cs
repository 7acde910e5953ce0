using System.Globalization;
using System.Reflection;
using Shouldly;
using Xunit;

namespace Holdfast.Scenarios;

/// <summary>docs/faults.md says which rows are played with real processes, and by which tests.</summary>
public sealed class FaultTableTests
{
    [Fact]
    public void FaultTable_NamesTestsThatAreThere_AndAllThatPlayARow()
    {
        var table = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "docs", "faults.md"))
            .SkipWhile(static line => line != "## With real processes").Skip(1).TakeWhile(static line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Select(static line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(static cells => cells.Length > 2 && int.TryParse(cells[1], out _))
            .Select(static cells => (Row: cells[1], Test: cells[2].Split('`')[1]))
            .ToList();
        table.ShouldNotBeEmpty();
        var rows = table.Select(static line => int.Parse(line.Row, CultureInfo.InvariantCulture)).ToList();
        rows.SequenceEqual(rows.Order()).ShouldBeTrue($"the rows are in order: {string.Join(", ", rows)}");

        var tests = typeof(FaultTableTests).Assembly.GetTypes()
            .SelectMany(static type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly), static (type, method) => (Name: $"{type.Name}.{method.Name}", Type: type, Method: method))
            .Where(static test => test.Method.GetCustomAttributes<FactAttribute>().Any())
            .ToList();
        table.Select(static line => line.Test).Except(tests.Select(static test => test.Name)).ShouldBeEmpty("tests that the table names and that do not exist");

        var played = tests.SelectMany(static test => RowsOf(test.Type).Concat(RowsOf(test.Method)), static (test, row) => (Row: row, Test: test.Name)).ToList();
        played.ShouldNotBeEmpty();
        played.Except(table).ShouldBeEmpty("tests that play a row and that the table does not name");
    }

    private static IEnumerable<string> RowsOf(MemberInfo member) =>
        member.GetCustomAttributes<TraitAttribute>().Where(static trait => trait.Name == "Row").Select(static trait => trait.Value);
}
