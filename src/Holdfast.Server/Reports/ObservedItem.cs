using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Reports;

/// <summary>What a host says of an item of its document. The item's row has it already.</summary>
/// <param name="Host">The host.</param>
/// <param name="Item">The row, as it was before.</param>
/// <param name="Report">What is said.</param>
/// <param name="IsConfirmedAbsent">Whether it confirms the item's tombstone: then the row is gone.</param>
internal sealed record ObservedItem(HostRow Host, HostItemRow Item, ItemReport Report, bool IsConfirmedAbsent);
