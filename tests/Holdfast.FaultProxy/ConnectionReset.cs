using System.Net.Sockets;

namespace Holdfast.FaultInjection;

/// <summary>Ends connections as a machine does that is switched off and on: without a word of farewell.</summary>
internal static class ConnectionReset
{
    /// <summary>Closes a socket so that the peer gets a reset instead of an orderly end. Idempotent.</summary>
    public static void Send(Socket? socket)
    {
        try
        {
            socket?.LingerState = new LingerOption(true, 0);
            socket?.Close();
        }
        catch (Exception gone) when (gone is ObjectDisposedException or SocketException)
        {
            // Ended by the peer meanwhile: as good as reset.
        }
    }
}
