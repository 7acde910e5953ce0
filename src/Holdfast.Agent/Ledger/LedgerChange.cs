using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Ledger;

/// <summary>One row written or removed. A transition is a list of these, applied in one transaction. A closed hierarchy.</summary>
internal abstract record LedgerChange
{
    private LedgerChange()
    {
    }

    /// <summary>Writes an item.</summary>
    internal sealed record PutItem(ItemRow Row) : LedgerChange;

    /// <summary>Forgets an item; only for old tombstones.</summary>
    internal sealed record DropItem(ItemKind Kind, Guid Id) : LedgerChange;

    /// <summary>
    /// An item is on disk and this version of the agent cannot read it: a newer one wrote it. Only ever loaded; the row stays for a version that can, or until the item comes anew.
    /// </summary>
    /// <param name="Kind">Of the item.</param>
    /// <param name="Id">Of the item.</param>
    /// <param name="Reason">What cannot be read.</param>
    internal sealed record SetAsideItem(ItemKind Kind, Guid Id, string Reason) : LedgerChange;

    /// <summary>Writes a machine's state.</summary>
    internal sealed record PutMachine(MachineRow Row) : LedgerChange;

    /// <summary>Writes an attachment.</summary>
    internal sealed record PutAttachment(AttachmentRow Row) : LedgerChange;

    /// <summary>Removes an attachment; an obligation takes its place in the same transaction, or another attachment carries the duty.</summary>
    internal sealed record DropAttachment(AttachmentKey Key) : LedgerChange;

    /// <summary>Writes an obligation.</summary>
    internal sealed record PutObligation(ObligationRow Row) : LedgerChange;

    /// <summary>Removes an obligation that is final and was reported.</summary>
    internal sealed record DropObligation(ObligationId Id) : LedgerChange;

    /// <summary>Writes a task's state.</summary>
    internal sealed record PutTask(TaskRow Row) : LedgerChange;

    /// <summary>Forgets a task.</summary>
    internal sealed record DropTask(TaskId Id) : LedgerChange;

    /// <summary>Writes that a binding is gone.</summary>
    internal sealed record PutBinding(BindingRow Row) : LedgerChange;

    /// <summary>Removes what was written about a binding, because it is wanted again.</summary>
    internal sealed record DropBinding(PoolId Pool) : LedgerChange;

    /// <summary>Writes a number about the agent as a whole.</summary>
    internal sealed record SetNumber(LedgerNumber Number, long Value) : LedgerChange;
}

/// <summary>Numbers about the agent as a whole.</summary>
internal enum LedgerNumber
{
    /// <summary>The highest revision of the host document that was stored.</summary>
    Revision,

    /// <summary>The epoch of the newest agent process.</summary>
    Epoch,
}
