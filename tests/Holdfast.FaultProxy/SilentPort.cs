using System.Net;
using System.Net.Sockets;

namespace Holdfast.FaultInjection;

/// <summary>
/// A port on which SYN packets get no answer: a listener with no room in its accept queue, filled by connections of our own and never accepted from. The kernel
/// drops further SYNs silently, as a firewall would; the client's connect hangs and retries. Needs no privilege and no packet filter.
/// </summary>
internal sealed class SilentPort : IDisposable
{
    private static readonly TimeSpan Probe = TimeSpan.FromMilliseconds(150);
    private readonly Socket _listener;
    private readonly List<Socket> _fillers = [];

    // Told the source port of each filler, so that who counts connects does not count ours, and when it is given back.
    private readonly Action<int, bool> _own;

    private SilentPort(Socket listener, Action<int, bool> own)
    {
        _listener = listener;
        _own = own;
    }

    public static async Task<SilentPort> CreateAsync(IPEndPoint endPoint, Action<int, bool> own, CancellationToken cancellationToken)
    {
        var port = new SilentPort(ReservedPort.BoundSocket(endPoint), own);
        try
        {
            port._listener.Listen(0);
            while (await port.FillAsync(endPoint, cancellationToken))
            {
            }

            return port;
        }
        catch
        {
            port.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var filler in _fillers)
        {
            End(filler);
        }
    }

    /// <summary>One more connection; false when it found no room, which is what we want.</summary>
    private async Task<bool> FillAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        var filler = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        filler.Bind(new IPEndPoint(endPoint.Address, 0));
        _own(SourcePort(filler), true);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Probe);
        try
        {
            await filler.ConnectAsync(endPoint, limit.Token);
            _fillers.Add(filler);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            End(filler);
            return false;
        }
    }

    private void End(Socket filler)
    {
        _own(SourcePort(filler), false);
        filler.Dispose();
    }

    private static int SourcePort(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;
}
