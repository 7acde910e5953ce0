namespace Holdfast.Drivers.Linstor.Attachments;

/// <summary>What the resource group was like when LINSTOR was last asked.</summary>
/// <param name="IsDrbd">Whether DRBD is in the stack, so that every node can use a volume.</param>
/// <param name="CanClone">Whether its storage can clone.</param>
/// <param name="CanSnapshot">Whether its storage can take snapshots.</param>
/// <param name="HoldsData">Whether this host's node has a storage pool of it; null: never asked.</param>
internal sealed record PoolTraits(bool IsDrbd, bool CanClone, bool CanSnapshot, bool? HoldsData = null)
{
    /// <summary>What most clusters are like.</summary>
    public static PoolTraits Usual { get; } = new(IsDrbd: true, CanClone: true, CanSnapshot: true);
}
