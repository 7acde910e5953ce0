using Holdfast.Protocol.Host;

namespace Holdfast.Server.Reports;

/// <summary>The words of conditions.</summary>
internal static class ConditionTexts
{
    /// <summary>The text of the first condition of one of some types; null: there is none.</summary>
    public static string? TextOf(IReadOnlyList<Condition> conditions, params ReadOnlySpan<ConditionType> types)
    {
        foreach (var condition in conditions)
        {
            if (types.Contains(condition.Type))
            {
                return condition.Text;
            }
        }

        return null;
    }

    /// <summary>The texts of all conditions of a type. One condition for each volume; together they are one text.</summary>
    public static string? TextsOf(IReadOnlyList<Condition> conditions, ConditionType type) =>
        conditions.Where(condition => condition.Type == type).Select(condition => condition.Text).ToList() is { Count: > 0 } texts ? string.Join(" ", texts) : null;
}
