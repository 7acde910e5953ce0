using System.Net;
using System.Net.Sockets;

namespace Holdfast.FaultInjection;

/// <summary>One client's connection and the one to the server behind it. Looks at the fault in force at every piece of data.</summary>
internal sealed class ProxiedConnection(Socket client, EndPoint server, ProxyState state) : IDisposable
{
    private const int Piece = 64 * 1024;
    private static readonly byte[] Nonsense = "\u0001\u0002 this is no protocol \u0003\r\n\r\n"u8.ToArray();

    private readonly Socket _server = new(server.AddressFamily == AddressFamily.Unspecified ? AddressFamily.InterNetwork : server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    // A fault that swallows a connection whole when it is made, so that the server behind never hears of it.
    private readonly ProxyFault? _fate = state.Fault is { Mode: ProxyMode.Silence or ProxyMode.Garbage or ProxyMode.Reset } fault ? fault : null;

    // Set once a piece met silence: what was swallowed cannot be passed on later, so nothing is any more.
    private volatile bool _silent;

    // Whether the next piece for the client begins an answer.
    private volatile bool _answerBegins = true;

    /// <summary>Passes data until both sides have ended; never throws for what peers do.</summary>
    public async Task RunAsync(CancellationToken ending)
    {
        try
        {
            client.NoDelay = true;
            if (_fate is not null)
            {
                await PumpAsync(toServer: true, ending);
                return;
            }

            await ConnectAsync(ending);
            await Task.WhenAll(PumpAsync(toServer: true, ending), PumpAsync(toServer: false, ending));
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // A reset of one side is a reset for the other; the proxy's own end is too.
            Reset();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        client.Dispose();
        _server.Dispose();
    }

    /// <summary>Resets both sides. Idempotent.</summary>
    public void Reset()
    {
        ConnectionReset.Send(client);
        ConnectionReset.Send(_server);
    }

    private async Task ConnectAsync(CancellationToken ending)
    {
        try
        {
            await _server.ConnectAsync(server, ending);
        }
        catch (SocketException)
        {
            state.Count(static counters => counters with { Unreachable = counters.Unreachable + 1 });
            throw;
        }
    }

    private async Task PumpAsync(bool toServer, CancellationToken ending)
    {
        var (from, to) = toServer ? (client, _server) : (_server, client);
        var buffer = new byte[Piece];
        try
        {
            while (true)
            {
                var length = await from.ReceiveAsync(buffer.AsMemory(), ending);
                var fault = _fate ?? await state.WhenPassingAsync(toServer, ending);
                if (!await PassAsync(to, toServer, buffer.AsMemory(0, length), fault, ending))
                {
                    return;
                }
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Wakes the other direction too.
            Reset();
            throw;
        }
    }

    /// <summary>Passes one piece, empty at the sender's end, as the fault has it. False: this direction has ended.</summary>
    private async Task<bool> PassAsync(Socket to, bool toServer, ReadOnlyMemory<byte> piece, ProxyFault fault, CancellationToken ending)
    {
        _silent |= fault.Mode == ProxyMode.Silence;
        if (_silent)
        {
            if (toServer && piece.IsEmpty)
            {
                // The client gave up on us: nobody is left to be silent to.
                Reset();
            }

            return !piece.IsEmpty;
        }

        switch (fault.Mode)
        {
            case ProxyMode.Reset:
                Reset();
                return false;
            case ProxyMode.Garbage when toServer:
                await SendAsync(client, Nonsense, ending);
                client.Shutdown(SocketShutdown.Send);
                ConnectionReset.Send(_server);
                return false;
            case ProxyMode.Latency:
                await Task.Delay(fault.Delay, ending);
                break;
        }

        if (piece.IsEmpty)
        {
            to.Shutdown(SocketShutdown.Send);
            return false;
        }

        if (toServer)
        {
            _answerBegins = true;
            Count(toServer, piece.Length);
            await SendAsync(to, piece, ending);
            return true;
        }

        return await AnswerAsync(piece, fault, ending);
    }

    private async Task<bool> AnswerAsync(ReadOnlyMemory<byte> piece, ProxyFault fault, CancellationToken ending)
    {
        var begins = _answerBegins;
        _answerBegins = false;
        switch (fault.Mode)
        {
            case ProxyMode.SlowHeaders when begins:
                await Task.Delay(fault.Delay, ending);
                break;
            case ProxyMode.SlowBody:
                await TrickleAsync(piece, begins ? HeadLength(piece.Span) : 0, fault, ending);
                return true;
            case ProxyMode.Truncate:
                Count(toServer: false, piece.Length / 2);
                await SendAsync(client, piece[..(piece.Length / 2)], ending);
                client.Shutdown(SocketShutdown.Send);
                ConnectionReset.Send(_server);
                return false;
        }

        Count(toServer: false, piece.Length);
        await SendAsync(client, piece, ending);
        return true;
    }

    private async Task TrickleAsync(ReadOnlyMemory<byte> piece, int head, ProxyFault fault, CancellationToken ending)
    {
        Count(toServer: false, piece.Length);
        await SendAsync(client, piece[..head], ending);
        for (var at = head; at < piece.Length; at++)
        {
            if (!ReferenceEquals(state.Fault, fault))
            {
                await SendAsync(client, piece[at..], ending);
                break;
            }

            await SendAsync(client, piece.Slice(at, 1), ending);
            await Task.Delay(fault.Delay, ending);
        }
    }

    private static int HeadLength(ReadOnlySpan<byte> answer) => answer.IndexOf("\r\n\r\n"u8) is >= 0 and var end ? end + 4 : 0;

    private static async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes, CancellationToken ending)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await to.SendAsync(bytes, ending)..];
        }
    }

    // Before the bytes go out: who has got them finds them counted.
    private void Count(bool toServer, int bytes) => state.Count(counters => toServer
        ? counters with { BytesToServer = counters.BytesToServer + bytes }
        : counters with { BytesToClient = counters.BytesToClient + bytes });
}
