using System.Text.Json;

namespace Holdfast.LinstorSimulation.Cluster;

/// <summary>
/// The folder that survives the simulator: <c>state.json</c>, the backing files, the links to their devices, and the fake drbdsetup. One simulator at a time holds it.
/// </summary>
internal sealed class StateFolder : IDisposable
{
    private readonly FileStream? _lock;

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

        using var stream = File.OpenRead(StateFile);
        return JsonSerializer.Deserialize(stream, StateJson.Default.ClusterState);
    }

    public void Save(ClusterState state)
    {
        var next = StateFile + ".next";
        using (var stream = File.Create(next))
        {
            JsonSerializer.Serialize(stream, state, StateJson.Default.ClusterState);
        }

        File.Move(next, StateFile, overwrite: true);
    }

    public void Dispose() => _lock?.Dispose();
}
