using System.Globalization;
using System.Text.Json.Serialization;
using Holdfast.Core.Ids;

namespace Holdfast.Drivers.Linstor.Volumes;

/// <summary>
/// A revert that was begun and is not known to be complete: what is to hold after it. LINSTOR puts a definition's properties and sizes back with the data, so this is
/// written down before, in the driver's own folder and on the definition, and taken away when all of it is true. While it is there nothing else uses the volume.
/// </summary>
internal sealed record PendingRevert
{
    /// <summary>The volume.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>How many reverts of this volume there are with this one. It is finished when the definition's mark says as many.</summary>
    public required long Number { get; init; }

    /// <summary>The generation the volume is to have; it counts as having it from now on.</summary>
    public required Generation Generation { get; init; }

    /// <summary>What it is put back to.</summary>
    public required SnapshotId Snapshot { get; init; }

    /// <summary>The size it is to have.</summary>
    public required long SizeKib { get; init; }

    /// <summary>How many nodes held its data.</summary>
    public required int Replicas { get; init; }

    /// <summary>Where its content came from first, as <see cref="VolumeMarks.SourceText"/> writes it.</summary>
    public required string Source { get; init; }

    /// <summary>
    /// Only in the driver's own folder: it is complete. Remembered because a controller that dies loses the last changes it answered: the note that comes back with
    /// its database must not put the data back again.
    /// </summary>
    public bool Finished { get; init; }

    /// <summary>As a property's value; the source, which may hold anything, comes last.</summary>
    [JsonIgnore]
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Number} {Generation} {Snapshot} {SizeKib} {Replicas} {Source}");

    /// <summary>Reads a property's value.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="text">The value; may be null.</param>
    /// <returns>The revert; null when it is none.</returns>
    public static PendingRevert? Parse(VolumeId volume, string? text) =>
        text?.Split(' ', 6) is [var number, var generation, var snapshot, var size, var replicas, var source]
        && TryCount(number, out var count) && TryCount(generation, out var newest) && newest >= 1 && Guid.TryParseExact(snapshot, "D", out var id)
        && TryCount(size, out var kib) && int.TryParse(replicas, NumberStyles.None, CultureInfo.InvariantCulture, out var holders)
            ? new PendingRevert
            {
                Volume = volume,
                Number = count,
                Generation = new Generation(newest),
                Snapshot = new SnapshotId(id),
                SizeKib = kib,
                Replicas = holders,
                Source = source,
            }
            : null;

    private static bool TryCount(string text, out long value) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
