using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Agent.Ledger;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Link;

/// <summary>Who this agent is: its key, which never leaves the host, its certificate, and the authority it trusts.</summary>
internal sealed class AgentIdentity : IDisposable
{
    private const string FileName = "identity.pem";

    private AgentIdentity(X509Certificate2 certificate, X509Certificate2 authority) => (Certificate, Authority) = (certificate, authority);

    /// <summary>The agent's certificate with its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>The authority's certificate.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>The incarnation: the common name of the certificate.</summary>
    public string Incarnation => Certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);

    /// <summary>Reads the identity from its folder.</summary>
    /// <returns>The identity, or null when this agent has not joined yet.</returns>
    public static AgentIdentity? TryLoad(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        var pem = File.ReadAllText(path);
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        return certificates is [_, var authority] ? new AgentIdentity(X509Certificate2.CreateFromPem(pem, pem), authority) : null;
    }

    /// <summary>Makes a key and a request for a certificate.</summary>
    public static (ECDsa Key, string Request) NewRequest()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return (key, new CertificateRequest("CN=holdfast-agent", key, HashAlgorithmName.SHA256).CreateSigningRequestPem());
    }

    /// <summary>Stores what the server granted, all in one file that is replaced in one step, and reads it back.</summary>
    public static AgentIdentity Store(string folder, ECDsa key, JoinAnswer answer)
    {
        using (var granted = X509Certificate2.CreateFromPem(answer.Certificate))
        using (var granteePublic = granted.GetECDsaPublicKey())
        {
            if (granteePublic is null || !granteePublic.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()))
            {
                throw new LinkException("the server granted a certificate for another key");
            }
        }

        PrivateFile.MakeFolder(folder);
        var pem = string.Join('\n', key.ExportPkcs8PrivateKeyPem(), answer.Certificate.Trim(), answer.Authority.Trim(), "");
        PrivateFile.Write(Path.Combine(folder, FileName), System.Text.Encoding.ASCII.GetBytes(pem));
        return TryLoad(folder) ?? throw new LinkException("the identity that was just written is not there");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Certificate.Dispose();
        Authority.Dispose();
    }
}
