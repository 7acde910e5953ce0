using System.Net;
using System.Net.Sockets;

namespace Holdfast.LinstorSimulation;

/// <summary>
/// Counts connects to some ports of this machine by looking at SYN packets, so that those nobody answers count as well. A raw socket gets a copy of every TCP packet
/// that reaches the machine; a filter in the kernel leaves only first packets of connections to these ports.
/// </summary>
internal sealed class ConnectCounter : IDisposable
{
    private const int SolSocket = 1;
    private const int SoAttachFilter = 26;
    private readonly Socket _socket;
    private readonly RequestLog _log;
    private readonly Task _reading;

    private ConnectCounter(Socket socket, RequestLog log)
    {
        _socket = socket;
        _log = log;
        _reading = ReadAsync();
    }

    /// <summary>Null where raw sockets are not allowed: attempts then stay uncounted.</summary>
    public static ConnectCounter? TryStart(RequestLog log, params IReadOnlyList<int> ports)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        Socket? socket = null;
        try
        {
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Tcp);
            Filter(socket, ports);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            log.CountsAttempts = true;
            return new ConnectCounter(socket, log);
        }
        catch (SocketException)
        {
            socket?.Dispose();
            return null;
        }
    }

    public void Dispose()
    {
        _log.CountsAttempts = false;
        _socket.Dispose();
        // Ends by itself once the socket is gone; there is nothing in it to wait for.
        _ = _reading;
    }

    private async Task ReadAsync()
    {
        var packet = new byte[256];
        var recent = new Queue<(int Port, uint Sequence)>();
        try
        {
            while (true)
            {
                var length = await _socket.ReceiveAsync(packet.AsMemory());
                var head = (packet[0] & 0xf) * 4;
                if (length < head + 8)
                {
                    continue;
                }

                var sourcePort = (packet[head] << 8) | packet[head + 1];
                var syn = (sourcePort, BitConverter.ToUInt32(packet, head + 4));
                if (recent.Contains(syn))
                {
                    continue;
                }

                recent.Enqueue(syn);
                if (recent.Count > 1024)
                {
                    recent.Dequeue();
                }

                _log.Attempted(sourcePort);
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The socket was closed.
        }
    }

    /// <summary>
    /// A classic packet filter: x = length of the IP header; pass when the flags hold SYN without ACK and the destination port is one of ours.
    /// </summary>
    private static unsafe void Filter(Socket socket, IReadOnlyList<int> ports)
    {
        var program = new List<Instruction>
        {
            new(0xb1, 0, 0, 0),             // ldxb 4*([0]&0xf)
            new(0x50, 0, 0, 13),            // ldb [x+13]
            new(0x54, 0, 0, 0x12),          // and SYN|ACK
            new(0x15, 0, (byte)(ports.Count + 1), 0x02), // only SYN, else to the end
            new(0x48, 0, 0, 2),             // ldh [x+2]
        };
        for (var i = 0; i < ports.Count; i++)
        {
            program.Add(new Instruction(0x15, (byte)(ports.Count - i), 0, (uint)ports[i]));
        }

        program.Add(new Instruction(0x06, 0, 0, 0));
        program.Add(new Instruction(0x06, 0, 0, 256));
        var raw = program.ToArray();
        fixed (Instruction* first = raw)
        {
            var filter = new FilterProgram { Length = (ushort)raw.Length, Instructions = (nint)first };
            socket.SetRawSocketOption(SolSocket, SoAttachFilter, new ReadOnlySpan<byte>(&filter, sizeof(FilterProgram)));
        }
    }

    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    private struct FilterProgram
    {
        public ushort Length;
        public nint Instructions;
    }
}
