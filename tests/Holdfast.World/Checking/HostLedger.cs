using Holdfast.Agent.Ledger;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>The ledgers of all hosts, as the history tells them.</summary>
internal sealed class HostLedger
{
    private readonly Dictionary<string, LedgerTables> _tables = [];

    public LedgerTables Of(string host) => _tables.TryGetValue(host, out var tables) ? tables : _tables[host] = new LedgerTables();

    public void Follow(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.LedgerWritten written:
                var tables = Of(written.Host);
                foreach (var change in written.Changes)
                {
                    tables.Apply(change);
                }

                break;
            case HistoryEntry.LedgerDamaged damaged:
                var left = new LedgerTables();
                foreach (var change in damaged.Left)
                {
                    left.Apply(change);
                }

                _tables[damaged.Host] = left;
                break;
            case HistoryEntry.HostReimaged reimaged:
                _tables[reimaged.Host] = new LedgerTables();
                break;
        }
    }
}
