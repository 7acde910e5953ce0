namespace Holdfast.Core.Ids;

/// <summary>
/// The one source of new UUIDs. Production makes version 7 UUIDs from the clock; a simulation makes them from its seed, so that a seed replays the
/// same history. Safe to call from any thread.
/// </summary>
public interface IIdSource
{
    /// <summary>Makes a UUID that no earlier call returned.</summary>
    /// <returns>The UUID.</returns>
    Guid Next();
}
