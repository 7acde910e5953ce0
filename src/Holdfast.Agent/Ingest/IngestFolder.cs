using System.Globalization;
using Holdfast.Agent.Ledger;

namespace Holdfast.Agent.Ingest;

/// <summary>
/// The folder that images are brought to before they go to storage. What lies there is of no use to anybody after the agent has ended. It never takes the room that
/// other things on its disk need, the ledger above all: some is always left, and what imports under way have announced counts as taken. An adapter; safe from any thread.
/// </summary>
internal sealed class IngestFolder : IDisposable
{
    private const string LockName = "ingest.lock";
    private const string Downloaded = ".img";
    private const string Unpacked = ".unpacked";
    private readonly Lock _gate = new();

    // Held while the folder is taken: only by those who bring images, off the loop.
    private readonly Lock _opening = new();
    private readonly Dictionary<Guid, long> _announced = [];
    private FileStream? _lock;
    private readonly long _keepFree;
    private readonly Func<long> _free;

    /// <summary>Names the folder; it is not touched before <see cref="Open"/>.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="keepFree">Bytes of its disk that are never taken.</param>
    /// <param name="free">How many bytes of its disk are free; null asks the file system.</param>
    public IngestFolder(string path, long keepFree, Func<long>? free = null) => (Path, _keepFree, _free) = (path, keepFree, free ?? FreeBytes);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>
    /// Takes the folder, once, and removes what an earlier agent left in it. Not at the agent's start: a folder that cannot be used, or a disk that does not answer, costs the
    /// images that are brought there and nothing else.
    /// </summary>
    /// <exception cref="IOException">It cannot be used, or another agent uses it.</exception>
    public void Open()
    {
        lock (_opening)
        {
            if (_lock is not null)
            {
                return;
            }

            PrivateFile.MakeFolder(Path);
            FileStream taken;
            try
            {
                taken = new FileStream(System.IO.Path.Combine(Path, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException refused)
            {
                throw new IOException($"the folder for images, {Path}, is used by another agent or cannot be written: {refused.Message}", refused);
            }

            // Only what has a name of ours: the operator may have chosen a folder with other things in it.
            foreach (var file in Directory.GetFiles(Path).Where(IsOurs))
            {
                File.Delete(file);
            }

            _lock = taken;
        }
    }

    /// <summary>Where an image is downloaded to.</summary>
    public string PathOf(Guid key) => System.IO.Path.Combine(Path, key.ToString("N") + Downloaded);

    /// <summary>Where an image is unpacked to.</summary>
    public string UnpackedPathOf(Guid key) => System.IO.Path.Combine(Path, key.ToString("N") + Unpacked);

    /// <summary>Removes what is there of an image.</summary>
    public void Discard(Guid key)
    {
        if (_lock is null)
        {
            return;
        }

        File.Delete(PathOf(key));
        File.Delete(UnpackedPathOf(key));
        Arrived(key);
    }

    /// <summary>Asks for room.</summary>
    /// <param name="key">The image.</param>
    /// <param name="toCome">Bytes of it that are known to come yet.</param>
    /// <returns>Why there is none; null: go on.</returns>
    public string? Take(Guid key, long toCome)
    {
        var free = _free();
        lock (_gate)
        {
            var others = _announced.Where(import => import.Key != key).Sum(import => import.Value);
            if (free - others - toCome < _keepFree)
            {
                _announced.Remove(key);
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"there is no room for it in {Path}: {free} bytes are free, {others} of them are for other images, {_keepFree} are always left, and it needs {toCome} more");
            }

            _announced[key] = toCome;
            return null;
        }
    }

    /// <summary>Takes note that nothing more of an image is to come.</summary>
    public void Arrived(Guid key)
    {
        lock (_gate)
        {
            _announced.Remove(key);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock?.Dispose();

    private static bool IsOurs(string path) =>
        System.IO.Path.GetExtension(path) is Downloaded or Unpacked && Guid.TryParseExact(System.IO.Path.GetFileNameWithoutExtension(path), "N", out _);

    private long FreeBytes() => new DriveInfo(Path).AvailableFreeSpace;
}
