using System.Text.Json.Serialization;
using Holdfast.Protocol;

namespace Holdfast.Drivers.Directory.Images;

/// <summary>Format of an image file.</summary>
[JsonConverter(typeof(WireEnum<ImageFormat>))]
internal enum ImageFormat
{
    /// <summary>QEMU's copy-on-write format.</summary>
    Qcow2,

    /// <summary>The bytes of the disk, sparse.</summary>
    Raw,
}
