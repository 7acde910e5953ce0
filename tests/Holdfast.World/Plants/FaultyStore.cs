using Holdfast.Agent.Ledger;

namespace Holdfast.Worlds.Plants;

/// <summary>A ledger that does not write what it says it has written.</summary>
/// <param name="inner">The real one.</param>
/// <param name="rewrite">What becomes of the changes of a write.</param>
internal sealed class FaultyStore(ILedgerStore inner, Func<IReadOnlyList<LedgerChange>, IReadOnlyList<LedgerChange>> rewrite) : ILedgerStore
{
    public IReadOnlyList<LedgerChange> Load() => inner.Load();

    public WriteOutcome Write(IReadOnlyList<LedgerChange> changes) => inner.Write(rewrite(changes));

    public void Dispose() => inner.Dispose();
}
