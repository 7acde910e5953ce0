namespace Holdfast.Agent.Ledger;

/// <summary>Where the ledger's rows survive. One user at a time; called on the loop only.</summary>
internal interface ILedgerStore : IDisposable
{
    /// <summary>Reads all rows as changes to an empty ledger. Called once, before the first write.</summary>
    IReadOnlyList<LedgerChange> Load();

    /// <summary>Writes all changes in one transaction that has reached the disk when this returns <see cref="WriteOutcome.Written"/>; otherwise nothing was written.</summary>
    WriteOutcome Write(IReadOnlyList<LedgerChange> changes);
}

/// <summary>How a write to the ledger went. A closed hierarchy.</summary>
internal abstract record WriteOutcome
{
    private WriteOutcome()
    {
    }

    /// <summary>On disk.</summary>
    internal sealed record Written : WriteOutcome
    {
        /// <summary>The one value.</summary>
        public static readonly Written Value = new();
    }

    /// <summary>Nothing was written.</summary>
    /// <param name="Reason">Why, such as the disk being full.</param>
    internal sealed record Unwritable(string Reason) : WriteOutcome;
}
