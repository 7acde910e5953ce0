namespace Holdfast.Core.Ids;

/// <summary>Version 7 UUIDs whose time comes from the given clock: ids sort by creation, which keeps indexes dense and lists stable.</summary>
public sealed class TimeOrderedIdSource : IIdSource
{
    private readonly TimeProvider _time;

    /// <summary>Makes a source.</summary>
    /// <param name="time">The clock that dates the ids.</param>
    public TimeOrderedIdSource(TimeProvider time) => _time = time;

    /// <inheritdoc/>
#pragma warning disable RS0030 // This is the one adapter that makes UUIDs.
    public Guid Next() => Guid.CreateVersion7(_time.GetUtcNow());
#pragma warning restore RS0030
}
