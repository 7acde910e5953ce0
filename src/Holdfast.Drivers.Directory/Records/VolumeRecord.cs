using System.Text.Json.Serialization;
using Holdfast.Core.Ids;
using Holdfast.Drivers.Directory.Images;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Directory.Records;

/// <summary>
/// What is written beside each image: the identity of the volume and what was wanted last. Written before the effect it speaks of, so that after a crash the same
/// call finds what was begun. A record without an image is a volume that was begun or is being deleted; an image without a record is not ours.
/// </summary>
internal sealed record VolumeRecord
{
    /// <summary>Version of this format.</summary>
    public int Version { get; init; } = 1;

    /// <summary>The volume.</summary>
    public required VolumeId VolumeId { get; init; }

    /// <summary>The pool it belongs to.</summary>
    public required PoolId PoolId { get; init; }

    /// <summary>Generation of the newest call that was accepted.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Size in bytes that a guest sees from its next start on.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Format of the image.</summary>
    public required ImageFormat Format { get; init; }

    /// <summary>Where the content came from.</summary>
    public required VolumeSource Source { get; init; }

    /// <summary>The sealed volume whose image stands behind this one; null when this one stands alone.</summary>
    public VolumeId? Backing { get; init; }

    /// <summary>Label for people.</summary>
    public string? Label { get; init; }

    /// <summary>Read-only for ever.</summary>
    public bool Sealed { get; init; }

    /// <summary>Deletion has begun; nothing but its end may follow.</summary>
    public bool Deleting { get; init; }
}

/// <summary>An attachment as recorded in the driver's state folder on this host.</summary>
/// <param name="VolumeId">The volume.</param>
/// <param name="Mode">What for.</param>
/// <param name="Generation">The generation that was named.</param>
/// <param name="ReadOnly">Whether nothing is written.</param>
/// <param name="Path">The image.</param>
internal sealed record AttachmentRecord(VolumeId VolumeId, AttachMode Mode, Generation Generation, bool ReadOnly, string Path);

/// <summary>JSON of the files that this driver keeps.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(VolumeRecord))]
[JsonSerializable(typeof(FolderMark))]
[JsonSerializable(typeof(AttachmentRecord))]
internal sealed partial class DirectoryJson : JsonSerializerContext;
