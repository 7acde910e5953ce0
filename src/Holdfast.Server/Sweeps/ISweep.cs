namespace Holdfast.Server.Sweeps;

/// <summary>Looks for what time alone brings about for one kind of entity. Safe for any thread; reads only.</summary>
internal interface ISweep
{
    /// <summary>Looks.</summary>
    /// <param name="moment">Where and when.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What there is to do, at most <see cref="SweepMoment.Batch"/> of a sort; the rest is found by the next sweep.</returns>
    Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken);
}
