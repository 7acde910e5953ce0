namespace Holdfast.Core.Planning;

/// <summary>Compares what a backend has with what is on record. Pure.</summary>
public static class InventoryPlanner
{
    /// <summary>How many volumes must be lacking, and none of the pool's be there, for a list to be taken for another backend's.</summary>
    public const int WholesaleFrom = 5;

    /// <summary>Whether a list rather speaks about another backend.</summary>
    /// <param name="found">How many of the pool's volumes it had.</param>
    /// <param name="lacking">How many it had not.</param>
    /// <returns>Whether nothing may be given up because of it.</returns>
    public static bool IsWholesale(long found, long lacking) => found == 0 && lacking >= WholesaleFrom;

    /// <summary>Whether a look that was asked for at a time says anything about a volume.</summary>
    /// <param name="known">The volume.</param>
    /// <param name="asked">When the look was asked for.</param>
    /// <returns>Whether it does.</returns>
    public static bool IsSpokenOf(KnownVolume known, DateTimeOffset asked) => !known.IsBusy && known.Since <= asked;

    /// <summary>Compares.</summary>
    /// <param name="facts">The look, and what is on record.</param>
    /// <returns>What follows; nothing for what is as it should be, or as it was said to be before.</returns>
    public static IReadOnlyList<InventoryFinding> Compare(InventoryFacts facts)
    {
        var seen = facts.Seen.ToDictionary(volume => volume.Id);
        var unclear = facts.Unclear.ToHashSet();
        var findings = new List<InventoryFinding>();
        foreach (var known in facts.Known.Where(known => IsSpokenOf(known, facts.Asked) && !unclear.Contains(known.Id)))
        {
            var wrong = Wrong(known, seen.GetValueOrDefault(known.Id));
            InventoryFinding? finding = (wrong, facts.IsSecondLook) switch
            {
                (null, _) => known.IsMissing ? new InventoryFinding.Back(known.Id) : null,
                (_, false) => known.IsMissing && !known.IsUnused ? null : new InventoryFinding.Suspect(known.Id),
                (_, true) when known.IsCopy => facts.IsWholesale ? null : new InventoryFinding.GiveUpCopy(known.Id, wrong),
                (_, true) when known.IsUnused && !facts.IsWholesale => new InventoryFinding.MakeAgain(known.Id),
                _ => known.IsMissing ? null : new InventoryFinding.Missing(known.Id),
            };
            if (finding is not null)
            {
                findings.Add(finding);
            }
        }

        return findings;
    }

    // Of a volume only its being there is judged: its generation is settled by the next call about it. A copy is cloned as it is.
    private static string? Wrong(KnownVolume known, SeenVolume? seen) => seen switch
    {
        null => "is not at the backend any more",
        { IsSealed: false } when known.IsCopy => "is at the backend, but not sealed",
        _ when known.IsCopy && seen.Generation != known.Generation => $"has generation {seen.Generation} at the backend, not {known.Generation}",
        _ => null,
    };
}
