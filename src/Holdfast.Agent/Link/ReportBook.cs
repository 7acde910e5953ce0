using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Link;

/// <summary>Tells the state of items.</summary>
internal interface IReportSource
{
    /// <summary>The state of an item, or null when nothing is known of it.</summary>
    ItemReport? Report(ItemKind kind, Guid id);

    /// <summary>Everything there is to report about.</summary>
    IEnumerable<(ItemKind Kind, Guid Id)> All();
}

/// <summary>
/// Which facts the server has not yet accepted. A change marks its object; a report carries the newest state of all marked objects; a mark goes when a report
/// with it was accepted and nothing changed since. Final obligations leave the ledger only then.
/// </summary>
internal sealed class ReportBook
{
    private readonly Dictionary<(ItemKind Kind, Guid Id), long> _items = [];
    private readonly Dictionary<ObligationId, long> _obligations = [];
    private readonly AgentLedger _ledger;
    private long _marks;
    private long _factsMark;

    /// <summary>Makes a book that follows the ledger.</summary>
    public ReportBook(AgentLedger ledger)
    {
        _ledger = ledger;
        ledger.Changed += Follow;
    }

    /// <summary>Called on the loop when there is something new to send.</summary>
    public event Action? Due;

    /// <summary>Whether anything but the host's properties waits to be sent.</summary>
    public bool IsDue => _items.Count > 0 || _obligations.Count > 0;

    /// <summary>Marks an item.</summary>
    public void Touch(ItemKind kind, Guid id)
    {
        _items[(kind, id)] = ++_marks;
        Due?.Invoke();
    }

    /// <summary>Marks the host's properties.</summary>
    public void TouchFacts()
    {
        _factsMark = ++_marks;
        Due?.Invoke();
    }

    /// <summary>Marks everything: the first report of an agent process.</summary>
    public void TouchAll(IReportSource source)
    {
        foreach (var (kind, id) in source.All())
        {
            _items[(kind, id)] = ++_marks;
        }

        foreach (var id in _ledger.Tables.Obligations.Keys)
        {
            _obligations[id] = ++_marks;
        }

        _factsMark = ++_marks;
        Due?.Invoke();
    }

    /// <summary>Draws up a report of everything that is marked.</summary>
    public Draft Take(long epoch, long sequence, IReportSource source, HostFacts? facts)
    {
        var withFacts = _factsMark != 0 && facts is not null;
        return new Draft(
            new HostReport
            {
                AgentEpoch = epoch,
                Sequence = sequence,
                Facts = withFacts ? facts : null,
                Items = [.. _items.Keys.Select(key => source.Report(key.Kind, key.Id)).OfType<ItemReport>()],
                Obligations = [.. _obligations.Keys.Select(id => _ledger.Tables.Obligations.GetValueOrDefault(id)?.ToReport()).OfType<ObligationReport>()],
            },
            new Dictionary<(ItemKind Kind, Guid Id), long>(_items),
            new Dictionary<ObligationId, long>(_obligations),
            withFacts ? _factsMark : null);
    }

    /// <summary>Takes note that the server has a report.</summary>
    public void Accepted(Draft draft)
    {
        foreach (var (key, mark) in draft.ItemMarks)
        {
            if (_items.GetValueOrDefault(key) == mark)
            {
                _items.Remove(key);
            }
        }

        var settled = new List<LedgerChange>();
        foreach (var (id, mark) in draft.ObligationMarks)
        {
            if (_obligations.GetValueOrDefault(id) != mark)
            {
                continue;
            }

            _obligations.Remove(id);
            if (_ledger.Tables.Obligations.GetValueOrDefault(id) is { IsOpen: false })
            {
                settled.Add(new LedgerChange.DropObligation(id));
            }
        }

        if (draft.FactsMark == _factsMark)
        {
            _factsMark = 0;
        }

        if (settled.Count > 0)
        {
            _ledger.Note(settled);
        }
    }

    private void Follow(IReadOnlyList<LedgerChange> changes)
    {
        var before = _marks;
        foreach (var change in changes)
        {
            switch (change)
            {
                case LedgerChange.PutItem { Row.Item: var item }:
                    _items[(item.Kind, item.Id)] = ++_marks;
                    break;
                case LedgerChange.PutMachine { Row.Machine: var machine }:
                    _items[(ItemKind.Machine, machine.Value)] = ++_marks;
                    break;
                // A machine's report names what is written down for its guest: also what went without any other change of the machine.
                case LedgerChange.DropAttachment { Key: { Mode: not AttachMode.Copy, Owner: var holder } }:
                    _items[(ItemKind.Machine, holder)] = ++_marks;
                    break;
                case LedgerChange.PutTask { Row.Task: var task }:
                    _items[(ItemKind.Task, task.Value)] = ++_marks;
                    break;
                case LedgerChange.DropTask { Id: var task }:
                    _items[(ItemKind.Task, task.Value)] = ++_marks;
                    break;
                case LedgerChange.PutBinding { Row.Pool: var pool }:
                    _items[(ItemKind.Binding, pool.Value)] = ++_marks;
                    break;
                case LedgerChange.PutObligation { Row.Id: var obligation }:
                    _obligations[obligation] = ++_marks;
                    break;
            }
        }

        if (_marks != before)
        {
            Due?.Invoke();
        }
    }

    /// <summary>A report and what it covers.</summary>
    /// <param name="Report">The report.</param>
    /// <param name="ItemMarks">Items it covers, as marked when it was drawn up.</param>
    /// <param name="ObligationMarks">Obligations it covers.</param>
    /// <param name="FactsMark">The mark of the host's properties when it carries them.</param>
    internal sealed record Draft(
        HostReport Report,
        IReadOnlyDictionary<(ItemKind Kind, Guid Id), long> ItemMarks,
        IReadOnlyDictionary<ObligationId, long> ObligationMarks,
        long? FactsMark);
}
