using System.Buffers.Binary;

namespace Holdfast.Drivers.Directory.Images;

/// <summary>Reads the size that a guest sees from an image itself, without starting a program.</summary>
internal static class ImageHeader
{
    private const uint Qcow2Magic = 0x514649FB;

    /// <summary>Size of an image.</summary>
    /// <param name="path">The image.</param>
    /// <param name="format">Its format.</param>
    /// <returns>Bytes; null when it is no image of that format.</returns>
    internal static long? SizeOf(string path, ImageFormat format)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (format == ImageFormat.Raw)
        {
            return RandomAccess.GetLength(file);
        }

        Span<byte> header = stackalloc byte[32];
        return RandomAccess.Read(file, header, 0) == header.Length && BinaryPrimitives.ReadUInt32BigEndian(header) == Qcow2Magic
            ? BinaryPrimitives.ReadInt64BigEndian(header[24..])
            : null;
    }
}
