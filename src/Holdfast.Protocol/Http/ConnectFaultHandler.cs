using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Protocol.Http;

/// <summary>
/// Stands between an HTTP client and its sockets, so that a connection that cannot be made is told as <see cref="HttpRequestException"/> in every case. .NET tells
/// it so itself but for one: a connection that the other side resets in the moment after it was made comes out as a bare <see cref="SocketException"/> (.NET 10
/// asks the socket for its peer's address). Who does not expect that loses whatever was running for good. Safe for any thread.
/// </summary>
/// <remarks>
/// It also sees to it that no address in a certificate that the other side presents is called, for its issuer or for what was revoked: .NET does that while it builds the chain, also
/// where the certificate is judged by other means, before anybody is trusted, past every rule about addresses, and as long as the other side likes. A server sends its intermediate
/// certificates itself, as TLS wants it.
/// </remarks>
public sealed class ConnectFaultHandler : DelegatingHandler
{
    /// <summary>Makes one.</summary>
    /// <param name="sockets">Makes the connections; disposed with this one. Its policy for certificate chains is made, or changed, to call nobody.</param>
    public ConnectFaultHandler(SocketsHttpHandler sockets)
        : base(sockets)
    {
        var policy = sockets.SslOptions.CertificateChainPolicy ??= new X509ChainPolicy();
        policy.DisableCertificateDownloads = true;
        policy.RevocationMode = X509RevocationMode.NoCheck;
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
