using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Testing;

/// <summary>
/// A TLS server of somebody whose certificate names addresses where its issuer and its revocation list are said to be: whoever calls there has let a stranger choose whom it
/// calls.
/// </summary>
public sealed class TrappedTlsServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly TcpListener _trap = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ends = new();
    private readonly X509Certificate2 _certificate;
    private readonly Task _serving;
    private int _handshakes;

    /// <summary>Begins to serve.</summary>
    public TrappedTlsServer()
    {
        _trap.Start();
        _listener.Start();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=stranger", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension(null, [$"http://{_trap.LocalEndpoint}/ca.cer"]));
        request.CertificateExtensions.Add(CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([$"http://{_trap.LocalEndpoint}/list.crl"]));
        using var signed = request.Create(
            new X500DistinguishedName("CN=somebody"), X509SignatureGenerator.CreateForECDsa(key), DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1]);
        using var own = signed.CopyWithPrivateKey(key);
        _certificate = X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pkcs12), null);
        _serving = ServeAsync();
    }

    /// <summary>Where it is: an IP address and a port.</summary>
    public string Host => _listener.LocalEndpoint.ToString()!;

    /// <summary>SHA-256 of its certificate, upper-case hexadecimal.</summary>
    public string Fingerprint => _certificate.GetCertHashString(HashAlgorithmName.SHA256);

    /// <summary>How often somebody has called and been shown the certificate.</summary>
    public int Handshakes => Volatile.Read(ref _handshakes);

    /// <summary>Whether somebody has called at an address that the certificate names.</summary>
    public bool WasFollowed => _trap.Pending();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _serving;
        _listener.Dispose();
        _trap.Dispose();
        _certificate.Dispose();
        _ends.Dispose();
    }

    private async Task ServeAsync()
    {
        // What it presents is made without looking for the rest of the chain: it is not this side that is tried.
        var context = SslStreamCertificateContext.Create(_certificate, additionalCertificates: null, offline: true);
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_ends.Token);
                await using var tls = new SslStream(client.GetStream());
                Interlocked.Increment(ref _handshakes);
                try
                {
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = context }, _ends.Token);
                    await tls.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, _ends.Token);
                }
                catch (Exception refused) when (refused is AuthenticationException or IOException)
                {
                    // The other side does not like the certificate.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
