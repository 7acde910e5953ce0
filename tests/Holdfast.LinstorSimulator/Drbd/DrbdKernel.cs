namespace Holdfast.LinstorSimulation.Drbd;

/// <summary>
/// What DRBD's kernel module holds on each node beside what the controller wants: I/O suspended, I/O made to fail, connections that are down, a write that waits. It
/// belongs to the nodes, so it outlives the controller and is changed by <c>drbdsetup</c> too. Every fact is a file of its own under <c>kernel/NODE/RESOURCE</c>; there
/// is none for what is as usual, and no lock is needed between the processes.
/// </summary>
internal sealed class DrbdKernel(string stateFolder)
{
    private readonly string _root = Path.Combine(stateFolder, "kernel");

    /// <summary>Whether anything at all is unusual, anywhere.</summary>
    public bool IsUsual => !Directory.Exists(_root);

    public bool Has(KernelFact fact, string node, string resource) => File.Exists(FileOf(fact, node, resource));

    /// <summary>Idempotent.</summary>
    public void Set(KernelFact fact, string node, string resource, bool holds)
    {
        var file = FileOf(fact, node, resource);
        if (holds)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, []);
        }
        else if (File.Exists(file))
        {
            File.Delete(file);
        }
    }

    /// <summary>How the connection from a node to a peer is down; null when it is not.</summary>
    public DownConnection? Down(string node, string resource, string peer) =>
        Enum.GetValues<DownConnection>().Cast<DownConnection?>().FirstOrDefault(how => File.Exists(PeerFile(how!.Value, node, resource, peer)));

    /// <summary>Takes the connection between two nodes down, or up again; both ends see it.</summary>
    public void SetDown(string node, string resource, string peer, DownConnection? down)
    {
        foreach (var (own, other) in new[] { (node, peer), (peer, node) })
        {
            foreach (var how in Enum.GetValues<DownConnection>())
            {
                var file = PeerFile(how, own, resource, other);
                if (how == down)
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                    File.WriteAllBytes(file, []);
                }
                else if (File.Exists(file))
                {
                    File.Delete(file);
                }
            }
        }
    }

    /// <summary>The resource is gone from the node, and with it all that was unusual.</summary>
    public void Forget(string node, string resource)
    {
        var folder = Path.Combine(_root, node, resource);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private string FileOf(KernelFact fact, string node, string resource) => Path.Combine(_root, node, resource, fact.ToString());

    private string PeerFile(DownConnection how, string node, string resource, string peer) => Path.Combine(_root, node, resource, how.ToString(), peer);
}

/// <summary>What can be unusual about a resource on a node.</summary>
internal enum KernelFact
{
    /// <summary>Somebody asked for it: <c>drbdsetup suspend-io</c>, or a satellite around a snapshot.</summary>
    SuspendedUser,

    /// <summary>I/O fails until the last one who has the device open closes it: <c>drbdsetup secondary --force</c>.</summary>
    ForceIoFailures,

    /// <summary>A write that was begun and waits.</summary>
    WritePending,

    /// <summary>The write that waited has ended with EIO.</summary>
    WriteFailed,
}

/// <summary>How a connection can be down.</summary>
public enum DownConnection
{
    /// <summary>The network between the two is cut: neither knows what the other does.</summary>
    Cut,

    /// <summary>Taken down in order: a peer that a primary with quorum lost that way counts as outdated.</summary>
    Disconnected,
}
