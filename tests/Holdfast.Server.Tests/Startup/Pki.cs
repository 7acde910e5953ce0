using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Server.Tests.Startup;

/// <summary>An authority of somebody else's, and one between it and its certificates.</summary>
internal sealed class Pki : IDisposable
{
    private readonly X509Certificate2 _between;

    public Pki()
    {
        Root = Authority("CN=root", null);
        _between = Authority("CN=between", Root);
    }

    public X509Certificate2 Root { get; }

    public void Dispose()
    {
        Root.Dispose();
        _between.Dispose();
    }

    /// <summary>A certificate for a name, with the one in between, and its key, both PEM.</summary>
    public (string Chain, string Key, string Serial) Issue(string name, TimeSpan life)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(_between, now.AddDays(-1), now + life, RandomNumberGenerator.GetBytes(8));
        return (certificate.ExportCertificatePem() + "\n" + _between.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem(), certificate.SerialNumber);
    }

    private static X509Certificate2 Authority(string name, X509Certificate2? issuer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        var now = DateTimeOffset.UtcNow;
        if (issuer is null)
        {
            return request.CreateSelfSigned(now.AddDays(-2), now.AddYears(1));
        }

        using var signed = request.Create(issuer, now.AddDays(-1), now.AddDays(200), RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }
}
