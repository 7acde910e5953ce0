namespace Holdfast.Bench;

/// <summary>One call that is timed, at both sizes.</summary>
/// <param name="Name">What it is called in the table.</param>
/// <param name="List">What its rows are called, of which there must be some; null: it is no list.</param>
/// <param name="Parameters">Its parameters, for the small installation (false) or the whole one.</param>
/// <param name="Command">The command.</param>
internal sealed record ScaleCase(string Name, string? List, Func<SeededNode, bool, IReadOnlyList<(string Name, string Value)>> Parameters, string Command)
{
    private static readonly TimeSpan MostPerCase = TimeSpan.FromSeconds(20);

    /// <summary>What it took in the small installation.</summary>
    public Samples Small { get; } = new();

    /// <summary>What it took in the whole one.</summary>
    public Samples Whole { get; } = new();

    private TimeSpan _spent;

    /// <summary>Takes one more sample of each size, unless it has taken its time.</summary>
    /// <param name="small">A hundredth.</param>
    /// <param name="whole">The whole.</param>
    /// <param name="counts">Whether the samples count; those that warm up do not.</param>
    public async Task SampleAsync(SeededNode small, SeededNode whole, bool counts)
    {
        if (_spent > MostPerCase)
        {
            return;
        }

        var tookSmall = await CallAsync(small, isWhole: false);
        var tookWhole = await CallAsync(whole, isWhole: true);
        // One that is that slow is not slow because it was cold.
        if (counts || tookWhole > MostPerCase / 4)
        {
            Small.Add(tookSmall);
            Whole.Add(tookWhole);
            _spent += tookWhole;
        }
    }

    private async Task<TimeSpan> CallAsync(SeededNode node, bool isWhole)
    {
        var (took, answer) = await node.CallAsync(Command, Parameters(node, isWhole));
        if (List is not null && (!answer.TryGetProperty(List, out var rows) || rows.GetArrayLength() == 0))
        {
            throw new InvalidOperationException($"{Name} answers with no rows: {answer}");
        }

        return took;
    }
}
