namespace Holdfast.Libvirt;

/// <summary>One connection that a few threads of a lane share. Opened when first used, opened anew when it broke.</summary>
internal sealed class LibvirtLink(string uri)
{
    // Guards the session: one thread opens, the others of this link wait for it, which is no longer than their own opening would take.
    private readonly Lock _gate = new();
    private LibvirtSession? _session;

    /// <summary>How many threads use this link. Guarded by the lane.</summary>
    internal int Threads { get; set; }

    /// <summary>The connection, opened when there is none that stands. Called on a lane thread.</summary>
    internal LibvirtSession Get()
    {
        lock (_gate)
        {
            if (_session is { } session)
            {
                if (session.IsAlive())
                {
                    return session;
                }

                session.Handle.Dispose();
                _session = null;
            }

            return _session = LibvirtSession.Open(uri);
        }
    }

    /// <summary>Closes the connection. Calls that are still under way keep it open until they return.</summary>
    internal void Close()
    {
        lock (_gate)
        {
            _session?.Handle.Dispose();
            _session = null;
        }
    }
}
