namespace Holdfast.Architecture.Tests;

/// <summary>Two folders that use each other.</summary>
/// <param name="Left">The one that comes first by name.</param>
/// <param name="Right">The other.</param>
/// <param name="Uses">Which types use which, from either to the other; written for people.</param>
internal sealed record FolderCycle(string Left, string Right, IReadOnlyList<string> Uses)
{
    private const string Top = "(the project's own folder)";

    /// <summary>As the pair is listed.</summary>
    public string Name => $"{Left} - {Right}";

    /// <summary>Finds all pairs of folders of a project that use each other.</summary>
    /// <param name="uses">Which types use which.</param>
    /// <param name="project">Its root namespace.</param>
    /// <param name="depth">How deep folders count: 1 for those of the project alone, with all that is in them.</param>
    public static IReadOnlyList<FolderCycle> Find(IEnumerable<TypeUse> uses, string project, int depth = int.MaxValue)
    {
        var edges = uses.Where(use => IsIn(use.From) && IsIn(use.To))
            .Select(use => (Folders: Apart([.. PathOf(use.From).Take(depth)], [.. PathOf(use.To).Take(depth)]), Text: $"{NameOf(use.From)} uses {NameOf(use.To)}"))
            .ToLookup(edge => edge.Folders, edge => edge.Text);
        return
        [
            .. edges.Where(edge => string.CompareOrdinal(edge.Key.From, edge.Key.To) < 0 && edges.Contains((edge.Key.To, edge.Key.From)))
                .Select(edge => new FolderCycle(
                    edge.Key.From, edge.Key.To,
                    [.. edge.Order(StringComparer.Ordinal), .. edges[(edge.Key.To, edge.Key.From)].Order(StringComparer.Ordinal)]))
                .OrderBy(cycle => cycle.Name, StringComparer.Ordinal),
        ];

        bool IsIn(TypeName type) => type.Namespace == project || type.Namespace.StartsWith(project + ".", StringComparison.Ordinal);

        string[] PathOf(TypeName type) => type.Namespace.Length == project.Length ? [] : type.Namespace[(project.Length + 1)..].Split('.');

        string NameOf(TypeName type) => string.Join('.', [.. PathOf(type), type.Name]);
    }

    /// <summary>The pair and its types; of many only some, from both directions.</summary>
    public string Describe(int most)
    {
        var ways = Uses.GroupBy(use => use[..use.IndexOf(" uses ", StringComparison.Ordinal)].StartsWith(Right + ".", StringComparison.Ordinal));
        return $"{Name}: " + string.Join("; ", ways.SelectMany(way => way.Count() <= most ? way : way.Take(most).Append($"and {way.Count() - most} more")));
    }

    // Where the ways to two folders part: each by the first step that the other has not.
    private static (string From, string To) Apart(string[] from, string[] to)
    {
        var same = 0;
        while (same < from.Length && same < to.Length && from[same] == to[same])
        {
            same++;
        }

        return (Up(from), Up(to));

        string Up(string[] path) => path.Length == 0 ? Top : string.Join('.', path.Take(same + 1));
    }
}
