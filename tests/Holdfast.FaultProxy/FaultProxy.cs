using System.Net;
using System.Net.Sockets;

namespace Holdfast.FaultInjection;

/// <summary>
/// Stands between clients and a server on TCP and makes the network between them fail, as told while it runs. It does not understand what it passes, so TLS, HTTP/2 and
/// event streams go through untouched. Its port stays its own in every mode. Safe from any thread.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private const int Backlog = 512;

    private readonly EndPoint _server;
    private readonly ReservedPort _port;
    private readonly ProxyState _state = new();
    private readonly CancellationTokenSource _ending = new();

    // One change of listener and fault at a time.
    private readonly SemaphoreSlim _turn = new(1, 1);

    // Guards _connections.
    private readonly Lock _lock = new();
    private readonly Dictionary<ProxiedConnection, Task> _connections = [];

    // These three belong to whoever has the turn.
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private SilentPort? _silent;

    private FaultProxy(EndPoint server, ReservedPort port)
    {
        _server = server;
        _port = port;
        EndPoint = new IPEndPoint(IPAddress.Loopback, port.Number);
    }

    /// <summary>Where clients connect to.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>The fault in force.</summary>
    public ProxyFault Fault => _state.Fault;

    /// <summary>What went through so far.</summary>
    public ProxyCounters Counters
    {
        get
        {
            lock (_lock)
            {
                return _state.Counters with { Open = _connections.Count };
            }
        }
    }

    /// <summary>Starts a proxy that passes everything.</summary>
    /// <param name="server">The server behind; need not be there yet.</param>
    /// <param name="port">The port on 127.0.0.1 to listen on; 0: any free one.</param>
    /// <returns>The proxy, listening.</returns>
    /// <exception cref="SocketException">The port is taken.</exception>
    public static FaultProxy Start(EndPoint server, int port = 0)
    {
        var proxy = new FaultProxy(server, ReservedPort.Reserve(port));
        proxy.Listen();
        return proxy;
    }

    /// <summary>Puts a fault in force, for what is open and for what comes, in place of the one before.</summary>
    /// <param name="fault">The fault; <see cref="ProxyFault.None"/> lifts.</param>
    /// <param name="cancellationToken">Gives up before anything is changed.</param>
    /// <returns>When it is in force.</returns>
    /// <exception cref="ArgumentException">The delay is negative.</exception>
    public async Task SetAsync(ProxyFault fault, CancellationToken cancellationToken = default)
    {
        if (fault.Delay < TimeSpan.Zero)
        {
            throw new ArgumentException($"A delay of {fault.Delay} is negative.", nameof(fault));
        }

        await _turn.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_ending.IsCancellationRequested, this);
            if (fault.Mode == ProxyMode.Refuse || fault.DropsConnects)
            {
                await StopListeningAsync();
            }

            if (!fault.DropsConnects)
            {
                _silent?.Dispose();
                _silent = null;
            }
            else
            {
                _silent ??= await SilentPort.CreateAsync(EndPoint, static (_, _) => { }, CancellationToken.None);
            }

            _state.Set(fault);
            if (fault.Mode == ProxyMode.Refuse)
            {
                ResetConnections();
            }
            else if (!fault.DropsConnects && _listener is null)
            {
                Listen();
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Resets all open connections once, whatever the fault in force.</summary>
    public void ResetConnections()
    {
        List<ProxiedConnection> open;
        lock (_lock)
        {
            open = [.. _connections.Keys];
        }

        foreach (var connection in open)
        {
            connection.Reset();
        }
    }

    /// <summary>Ends it: connections are reset, the port is free.</summary>
    /// <returns>When nothing of it runs.</returns>
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (_ending.IsCancellationRequested)
            {
                return;
            }

            await _ending.CancelAsync();
            await StopListeningAsync();
            _silent?.Dispose();
            _port.Dispose();
        }
        finally
        {
            _turn.Release();
        }

        ResetConnections();
        Task[] running;
        lock (_lock)
        {
            running = [.. _connections.Values];
        }

        await Task.WhenAll(running);
    }

    private void Listen()
    {
        var listener = ReservedPort.BoundSocket(EndPoint);
        listener.Listen(Backlog);
        _listener = listener;
        _accepting = AcceptAsync(listener);
    }

    private async Task StopListeningAsync()
    {
        _listener?.Dispose();
        _listener = null;
        await _accepting;
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync();
            }
            catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
            {
                return;
            }

            _state.Count(static counters => counters with { Accepted = counters.Accepted + 1 });
            var connection = new ProxiedConnection(client, _server, _state);
            lock (_lock)
            {
                _connections.Add(connection, ServeAsync(connection));
            }
        }
    }

    private async Task ServeAsync(ProxiedConnection connection)
    {
        // Off the lock that the caller holds.
        await Task.Yield();
        using (connection)
        {
            await connection.RunAsync(_ending.Token);
        }

        lock (_lock)
        {
            _connections.Remove(connection);
        }
    }
}
