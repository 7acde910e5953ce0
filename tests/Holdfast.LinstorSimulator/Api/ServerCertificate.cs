using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Holdfast.LinstorSimulation.Api;

/// <summary>A self-signed certificate for 127.0.0.1, as LINSTOR's automatic HTTPS makes one; made anew by each instance.</summary>
internal sealed class ServerCertificate : IDisposable
{
    private ServerCertificate(X509Certificate2 certificate) => Certificate = certificate;

    public X509Certificate2 Certificate { get; }

    public static ServerCertificate Create(TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=linstor-controller", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var now = time.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(365));
        return new ServerCertificate(X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null));
    }

    public void Use(ListenOptions listen) => listen.UseHttps(Certificate);

    public void Dispose() => Certificate.Dispose();
}
