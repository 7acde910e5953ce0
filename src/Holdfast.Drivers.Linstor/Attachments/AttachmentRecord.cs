using System.Text.Json.Serialization;
using Holdfast.Core.Ids;
using Holdfast.Drivers.Linstor.Devices;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Linstor.Attachments;

/// <summary>
/// What this driver remembers of a volume on this host: for what it is attached now, and by what its device is recognized again when LINSTOR is away. It stays
/// when nothing is attached any more, and is only believed after the host has been looked at.
/// </summary>
internal sealed record AttachmentRecord
{
    /// <summary>The volume.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>The newest generation it was attached with.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Attached now for these; empty when it is not attached.</summary>
    public required IReadOnlyList<AttachMode> Modes { get; init; }

    /// <summary>Those of <see cref="Modes"/> that only read.</summary>
    public IReadOnlyList<AttachMode> ReadOnlyModes { get; init; } = [];

    /// <summary>Whether DRBD is in its stack.</summary>
    public required bool IsDrbd { get; init; }

    /// <summary>Whether the volume was sealed.</summary>
    public bool Sealed { get; init; }

    /// <summary>The path that was handed out.</summary>
    public required string Path { get; init; }

    /// <summary>The device behind it.</summary>
    public required string Real { get; init; }

    /// <summary>What stood behind the device.</summary>
    public required DeviceIdentity Identity { get; init; }

    /// <summary>Size in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>The device's owner before a guest got it.</summary>
    public uint OwnerBefore { get; init; }

    /// <summary>The device's group before a guest got it.</summary>
    public uint GroupBefore { get; init; }

    /// <summary>Whether it is attached.</summary>
    [JsonIgnore]
    public bool IsAttached => Modes.Count > 0;

    /// <summary>Whether somebody may write to it here.</summary>
    [JsonIgnore]
    public bool IsWritten => Modes.Any(mode => !ReadOnlyModes.Contains(mode));
}
