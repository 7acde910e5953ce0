namespace Holdfast.Agent.Ledger;

/// <summary>Where the ledger's rows survive. One user and one write at a time; called on the loop only.</summary>
internal interface ILedgerStore : IDisposable
{
    /// <summary>What people look for when it does not answer, such as the path of its file.</summary>
    string Location { get; }

    /// <summary>Reads all rows as changes to an empty ledger. Called once, before the first write.</summary>
    IReadOnlyList<LedgerChange> Load();

    /// <summary>
    /// Writes all changes in one transaction that has reached the disk when this ends with <see cref="WriteOutcome.Written"/>; otherwise nothing was written. Whatever waits for the
    /// disk waits off the loop, as long as the disk does.
    /// </summary>
    Task<WriteOutcome> WriteAsync(IReadOnlyList<LedgerChange> changes);
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
