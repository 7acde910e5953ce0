using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Security;

/// <summary>
/// The installation's own certificate authority: signs agents and the gateway's certificate. Certificate and sealed key live in the database, so that every
/// server node is the same authority. Open once; then safe for any thread.
/// </summary>
internal sealed class Authority : IDisposable
{
    // Not the gateway's name: agents take nobody else's.
    private const string ApiName = "holdfast-api";
    private const string CertificateSetting = "authority-certificate";
    internal const string KeySetting = "authority-key";
    internal const string KeyPurpose = "authority-key";
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private static readonly TimeSpan AgentLife = TimeSpan.FromDays(90);
    private static readonly TimeSpan ServerLife = TimeSpan.FromDays(90);
    private static readonly TimeSpan ClockSlack = TimeSpan.FromHours(24);

    private readonly Database _database;
    private readonly SecretBox _secrets;
    private readonly TimeProvider _time;
    private X509Certificate2? _certificate;

    // Guards _server and _api.
    private readonly Lock _gate = new();
    private X509Certificate2? _server;
    private X509Certificate2? _api;
    private IReadOnlyList<string> _names = [];

    /// <summary>Made once per node.</summary>
    public Authority(Database database, SecretBox secrets, TimeProvider time)
    {
        _database = database;
        _secrets = secrets;
        _time = time;
    }

    /// <summary>The authority's certificate, PEM.</summary>
    public string CertificatePem => Certificate.ExportCertificatePem();

    /// <summary>SHA-256 of the certificate, lower-case hexadecimal: goes into join tokens.</summary>
    public string Fingerprint => Convert.ToHexStringLower(Certificate.GetCertHash(HashAlgorithmName.SHA256));

    private X509Certificate2 Certificate => _certificate ?? throw new InvalidOperationException("The authority is not open.");

    /// <summary>Reads the authority, or makes it.</summary>
    /// <param name="names">Names and addresses by which agents may reach the gateway.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task OpenAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        _names = names;
        var (fresh, freshKey) = Create();
        var (pem, key) = await _database.WriteAsync(
            async (db, ct) =>
            {
                var known = await db.Settings.FirstOrDefaultAsync(s => s.Name == CertificateSetting, ct);
                if (known is null)
                {
                    await db.InsertAsync(new SettingRow { Name = CertificateSetting, Value = fresh }, token: ct);
                    await db.InsertAsync(new SettingRow { Name = KeySetting, Value = _secrets.Seal(KeyPurpose, new Secret(freshKey)) }, token: ct);
                }

                return (
                    await db.Settings.Where(s => s.Name == CertificateSetting).Select(s => s.Value).SingleAsync(ct),
                    await db.Settings.Where(s => s.Name == KeySetting).Select(s => s.Value).SingleAsync(ct));
            },
            cancellationToken);
        _certificate = X509Certificate2.CreateFromPem(pem, _secrets.Unseal(KeyPurpose, key).Reveal());
    }

    /// <summary>The gateway's certificate; a new one in good time before the old one ends.</summary>
    public X509Certificate2 ServerCertificate() => Fresh(ref _server, AgentGateway.ServerName, _names);

    /// <summary>The API's certificate, for clients that trust this authority; a new one in good time before the old one ends.</summary>
    /// <param name="names">Names and addresses by which they reach it; those of this machine for itself are added.</param>
    public X509Certificate2 ApiCertificate(IReadOnlyList<string> names) => Fresh(ref _api, ApiName, [.. names, "localhost", "127.0.0.1", "::1"]);

    /// <summary>Signs an agent's key. Of the request only the key is used.</summary>
    /// <param name="requestPem">Certificate signing request, PEM; its signature proves that the agent has the key.</param>
    /// <param name="incarnation">The identity: the certificate's common name.</param>
    /// <returns>The certificate; null when the request is not valid.</returns>
    public AgentCertificate? SignAgent(string requestPem, IncarnationId incarnation)
    {
        CertificateRequest request;
        try
        {
            request = CertificateRequest.LoadSigningRequestPem(requestPem, HashAlgorithmName.SHA256);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }

        var now = _time.GetUtcNow();
        var own = new CertificateRequest(new X500DistinguishedName($"CN={incarnation}"), request.PublicKey, HashAlgorithmName.SHA256);
        own.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        own.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        own.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ClientAuthentication)], false));
        own.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var signed = own.Create(Certificate.SubjectName, Generator(), now - ClockSlack, now + AgentLife, RandomNumberGenerator.GetBytes(16));
        return new AgentCertificate(
            signed.ExportCertificatePem(),
            now + AgentLife,
            Convert.ToHexStringLower(SHA256.HashData(request.PublicKey.ExportSubjectPublicKeyInfo())));
    }

    /// <summary>Whose certificate it is; null when this authority did not sign it for an agent, or it has ended.</summary>
    public IncarnationId? IncarnationOf(X509Certificate2 certificate)
    {
        using var chain = new X509Chain { ChainPolicy = AgentPolicy() };
        return chain.Build(certificate) && IsForAgents(certificate) && Guid.TryParse(certificate.GetNameInfo(X509NameType.SimpleName, false), out var id) ? new IncarnationId(id) : null;
    }

    /// <summary>
    /// How an agent's certificate is judged. By this authority alone, which signs them without anything between: addresses in a certificate that a stranger presents
    /// are not followed.
    /// </summary>
    public X509ChainPolicy AgentPolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTime = _time.GetUtcNow().UtcDateTime,
            VerificationTimeIgnored = false,
        };
        policy.CustomTrustStore.Add(Certificate);
        policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return policy;
    }

    // A chain takes a certificate that names no purpose for one that is good for all.
    private static bool IsForAgents(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(purposes => purposes.EnhancedKeyUsages is [{ Value: ClientAuthentication }]);

    /// <inheritdoc/>
    public void Dispose()
    {
        _certificate?.Dispose();
        _server?.Dispose();
        _api?.Dispose();
    }

    private (string Pem, string Key) Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Holdfast authority {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = _time.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now - ClockSlack, now.AddYears(20));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private X509Certificate2 Fresh(ref X509Certificate2? held, string commonName, IReadOnlyList<string> names)
    {
        lock (_gate)
        {
            if (held is null || held.NotAfter.ToUniversalTime() - _time.GetUtcNow().UtcDateTime < ServerLife / 3)
            {
                held = CreateServer(commonName, names);
            }

            return held;
        }
    }

    private X509Certificate2 CreateServer(string commonName, IReadOnlyList<string> subjects)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in subjects.Distinct())
        {
            if (IPAddress.TryParse(name, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var now = _time.GetUtcNow();
        using var signed = request.Create(Certificate.SubjectName, Generator(), now - ClockSlack, now + ServerLife, RandomNumberGenerator.GetBytes(16));
        return signed.CopyWithPrivateKey(key);
    }

    private X509SignatureGenerator Generator() =>
        X509SignatureGenerator.CreateForECDsa(Certificate.GetECDsaPrivateKey() ?? throw new InvalidOperationException("The authority has no key."));
}

/// <summary>A certificate made for an agent.</summary>
/// <param name="Pem">The certificate.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="KeyHash">SHA-256 of its public key, lower-case hexadecimal.</param>
internal sealed record AgentCertificate(string Pem, DateTimeOffset Expires, string KeyHash);
