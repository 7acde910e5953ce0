using System.Text.Json;

namespace Holdfast.LinstorSimulation.Cluster;

/// <summary>
/// The folder that survives the simulator: <c>state.json</c>, the backing files, the links to their devices, and the fake drbdsetup. One simulator at a time holds it.
/// </summary>
internal sealed class StateFolder : IDisposable
{
    // What a killed controller may forget; larger states are kept fewer times, so that a large cluster does not fill the memory with its past.
    private const int MostWrites = 64;
    private const int MostBytes = 4 << 20;

    private readonly FileStream? _lock;
    private readonly LinkedList<(DateTimeOffset At, byte[] State)> _past = new();
    private long _pastBytes;
    private bool _pastCut;

    private StateFolder(string path, FileStream? held)
    {
        Path = path;
        _lock = held;
    }

    public string Path { get; }

    public string Volumes => System.IO.Path.Combine(Path, "volumes");

    public string Snapshots => System.IO.Path.Combine(Path, "snapshots");

    private string StateFile => System.IO.Path.Combine(Path, "state.json");

    /// <summary>Takes the folder; <see cref="IOException"/> when another simulator holds it.</summary>
    public static StateFolder Take(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        Directory.CreateDirectory(full);
        var held = new FileStream(System.IO.Path.Combine(full, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        var folder = new StateFolder(full, held);
        Directory.CreateDirectory(folder.Volumes);
        Directory.CreateDirectory(folder.Snapshots);
        return folder;
    }

    /// <summary>Looks into a folder that another simulator may hold, for reading only.</summary>
    public static StateFolder Look(string path) => new(System.IO.Path.GetFullPath(path), null);

    public ClusterState? Load()
    {
        if (!File.Exists(StateFile))
        {
            return null;
        }

        var bytes = File.ReadAllBytes(StateFile);
        if (_past.Count == 0)
        {
            Remember(DateTimeOffset.MinValue, bytes);
        }

        return JsonSerializer.Deserialize(bytes, StateJson.Default.ClusterState);
    }

    public void Save(ClusterState state, DateTimeOffset at)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(state, StateJson.Default.ClusterState);
        Write(bytes);
        Remember(at, bytes);
    }

    /// <summary>
    /// Puts back the state as it was written last at a moment, as a database that had not got what came later to its disk. Only while no controller runs.
    /// <see cref="InvalidOperationException"/> when that is longer ago than is remembered.
    /// </summary>
    public void ForgetSince(DateTimeOffset moment) => Forget(past => past.At > moment);

    /// <summary>As <see cref="ForgetSince"/>, by the number of writes; a call may be several.</summary>
    public void ForgetWrites(int writes)
    {
        var left = writes;
        Forget(_ => left-- > 0);
    }

    private void Forget(Func<(DateTimeOffset At, byte[] State), bool> forgotten)
    {
        var kept = _past.Last;
        while (kept is not null && forgotten(kept.Value))
        {
            kept = kept.Previous;
        }

        if (kept is null && _pastCut)
        {
            throw new InvalidOperationException($"Only the last {_past.Count} writes are remembered, which is not enough to forget that much.");
        }

        kept ??= _past.First ?? throw new InvalidOperationException("Nothing was written yet.");
        while (_past.Last != kept)
        {
            _pastBytes -= _past.Last!.Value.State.Length;
            _past.RemoveLast();
        }

        Write(kept.Value.State);
    }

    /// <summary>How often the state was written since the folder was taken.</summary>
    public int Writes { get; private set; }

    private void Remember(DateTimeOffset at, byte[] state)
    {
        Writes++;
        _past.AddLast((at, state));
        _pastBytes += state.Length;
        while (_past.Count > 1 && (_past.Count > MostWrites || _pastBytes > MostBytes))
        {
            _pastCut = true;
            _pastBytes -= _past.First!.Value.State.Length;
            _past.RemoveFirst();
        }
    }

    private void Write(byte[] state)
    {
        var next = StateFile + ".next";
        File.WriteAllBytes(next, state);
        File.Move(next, StateFile, overwrite: true);
    }

    public void Dispose() => _lock?.Dispose();
}
