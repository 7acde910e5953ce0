using System.Globalization;

namespace Holdfast.Agent.Ingest;

/// <summary>A way in which images come packed, and the program that unpacks it. CloudStack unpacks gzip, bzip2, zip and xz; zstd is what came since.</summary>
internal sealed record Compression
{
    /// <summary>Memory that unpacking may take: a dictionary as large as its makers allow by default, and the program.</summary>
    public const long Memory = 1L << 30;

    private const long Dictionary = 768L << 20;

    private Compression()
    {
    }

    /// <summary>xz.</summary>
    public static Compression Xz { get; } = new()
    {
        Name = "xz", Suffix = ".xz", Program = "xz", Package = "xz-utils",
        Options = ["-dc", "--format=xz", string.Create(CultureInfo.InvariantCulture, $"--memlimit-decompress={Dictionary}")],
    };

    /// <summary>gzip.</summary>
    public static Compression Gzip { get; } = new() { Name = "gzip", Suffix = ".gz", Program = "gzip", Package = "gzip", Options = ["-dc"] };

    /// <summary>bzip2.</summary>
    public static Compression Bzip2 { get; } = new() { Name = "bzip2", Suffix = ".bz2", Program = "bzip2", Package = "bzip2", Options = ["-dc"] };

    /// <summary>Zstandard.</summary>
    public static Compression Zstd { get; } = new()
    {
        Name = "zstd", Suffix = ".zst", Program = "zstd", Package = "zstd",
        Options = ["-dcq", string.Create(CultureInfo.InvariantCulture, $"--memory={Dictionary >> 20}MB")],
    };

    /// <summary>zip: an archive, taken when it holds one file.</summary>
    public static Compression Zip { get; } = new() { Name = "zip", Suffix = ".zip", Program = "unzip", Package = "unzip", Options = ["-p"], ListOptions = ["-Z", "-1"] };

    /// <summary>What people call it.</summary>
    public required string Name { get; init; }

    /// <summary>How files of it end; some programs insist.</summary>
    public required string Suffix { get; init; }

    /// <summary>The program.</summary>
    public required string Program { get; init; }

    /// <summary>The Debian package that has it.</summary>
    public required string Package { get; init; }

    /// <summary>What it is told, before the name of the file, to write the content to its output.</summary>
    public required IReadOnlyList<string> Options { get; init; }

    /// <summary>Of an archive: what it is told to write the names of its files, one a line.</summary>
    public IReadOnlyList<string>? ListOptions { get; init; }
}
