using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;

namespace Holdfast.Agent.Inventory;

/// <summary>What follows from a driver's inventory. Pure data; nothing is done yet.</summary>
internal sealed record InventoryFindings
{
    /// <summary>Attachments that nothing here names: to be written down before anything else happens.</summary>
    public required IReadOnlyList<AttachmentRow> New { get; init; }

    /// <summary>Rows (new ones among them) that nobody here holds any more: to be turned into obligations.</summary>
    public required IReadOnlyList<AttachmentRow> Release { get; init; }

    /// <summary>Rows of which nothing is left to release: to be dropped.</summary>
    public required IReadOnlyList<AttachmentRow> Vanished { get; init; }

    /// <summary>Rows that stay, because releasing them is not proven to be safe.</summary>
    public required IReadOnlyList<Quarantined> Quarantine { get; init; }

    /// <summary>Open releases whose object the inventory does not show: worth asking the driver now.</summary>
    public required IReadOnlyList<ObligationId> Gone { get; init; }
}

/// <summary>An attachment that is left as it is.</summary>
/// <param name="Row">The attachment.</param>
/// <param name="Why">Why, as the end of a sentence.</param>
internal sealed record Quarantined(AttachmentRow Row, string Why);
