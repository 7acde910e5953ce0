using System.Buffers.Binary;
using System.Net.Sockets;

namespace Holdfast.Agent.Bindings.Processes;

/// <summary>Who is at the other end of a Unix socket.</summary>
internal static class PeerCredentials
{
    private const int SocketLevel = 1;
    private const int PeerCredentialsOption = 17;

    /// <summary>Makes sure that the other end is a process of the agent's own user.</summary>
    /// <exception cref="IOException">It is somebody else's.</exception>
    public static void Check(Socket connection)
    {
        Span<byte> credentials = stackalloc byte[12];
        connection.GetRawSocketOption(SocketLevel, PeerCredentialsOption, credentials);
        var user = BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..8]);
        if (user != LibC.EffectiveUser())
        {
            throw new IOException($"the socket is served by a process of user {user}");
        }
    }
}
