using System.Net.Sockets;

namespace Holdfast.Protocol.Http;

/// <summary>
/// Stands between an HTTP client and its sockets, so that a connection that cannot be made is told as <see cref="HttpRequestException"/> in every case. .NET tells
/// it so itself but for one: a connection that the other side resets in the moment after it was made comes out as a bare <see cref="SocketException"/> (.NET 10
/// asks the socket for its peer's address). Who does not expect that loses whatever was running for good. Safe for any thread.
/// </summary>
public sealed class ConnectFaultHandler : DelegatingHandler
{
    /// <summary>Makes one.</summary>
    /// <param name="sockets">Makes the connections; disposed with this one.</param>
    public ConnectFaultHandler(SocketsHttpHandler sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        catch (SocketException exception)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, exception.Message, exception);
        }
    }
}
