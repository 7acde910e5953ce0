using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Agent.Link;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Link;

/// <summary>Whom an agent takes for its server: whoever has a certificate of the authority that says so, and nobody else whom the authority knows.</summary>
public sealed class ServerTrustTests : IDisposable
{
    private const string Server = "1.3.6.1.5.5.7.3.1";
    private const string Client = "1.3.6.1.5.5.7.3.2";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;

    public ServerTrustTests()
    {
        var request = new CertificateRequest("CN=authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
    }

    public void Dispose()
    {
        _authority.Dispose();
        _key.Dispose();
    }

    [Theory]
    [InlineData(AgentGateway.ServerName, new[] { Server }, true)]
    [InlineData(AgentGateway.ServerName, new[] { Client }, false)]
    [InlineData(AgentGateway.ServerName, new string[0], false)]
    [InlineData(AgentGateway.ServerName, new[] { Server, Client }, false)]
    [InlineData("01a225d0-f028-7414-a6e8-4cc2eb1fd1ba", new[] { Client }, false)]
    [InlineData("01a225d0-f028-7414-a6e8-4cc2eb1fd1ba", new[] { Server }, false)]
    [InlineData("01a225d0-f028-7414-a6e8-4cc2eb1fd1ba", new string[0], false)]
    public void A_hosts_certificate_passes_for_no_servers(string name, string[] purposes, bool isServer)
    {
        using var certificate = Sign(name, purposes, _authority);
        HttpServerLink.IsOurServer(certificate, null, _authority).ShouldBe(isServer);
    }

    [Fact]
    public void Another_authoritys_server_is_not_ours()
    {
        using var other = new ServerTrustTests();
        using var certificate = Sign(AgentGateway.ServerName, [Server], other._authority);
        HttpServerLink.IsOurServer(certificate, null, _authority).ShouldBeFalse();
    }

    private static X509Certificate2 Sign(string name, string[] purposes, X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        if (purposes.Length > 0)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. purposes.Select(static purpose => new Oid(purpose))], false));
        }

        return request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), [1]);
    }
}
