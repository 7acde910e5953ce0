namespace Holdfast.Core.Planning;

/// <summary>What the hosts say about a pool that is being added, for people.</summary>
public static class AddingProgress
{
    private const int MostNames = 10;
    private const int MostSentences = 10;

    /// <summary>Says it. Hosts that say the same share a sentence, so that the text stays short however many there are.</summary>
    /// <param name="bindings">The pool on its hosts.</param>
    /// <returns>Who says what, most hosts first.</returns>
    public static string Describe(IReadOnlyList<PoolBindingFacts> bindings)
    {
        if (bindings.Count == 0)
        {
            return "there is no host in its scope";
        }

        var groups = bindings.GroupBy(Say).OrderByDescending(g => g.Count()).ToList();
        var sentences = groups.Take(MostSentences).Select(g => $"{Names([.. g.Select(b => b.HostName)])}: {g.Key}").ToList();
        var others = groups.Skip(MostSentences).Sum(g => g.Count());
        return string.Join("; ", sentences) + (others > 0 ? $"; and {others} more hosts say other things" : string.Empty);
    }

    private static string Names(IReadOnlyList<string> names) => names.Count switch
    {
        1 => $"host {names[0]}",
        <= MostNames => $"hosts {string.Join(", ", names)}",
        _ => $"hosts {string.Join(", ", names.Take(MostNames))} and {names.Count - MostNames} more",
    };

    private static string Say(PoolBindingFacts binding) => binding switch
    {
        { IsHostUp: false } => "it does not report",
        { IsCurrent: false } => "it has not answered yet",
        { Error: { } error } => error,
        { Refusal: { } refusal } => refusal,
        { IsServing: true, CapacityBytes: 0 } => "its capacity is 0",
        { IsServing: true } => "it serves it, and has not told its capacity yet",
        { Remark: { } remark } => remark,
        _ => "it is starting the driver",
    };
}
