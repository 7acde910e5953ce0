using System.Net;
using System.Net.Sockets;

namespace Holdfast.FaultInjection;

/// <summary>
/// A port that belongs to its owner also while nobody listens: a socket that is bound and does not listen refuses connects like a free port, and keeps the
/// system from giving the number to somebody else.
/// </summary>
internal sealed class ReservedPort : IDisposable
{
    private const int SolSocket = 1;
    private const int SoReuseAddr = 2;
    private readonly Socket _reservation;

    private ReservedPort(Socket reservation) => _reservation = reservation;

    public int Number => ((IPEndPoint)_reservation.LocalEndPoint!).Port;

    public static ReservedPort Reserve(int port) => new(BoundSocket(new IPEndPoint(IPAddress.Loopback, port)));

    /// <summary>Several sockets of its owner may be bound to one port as long as at most one listens. (The framework's own option would share it with all.)</summary>
    public static Socket BoundSocket(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetRawSocketOption(SolSocket, SoReuseAddr, BitConverter.GetBytes(1));
            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => _reservation.Dispose();
}
