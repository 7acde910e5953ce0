using System.Globalization;

namespace Holdfast.Agent.Ingest;

/// <summary>Writes an image to the folder for images: within a size, as long as there is room, and with holes where there are only zeros.</summary>
internal sealed class ImageFile : IAsyncDisposable
{
    // Blocks of most file systems and smaller than what is written at once; finer holes cost more calls than they save room.
    private const int Hole = 64 * 1024;
    private const long BetweenLooks = 64L << 20;
    private readonly IngestFolder _folder;
    private readonly Guid _key;
    private readonly long _largest;
    private readonly FileStream _file;
    private long _written;
    private long _nextLook;

    /// <summary>Makes the file; it is readable by all, in a folder that only the agent can enter, so that the sandbox's user can read it.</summary>
    public ImageFile(IngestFolder folder, Guid key, string path, long largest)
    {
        (_folder, _key, _largest) = (folder, key, largest);
        _file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            Options = FileOptions.Asynchronous,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
        });
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    /// <summary>Bytes so far, holes too.</summary>
    public long Length => _written;

    /// <summary>What is said of an image that is too large.</summary>
    public static string TooLarge(long largest) => string.Create(CultureInfo.InvariantCulture, $"it is larger than the {largest} bytes that this host takes");

    /// <summary>Writes what comes next.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="toCome">Bytes that are known to come, these included; null when that is not known.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Why it is not taken; null: go on.</returns>
    public async Task<string?> WriteAsync(ReadOnlyMemory<byte> bytes, long? toCome, CancellationToken cancellationToken)
    {
        if (_written + bytes.Length > _largest)
        {
            return TooLarge(_largest);
        }

        if (_written >= _nextLook)
        {
            _nextLook = _written + BetweenLooks;
            if (_folder.Take(_key, Math.Min(toCome ?? BetweenLooks, _largest)) is { } reason)
            {
                return reason;
            }
        }

        while (!bytes.IsEmpty)
        {
            // To the next multiple, so that holes lie where blocks do.
            var next = bytes[..(int)Math.Min(Hole - (_written % Hole), bytes.Length)];
            if (next.Span.ContainsAnyExcept((byte)0))
            {
                _file.Position = _written;
                await _file.WriteAsync(next, cancellationToken);
            }

            _written += next.Length;
            bytes = bytes[next.Length..];
        }

        return null;
    }

    /// <summary>Gives the file its length, which a hole at the end does not.</summary>
    public void Complete()
    {
        _file.SetLength(_written);
        _folder.Arrived(_key);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
