using System.Net;
using Holdfast.FaultInjection;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Holdfast.LinstorSimulation.Faults;

/// <summary>
/// Stands between Kestrel and its listening sockets, so that these can be closed (connects are refused) or replaced by one whose queue is full (connects get no
/// answer) while the server goes on. Counts what is accepted.
/// </summary>
internal sealed class ListenerGate : IConnectionListenerFactory, IDisposable
{
    private readonly SocketTransportFactory _transport = new(
        Options.Create(new SocketTransportOptions { CreateBoundListenSocket = static endPoint => ReservedPort.BoundSocket((IPEndPoint)endPoint) }),
        NullLoggerFactory.Instance);

    private readonly RequestLog _log;

    // One change of the listeners at a time.
    private readonly SemaphoreSlim _turn = new(1, 1);

    // Guards the three below.
    private readonly Lock _lock = new();
    private readonly List<GateListener> _listeners = [];
    private readonly HashSet<ConnectionContext> _connections = [];
    private readonly List<SilentPort> _silent = [];
    private FaultSet.ConnectionFault _fault;

    public ListenerGate(RequestLog log, FaultSet.ConnectionFault fault)
    {
        _log = log;
        _fault = fault;
    }

    public void Dispose() => _turn.Dispose();

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = new GateListener(this, (IPEndPoint)endpoint);
        lock (_lock)
        {
            _listeners.Add(listener);
        }

        await ApplyAsync(listener, cancellationToken);
        return listener;
    }

    /// <summary>Makes connection faults real, for what is open and for what comes.</summary>
    public async Task SetAsync(FaultSet.ConnectionFault fault)
    {
        await _turn.WaitAsync();
        try
        {
            await SetInTurnAsync(fault);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task SetInTurnAsync(FaultSet.ConnectionFault fault)
    {
        List<GateListener> listeners;
        lock (_lock)
        {
            if (fault == _fault)
            {
                return;
            }

            _fault = fault;
            listeners = [.. _listeners];
        }

        LeaveSilence();
        foreach (var listener in listeners)
        {
            await ApplyAsync(listener, CancellationToken.None);
        }

        if (fault == FaultSet.ConnectionFault.Refuse)
        {
            ResetConnections();
        }
    }

    /// <summary>Ends all connections as a machine does that is switched off and on: by reset, without a word.</summary>
    public void ResetConnections()
    {
        List<ConnectionContext> connections;
        lock (_lock)
        {
            connections = [.. _connections];
        }

        foreach (var connection in connections)
        {
            ConnectionReset.Send(connection.Features.Get<IConnectionSocketFeature>()?.Socket);
            connection.Abort();
        }
    }

    public void LeaveSilence()
    {
        List<SilentPort> silent;
        lock (_lock)
        {
            silent = [.. _silent];
            _silent.Clear();
        }

        foreach (var port in silent)
        {
            port.Dispose();
        }
    }

    private async Task ApplyAsync(GateListener listener, CancellationToken cancellationToken)
    {
        if (_fault == FaultSet.ConnectionFault.None)
        {
            await listener.OpenAsync(cancellationToken);
            return;
        }

        await listener.CloseAsync(cancellationToken);
        if (_fault == FaultSet.ConnectionFault.Blackhole)
        {
            var silent = await SilentPort.CreateAsync((IPEndPoint)listener.EndPoint, _log.MarkOwn, cancellationToken);
            lock (_lock)
            {
                _silent.Add(silent);
            }
        }
    }

    private void Track(ConnectionContext connection)
    {
        lock (_lock)
        {
            _connections.Add(connection);
        }

        _log.Accepted();
        connection.ConnectionClosed.Register(() =>
        {
            lock (_lock)
            {
                _connections.Remove(connection);
            }
        });
    }

    private sealed class GateListener(ListenerGate gate, IPEndPoint endPoint) : IConnectionListener
    {
        // Guards the three below.
        private readonly Lock _lock = new();
        private IConnectionListener? _inner;
        private TaskCompletionSource _changed = NewSignal();
        private bool _ended;

        public EndPoint EndPoint { get; } = endPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (true)
            {
                IConnectionListener? inner;
                Task changed;
                lock (_lock)
                {
                    if (_ended)
                    {
                        return null;
                    }

                    (inner, changed) = (_inner, _changed.Task);
                }

                if (inner is null)
                {
                    await changed.WaitAsync(cancellationToken);
                    continue;
                }

                if (await inner.AcceptAsync(cancellationToken) is { } connection)
                {
                    gate.Track(connection);
                    return connection;
                }

                lock (_lock)
                {
                    if (_inner == inner)
                    {
                        _inner = null;
                    }
                }
            }
        }

        public async Task OpenAsync(CancellationToken cancellationToken)
        {
            lock (_lock)
            {
                if (_inner is not null || _ended)
                {
                    return;
                }
            }

            var inner = await gate._transport.BindAsync(EndPoint, cancellationToken);
            Change(inner);
        }

        public async Task CloseAsync(CancellationToken cancellationToken)
        {
            if (Change(null) is { } inner)
            {
                await inner.UnbindAsync(cancellationToken);
                await inner.DisposeAsync();
            }
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            lock (_lock)
            {
                _ended = true;
            }

            await CloseAsync(cancellationToken);
            lock (gate._lock)
            {
                gate._listeners.Remove(this);
            }
        }

        public async ValueTask DisposeAsync() => await UnbindAsync();

        private IConnectionListener? Change(IConnectionListener? next)
        {
            TaskCompletionSource changed;
            IConnectionListener? before;
            lock (_lock)
            {
                before = _inner;
                _inner = next;
                changed = _changed;
                _changed = NewSignal();
            }

            changed.SetResult();
            return before;
        }

        private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
