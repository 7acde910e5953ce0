using System.Buffers.Binary;

namespace Holdfast.Agent.Ingest;

/// <summary>
/// What a file is by its content, as far as it is anything but the content of a disk: a container of another kind, something packed, a text. A disk's own content
/// has no mark that could be asked for, so what is known to be something else is refused. Pure.
/// </summary>
internal abstract record ImageContent
{
    /// <summary>Bytes from the beginning that are looked at: ISO 9660 has its mark after 32 KiB.</summary>
    public const int HeadLength = 40 * 1024;

    /// <summary>Bytes from the end that are looked at: some formats have their mark there.</summary>
    public const int TailLength = 512;

    private static readonly (string Name, int At, byte[] Mark)[] Marks =
    [
        ("qcow2", 0, [.. "QFI"u8, 0xFB]),
        ("qed", 0, [.. "QED"u8, 0]),
        ("vmdk", 0, [.. "KDMV"u8]),
        ("vmdk", 0, [.. "COWD"u8]),
        ("vmdk", 0, [.. "# Disk DescriptorFile"u8]),
        ("vhdx", 0, [.. "vhdxfile"u8]),
        ("vhd", 0, [.. "conectix"u8]),
        ("vdi", 0x40, [0x7F, 0x10, 0xDA, 0xBE]),
        ("parallels", 0, [.. "WithoutFreeSpace"u8]),
        ("parallels", 0, [.. "WithouFreSpacExt"u8]),
        ("bochs", 0, [.. "Bochs Virtual HD Image"u8]),
        ("an ISO 9660 CD image", 0x8001, [.. "CD001"u8]),
        ("an ISO 9660 CD image", 0x8001, [.. "BEA01"u8]),
        ("a WIM archive", 0, [.. "MSWIM"u8, 0, 0, 0]),
        ("a tar archive (OVA?)", 257, [.. "ustar"u8]),
        ("a 7z archive", 0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
        ("a RAR archive", 0, [.. "Rar!"u8, 0x1A, 0x07]),
        ("an ar archive (Debian package?)", 0, [.. "!<arch>\n"u8]),
        ("a CAB archive", 0, [.. "MSCF"u8, 0, 0, 0, 0]),
        ("an RPM package", 0, [0xED, 0xAB, 0xEE, 0xDB]),
        ("compressed by lz4", 0, [0x04, 0x22, 0x4D, 0x18]),
        ("compressed by lzip", 0, [.. "LZIP"u8]),
        ("compressed by lzop", 0, [0x89, .. "LZO"u8, 0, 0x0D, 0x0A, 0x1A, 0x0A]),
        ("compressed by lzma", 0, [0x5D, 0, 0, 0x80, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        ("compressed by compress", 0, [0x1F, 0x9D, 0x90]),
    ];

    private static readonly (Compression Compression, byte[] Mark)[] Packings =
    [
        (Compression.Xz, [0xFD, .. "7zXZ"u8, 0]),
        (Compression.Gzip, [0x1F, 0x8B, 0x08]),
        (Compression.Zstd, [0x28, 0xB5, 0x2F, 0xFD]),
        (Compression.Zip, [.. "PK"u8, 3, 4]),
        (Compression.Zip, [.. "PK"u8, 5, 6]),
        (Compression.Zip, [.. "PK"u8, 7, 8]),
    ];

    private ImageContent()
    {
    }

    /// <summary>Looks.</summary>
    /// <param name="head">The first <see cref="HeadLength"/> bytes, or all there are.</param>
    /// <param name="tail">The last <see cref="TailLength"/> bytes, or all there are.</param>
    public static ImageContent Of(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        foreach (var (compression, mark) in Packings)
        {
            if (head.StartsWith(mark))
            {
                return new Packed(compression);
            }
        }

        // Three letters and a digit alone are too little to go by; the mark of the first block, or of the end, follows.
        if (head.Length >= 10 && head.StartsWith("BZh"u8) && head[3] is >= (byte)'1' and <= (byte)'9'
            && (head[4..].StartsWith((ReadOnlySpan<byte>)[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) || head[4..].StartsWith((ReadOnlySpan<byte>)[0x17, 0x72, 0x45, 0x38, 0x50, 0x90])))
        {
            return new Packed(Compression.Bzip2);
        }

        // Frames that a reader has to skip, such as those of parallel compressors, come before the first one with content.
        if (head.Length >= 8 && (BinaryPrimitives.ReadUInt32LittleEndian(head) & 0xFFFF_FFF0) == 0x184D_2A50)
        {
            return new Packed(Compression.Zstd);
        }

        foreach (var (name, at, mark) in Marks)
        {
            if (head.Length >= at + mark.Length && head[at..].StartsWith(mark))
            {
                return new Container(name);
            }
        }

        if (tail.StartsWith("conectix"u8))
        {
            return new Container("vhd");
        }

        if (tail.StartsWith("koly"u8))
        {
            return new Container("a dmg image");
        }

        return TextKind(head) is { } kind ? new Text(kind) : new Other();
    }

    /// <summary>Looks into a file. The file is the agent's own, or one of the operator's folder of local images.</summary>
    public static async Task<ImageContent> OfFileAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, useAsync: true);
        var head = new byte[(int)Math.Min(HeadLength, file.Length)];
        await file.ReadExactlyAsync(head, cancellationToken);
        var tail = new byte[(int)Math.Min(TailLength, file.Length)];
        file.Position = file.Length - tail.Length;
        await file.ReadExactlyAsync(tail, cancellationToken);
        return Of(head, tail);
    }

    /// <summary>Why this cannot be an image of the format that it is declared as; null when nothing here speaks against it.</summary>
    public string? Refuse(string declaredFormat) => this switch
    {
        Container { Name: var name } when name != declaredFormat => $"it is declared as {declaredFormat}, but it is {name}",
        Text { Kind: var kind } => $"it is declared as {declaredFormat}, but it is {kind}",
        Packed { Compression: var compression } => $"it is declared as {declaredFormat}, but it is compressed by {compression.Name}",
        _ => null,
    };

    // No disk begins with forty thousand printable characters; an answer that is a page or an error does.
    private static string? TextKind(ReadOnlySpan<byte> head)
    {
        var text = head.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? head[3..] : head;
        if (text.TrimStart(" \t\r\n"u8) is not { IsEmpty: false } begin || text.ContainsAnyInRange((byte)0, (byte)8) || text.ContainsAnyInRange((byte)14, (byte)26))
        {
            return null;
        }

        return StartsWith(begin, "<!doctype html"u8) || StartsWith(begin, "<html"u8) || StartsWith(begin, "<head"u8) ? "a web page (HTML)"
            : StartsWith(begin, "<?xml"u8) ? "XML"
            : !text.ContainsAnyInRange((byte)0x7F, (byte)0xFF) || begin[0] == (byte)'<' ? "text"
            : null;
    }

    private static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
        text.Length >= word.Length && System.Text.Ascii.EqualsIgnoreCase(text[..word.Length], word);

    /// <summary>Another kind of image or archive.</summary>
    internal sealed record Container(string Name) : ImageContent;

    /// <summary>Something that can be unpacked.</summary>
    internal sealed record Packed(Compression Compression) : ImageContent;

    /// <summary>Something to read.</summary>
    internal sealed record Text(string Kind) : ImageContent;

    /// <summary>Nothing that is known: most likely the content of a disk.</summary>
    internal sealed record Other : ImageContent;
}
