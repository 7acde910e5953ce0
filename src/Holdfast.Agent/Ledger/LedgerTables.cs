using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Ledger;

/// <summary>The ledger's rows in memory. Changed only by applying the changes of a transaction; read by anything on the loop.</summary>
internal sealed class LedgerTables
{
    private readonly Dictionary<(ItemKind Kind, Guid Id), ItemRow> _items = [];
    private readonly Dictionary<(ItemKind Kind, Guid Id), string> _setAside = [];
    private readonly Dictionary<VmId, MachineRow> _machines = [];
    private readonly Dictionary<AttachmentKey, AttachmentRow> _attachments = [];
    private readonly Dictionary<ObligationId, ObligationRow> _obligations = [];
    private readonly Dictionary<TaskId, TaskRow> _tasks = [];
    private readonly Dictionary<PoolId, BindingRow> _bindings = [];
    private readonly Dictionary<LedgerNumber, long> _numbers = [];

    /// <summary>Accepted items, tombstones included.</summary>
    public IReadOnlyDictionary<(ItemKind Kind, Guid Id), ItemRow> Items => _items;

    /// <summary>Items that are on disk and cannot be read, with what cannot: nothing is done about them, and nothing concluded from their not being among the others.</summary>
    public IReadOnlyDictionary<(ItemKind Kind, Guid Id), string> SetAside => _setAside;

    /// <summary>States of machines.</summary>
    public IReadOnlyDictionary<VmId, MachineRow> Machines => _machines;

    /// <summary>Attachments.</summary>
    public IReadOnlyDictionary<AttachmentKey, AttachmentRow> Attachments => _attachments;

    /// <summary>Obligations, open ones and final ones that were not yet reported.</summary>
    public IReadOnlyDictionary<ObligationId, ObligationRow> Obligations => _obligations;

    /// <summary>States of tasks.</summary>
    public IReadOnlyDictionary<TaskId, TaskRow> Tasks => _tasks;

    /// <summary>Bindings that are gone.</summary>
    public IReadOnlyDictionary<PoolId, BindingRow> Bindings => _bindings;

    /// <summary>A number; 0 when it was never written.</summary>
    public long Number(LedgerNumber number) => _numbers.GetValueOrDefault(number);

    /// <summary>The item, or null.</summary>
    public ItemRow? Item(ItemKind kind, Guid id) => _items.GetValueOrDefault((kind, id));

    /// <summary>The attachments that a VM or task holds, in a stable order.</summary>
    public IReadOnlyList<AttachmentRow> AttachmentsOf(Guid owner) =>
        [.. _attachments.Values.Where(row => row.Owner == owner).OrderBy(row => row.Volume.Value).ThenBy(row => row.Mode)];

    /// <summary>Whether anybody but the given owner holds the volume in the given mode.</summary>
    public bool IsHeldByAnother(VolumeId volume, AttachMode mode, Guid owner) =>
        _attachments.Values.Any(row => row.Volume == volume && row.Mode == mode && row.Owner != owner);

    /// <summary>The newest guest of a machine whose I/O was, or may have been, cut off; null when there is none.</summary>
    public Generation? CutGuestOf(VmId machine) => _attachments.Values.Where(row => row.Owner == machine.Value).Max(row => row.Cut?.Guest);

    /// <summary>Releases of attachments that were cut off which are still owed for these volumes.</summary>
    public IReadOnlyList<ObligationRow> OwedCuts(IReadOnlyCollection<VolumeId> volumes) =>
        [.. _obligations.Values.Where(row => row is { IsOpen: true, IsCut: true } && volumes.Contains(row.Volume)).OrderBy(row => row.Volume.Value)];

    /// <summary>What is owed to a pool's backend, in the order in which it is to be tried: safety first, then guests that wait, then oldest first, deletions last.</summary>
    public IReadOnlyList<ObligationRow> OwedTo(PoolId pool) =>
    [
        .. _obligations.Values.Where(row => row.Pool == pool && row.IsOpen)
            .OrderBy(row => row.Kind switch { ObligationKind.ClearTwoPrimaries => 0, ObligationKind.ResumeIo => 1, ObligationKind.ReleaseAttachment => 2, _ => 3 })
            .ThenBy(row => row.CreatedAt).ThenBy(row => row.Id.Value),
    ];

