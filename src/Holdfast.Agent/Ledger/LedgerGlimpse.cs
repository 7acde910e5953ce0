namespace Holdfast.Agent.Ledger;

/// <summary>What somebody who only reads finds of a ledger. A closed hierarchy.</summary>
internal abstract record LedgerGlimpse
{
    private LedgerGlimpse()
    {
    }

    /// <summary>Rows that are certainly what was written.</summary>
    /// <param name="Changes">The rows.</param>
    /// <param name="Damage">What is wrong with the file, so that rows may be missing; null when nothing is.</param>
    internal sealed record Read(IReadOnlyList<LedgerChange> Changes, string? Damage) : LedgerGlimpse;

    /// <summary>Nothing can be read.</summary>
    /// <param name="Reason">Why; names the file.</param>
    internal sealed record Unreadable(string Reason) : LedgerGlimpse;
}
