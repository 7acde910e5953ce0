using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;

namespace Holdfast.Worlds.Checking;

/// <summary>I8: an agent acts on the newest generation that it has accepted, never on an older one; and the ledger never goes back.</summary>
internal sealed class GenerationChecker : Checker
{
    private readonly HostLedger _ledgers = new();

    public override string Invariant => "I8";

    public override string? Look(HistoryEntry entry)
    {
        switch (entry)
        {
            case HistoryEntry.StartAsked asked:
                Judged++;
                return _ledgers.Of(asked.Host).Item(ItemKind.Machine, asked.Vm.Value)?.Item switch
                {
                    null => $"{asked.Host} starts {HistoryText.Short(asked.Vm.Value)} without an item in its ledger",
                    { Desired: not Desired.Running } item => $"{asked.Host} starts {HistoryText.Short(asked.Vm.Value)}, which is to be {item.Desired} since generation {item.Generation}",
                    { Generation: var newest } when newest != asked.Generation => $"{asked.Host} starts {HistoryText.Short(asked.Vm.Value)} for generation {asked.Generation}, and its ledger has {newest}",
                    _ => null,
                };
            case HistoryEntry.LedgerWritten written:
                foreach (var item in written.Changes.OfType<Holdfast.Agent.Ledger.LedgerChange.PutItem>().Select(put => put.Row.Item))
                {
                    Judged++;
                    if (_ledgers.Of(written.Host).Item(item.Kind, item.Id)?.Item is { } before && item.Generation < before.Generation)
                    {
                        return $"{written.Host} accepts generation {item.Generation} of {item.Kind} {HistoryText.Short(item.Id)} after {before.Generation}";
                    }
                }

                break;
        }

        _ledgers.Follow(entry);
        return null;
    }
}
