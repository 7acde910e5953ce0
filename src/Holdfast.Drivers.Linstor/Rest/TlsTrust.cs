using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>Which certificate a controller may show. A closed hierarchy.</summary>
internal abstract record TlsTrust
{
    private TlsTrust()
    {
    }

    /// <summary>Whatever the host's authorities vouch for.</summary>
    internal sealed record System : TlsTrust;

    /// <summary>Only what these authorities vouch for, for the right host name.</summary>
    /// <param name="Authorities">The authorities.</param>
    internal sealed record Authority(X509Certificate2Collection Authorities) : TlsTrust;

    /// <summary>Only this certificate, whatever its name and issuer.</summary>
    /// <param name="Sha256">SHA-256 of the certificate, upper-case hexadecimal.</param>
    internal sealed record Pinned(string Sha256) : TlsTrust;

    /// <summary>Any certificate. Somebody asked for it in so many words.</summary>
    internal sealed record Anything : TlsTrust;
}
