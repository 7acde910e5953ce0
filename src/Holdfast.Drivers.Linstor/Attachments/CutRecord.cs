using Holdfast.Core.Ids;

namespace Holdfast.Drivers.Linstor.Attachments;

/// <summary>
/// That a volume's I/O was cut off on this host, or is about to be: written before DRBD is told, gone with the release of the volume. A file apart from the
/// attachment's, because a cut is told while another call about the same volume hangs.
/// </summary>
/// <param name="Volume">The volume.</param>
/// <param name="Generation">The newest generation that was to be cut.</param>
/// <param name="At">When, by the host's clock; for people.</param>
internal sealed record CutRecord(VolumeId Volume, Generation Generation, DateTimeOffset At);
