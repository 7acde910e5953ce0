using System.Buffers.Binary;

namespace Holdfast.Server.ResourceIcons;

/// <summary>
/// Images that may be icons: whole PNG, JPEG and GIF files, as large as icons are. Read from end to end, so that nothing hides behind one; what is in the pixels is the
/// viewer's business. SVG is none of them: it is a program. Pure.
/// </summary>
internal static class IconImage
{
    /// <summary>The longest text that an image may be sent as, with what browsers put before it.</summary>
    public const int MaxLength = ((MaxBytes + 2) / 3 * 4) + 64;

    // Lists answer hundreds of them.
    private const int MaxBytes = 128 << 10;
    private const int MaxPixels = 1024;

    private static readonly byte[] Png = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];

    /// <summary>Reads an image as clients send it: Base64, also as the data URL that browsers make of one.</summary>
    /// <param name="sent">What was sent.</param>
    /// <returns>The image in plain Base64, or why it cannot be an icon.</returns>
    public static (string? Base64, string? WhyNot) Read(string sent)
    {
        string? said = null;
        if (sent.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
        {
            var comma = sent.IndexOf(',', StringComparison.Ordinal);
            if (comma < 0 || !sent[..comma].EndsWith(";base64", StringComparison.OrdinalIgnoreCase))
            {
                return (null, "is a data URL that is not in Base64");
            }

            said = sent[5..comma].Split(';')[0].ToLowerInvariant();
            sent = sent[(comma + 1)..];
        }

        var bytes = new byte[(sent.Length / 4 * 3) + 3];

        // Base64 of .NET passes over spaces, which are plus signs of clients that have not encoded them.
        if (sent.AsSpan().ContainsAny(' ', '\t') || !Convert.TryFromBase64String(sent, bytes, out var length) || length == 0)
        {
            return (null, "is not an image in Base64");
        }

        if (length > MaxBytes)
        {
            return (null, $"has {length} bytes; icons have at most {MaxBytes}");
        }

        var image = bytes.AsSpan(0, length);
        var (type, size) = image.StartsWith(Png) ? ("image/png", SizeOfPng(image))
            : image.StartsWith("GIF87a"u8) || image.StartsWith("GIF89a"u8) ? ("image/gif", SizeOfGif(image))
            : image.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8]) ? ("image/jpeg", SizeOfJpeg(image))
            : (null, null);
        return type is null ? (null, "is neither a PNG nor a JPEG nor a GIF file")
            : said is not null && said != type && !(said == "image/jpg" && type == "image/jpeg") ? (null, $"is said to be {said} and is {type}")
            : size is not var (width, height) ? (null, $"is not a whole {type} file")
            : width is < 1 or > MaxPixels || height is < 1 or > MaxPixels ? (null, $"is {width} x {height} pixels; icons have 1 to {MaxPixels} each way")
            : (Convert.ToBase64String(image), null);
    }

    private static (int Width, int Height)? SizeOfPng(ReadOnlySpan<byte> image)
    {
        (int, int)? size = null;
        var hasData = false;
        for (var at = Png.Length; image.Length - at >= 12;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(image[at..]);
            if (length > image.Length - at - 12)
            {
                return null;
            }

            var chunk = image.Slice(at + 4, 4 + (int)length);
            var name = chunk[..4];
            var content = chunk[4..];
            at += 12 + (int)length;
            if (BinaryPrimitives.ReadUInt32BigEndian(image[(at - 4)..]) != Crc(chunk) || (size is null) != name.SequenceEqual("IHDR"u8))
            {
                return null;
            }

            if (size is null)
            {
                if (length != 13)
                {
                    return null;
                }

                size = ((int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(content), int.MaxValue), (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(content[4..]), int.MaxValue));
            }

            hasData |= name.SequenceEqual("IDAT"u8);
            if (name.SequenceEqual("IEND"u8))
            {
                return hasData && at == image.Length ? size : null;
            }
        }

        return null;
    }

    // The checksum of PNG's chunks.
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var next in bytes)
        {
            crc ^= next;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
            }
        }

        return ~crc;
    }

    private static (int Width, int Height)? SizeOfGif(ReadOnlySpan<byte> image)
    {
        const int screen = 13;
        if (image.Length < screen)
        {
            return null;
        }

        var hasImage = false;
        var at = screen + ColorsOf(image[10]);
        while (at < image.Length)
        {
            switch (image[at])
            {
                // An image, which has a descriptor, perhaps colors, the size of its codes, and blocks.
                case 0x2c when image.Length - at > 10:
                    hasImage = true;
                    at = Blocks(image, at + 11 + ColorsOf(image[at + 9]));
                    break;
                case 0x21:
                    at = Blocks(image, at + 2);
                    break;
                case 0x3b when at == image.Length - 1 && hasImage:
                    return (BinaryPrimitives.ReadUInt16LittleEndian(image[6..]), BinaryPrimitives.ReadUInt16LittleEndian(image[8..]));
                default:
                    return null;
            }
        }

        return null;

        static int ColorsOf(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 7) + 1);

        static int Blocks(ReadOnlySpan<byte> image, int at)
        {
            while (at < image.Length && image[at] != 0)
            {
                at += image[at] + 1;
            }

            return at + 1;
        }
    }

    private static (int Width, int Height)? SizeOfJpeg(ReadOnlySpan<byte> image)
    {
        (int, int)? size = null;
        var hasScan = false;
        var at = 2;
        while (image.Length - at >= 2 && image[at] == 0xff)
        {
            var marker = image[at + 1];
            if (marker == 0xff)
            {
                at++;
                continue;
            }

            at += 2;
            if (marker == 0xd9)
            {
                return hasScan && at == image.Length ? size : null;
            }

            // Markers that stand alone have no length.
            if (marker is 0x01 or (>= 0xd0 and <= 0xd7))
            {
                continue;
            }

            var length = image.Length - at < 2 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(image[at..]);
            if (length < 2 || length > image.Length - at)
            {
                return null;
            }

            // A frame: all of C0 to CF but the three that are tables, or nothing.
            if (marker is >= 0xc0 and <= 0xcf and not (0xc4 or 0xc8 or 0xcc))
            {
                if (length < 8)
                {
                    return null;
                }

                size ??= (BinaryPrimitives.ReadUInt16BigEndian(image[(at + 5)..]), BinaryPrimitives.ReadUInt16BigEndian(image[(at + 3)..]));
            }

            at += length;
            if (marker == 0xda)
            {
                hasScan = true;

                // What is coded goes on to the next marker: FF 00 is a byte of it, and restarts are inside.
                while (image.Length - at >= 2 && !(image[at] == 0xff && image[at + 1] is not (0x00 or (>= 0xd0 and <= 0xd7))))
                {
                    at++;
                }
            }
        }

        return null;
    }
}