    /// <summary>Rows of its own that are the same now.</summary>
    public LedgerTables Copy()
    {
        var copy = new LedgerTables();
        Fill(copy._items, _items);
        Fill(copy._setAside, _setAside);
        Fill(copy._machines, _machines);
        Fill(copy._attachments, _attachments);
        Fill(copy._obligations, _obligations);
        Fill(copy._tasks, _tasks);
        Fill(copy._bindings, _bindings);
        Fill(copy._numbers, _numbers);
        return copy;

        static void Fill<TKey, TRow>(Dictionary<TKey, TRow> target, Dictionary<TKey, TRow> source)
            where TKey : notnull
        {
            foreach (var (key, row) in source)
            {
                target[key] = row;
            }
        }
    }

    /// <summary>
    /// The change that makes the row which another change concerns what it is here. Null for a machine that has no row: whoever wrote one for the first time writes its next state,
    /// whatever became of the first.
    /// </summary>
    public LedgerChange? AsItIs(LedgerChange change) => change switch
    {
        LedgerChange.PutItem { Row.Item: var item } => AsItIs(item.Kind, item.Id),
        LedgerChange.DropItem drop => AsItIs(drop.Kind, drop.Id),
        LedgerChange.SetAsideItem => null,
        LedgerChange.PutMachine put => _machines.TryGetValue(put.Row.Machine, out var machine) ? new LedgerChange.PutMachine(machine) : null,
        LedgerChange.PutAttachment put => AsItIs(put.Row.Key),
        LedgerChange.DropAttachment drop => AsItIs(drop.Key),
        LedgerChange.PutObligation put => AsItIs(put.Row.Id),
        LedgerChange.DropObligation drop => AsItIs(drop.Id),
        LedgerChange.PutTask put => AsItIs(put.Row.Task),
        LedgerChange.DropTask drop => AsItIs(drop.Id),
        LedgerChange.PutBinding put => AsItIs(put.Row.Pool),
        LedgerChange.DropBinding drop => AsItIs(drop.Pool),
        LedgerChange.SetNumber set => new LedgerChange.SetNumber(set.Number, Number(set.Number)),
        _ => throw new InvalidOperationException($"Unknown change {change.GetType().Name}."),
    };

    private LedgerChange AsItIs(ItemKind kind, Guid id) => _items.TryGetValue((kind, id), out var row) ? new LedgerChange.PutItem(row) : new LedgerChange.DropItem(kind, id);

    private LedgerChange AsItIs(AttachmentKey key) => _attachments.TryGetValue(key, out var row) ? new LedgerChange.PutAttachment(row) : new LedgerChange.DropAttachment(key);

    private LedgerChange AsItIs(ObligationId id) => _obligations.TryGetValue(id, out var row) ? new LedgerChange.PutObligation(row) : new LedgerChange.DropObligation(id);

    private LedgerChange AsItIs(TaskId id) => _tasks.TryGetValue(id, out var row) ? new LedgerChange.PutTask(row) : new LedgerChange.DropTask(id);

    private LedgerChange AsItIs(PoolId pool) => _bindings.TryGetValue(pool, out var row) ? new LedgerChange.PutBinding(row) : new LedgerChange.DropBinding(pool);

    /// <summary>Applies one change.</summary>
    public void Apply(LedgerChange change)
    {
        switch (change)
        {
            case LedgerChange.PutItem put:
                _items[(put.Row.Item.Kind, put.Row.Item.Id)] = put.Row;
                _setAside.Remove((put.Row.Item.Kind, put.Row.Item.Id));
                break;
            case LedgerChange.DropItem drop:
                _items.Remove((drop.Kind, drop.Id));
                break;
            case LedgerChange.SetAsideItem set:
                _setAside[(set.Kind, set.Id)] = set.Reason;
                break;
            case LedgerChange.PutMachine put:
                _machines[put.Row.Machine] = put.Row;
                break;
            case LedgerChange.PutAttachment put:
                _attachments[put.Row.Key] = put.Row;
                break;
            case LedgerChange.DropAttachment drop:
                _attachments.Remove(drop.Key);
                break;
            case LedgerChange.PutObligation put:
                _obligations[put.Row.Id] = put.Row;
                break;
            case LedgerChange.DropObligation drop:
                _obligations.Remove(drop.Id);
                break;
            case LedgerChange.PutTask put:
                _tasks[put.Row.Task] = put.Row;
                break;
            case LedgerChange.DropTask drop:
                _tasks.Remove(drop.Id);
                break;
            case LedgerChange.PutBinding put:
                _bindings[put.Row.Pool] = put.Row;
                break;
            case LedgerChange.DropBinding drop:
                _bindings.Remove(drop.Pool);
                break;
            case LedgerChange.SetNumber set:
                _numbers[set.Number] = set.Value;
                break;
            default:
                throw new InvalidOperationException($"Unknown change {change.GetType().Name}.");
        }
    }
}
