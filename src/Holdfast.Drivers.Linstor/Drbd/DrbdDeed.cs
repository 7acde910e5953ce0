namespace Holdfast.Drivers.Linstor.Drbd;

/// <summary>What became of something that DRBD was told to do. A closed hierarchy. Only its state proves that it was done.</summary>
internal abstract record DrbdDeed
{
    private DrbdDeed()
    {
    }

    /// <summary>DRBD says that it did.</summary>
    internal sealed record Done : DrbdDeed;

    /// <summary>It was refused, or did not come to its end: the state tells what is so.</summary>
    /// <param name="Reason">What drbdsetup said.</param>
    internal sealed record Failed(string Reason) : DrbdDeed;

    /// <summary>There is no drbdsetup that can be run, or it does not know the command: no effect.</summary>
    /// <param name="Reason">Why.</param>
    internal sealed record Impossible(string Reason) : DrbdDeed;
}
