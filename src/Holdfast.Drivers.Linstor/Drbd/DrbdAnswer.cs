namespace Holdfast.Drivers.Linstor.Drbd;

/// <summary>What DRBD says. A closed hierarchy.</summary>
internal abstract record DrbdAnswer
{
    private DrbdAnswer()
    {
    }

    /// <summary>The resources the kernel has.</summary>
    /// <param name="List">The resources.</param>
    internal sealed record Resources(IReadOnlyList<DrbdResource> List) : DrbdAnswer;

    /// <summary>Nobody knows.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="IsMissing">Whether the reason is that this host has no drbdsetup that can be run.</param>
    internal sealed record NotKnown(string Reason, bool IsMissing = false) : DrbdAnswer;
}
