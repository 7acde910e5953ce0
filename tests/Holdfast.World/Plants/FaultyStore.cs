using Holdfast.Agent.Ledger;

namespace Holdfast.Worlds.Plants;

/// <summary>A ledger that does not write what it says it has written.</summary>
/// <param name="inner">The real one.</param>
/// <param name="rewrite">What becomes of the changes of a write.</param>
internal sealed class FaultyStore(ILedgerStore inner, Func<IReadOnlyList<LedgerChange>, IReadOnlyList<LedgerChange>> rewrite) : ILedgerStore
{
    public string Location => inner.Location;

    public IReadOnlyList<LedgerChange> Load() => inner.Load();

    public Task<WriteOutcome> WriteAsync(IReadOnlyList<LedgerChange> changes) => inner.WriteAsync(rewrite(changes));

    public void Dispose() => inner.Dispose();
}
