namespace Holdfast.Server.Security;

/// <summary>How the API is kept from being read on its way. A closed hierarchy.</summary>
internal abstract record ApiTls
{
    private ApiTls()
    {
    }

    /// <summary>Not at all: HTTP.</summary>
    public sealed record None : ApiTls;

    /// <summary>By TLS, with a certificate from files, which are read anew when they change.</summary>
    /// <param name="Certificate">PEM: the certificate, then those between it and its authority.</param>
    /// <param name="Key">PEM: its private key; may be the same file.</param>
    public sealed record Files(string Certificate, string Key) : ApiTls;

    /// <summary>By TLS, with a certificate that the installation's own authority makes and renews.</summary>
    /// <param name="Names">Names and addresses by which clients reach the API; the first is the one to give to people.</param>
    public sealed record OwnAuthority(IReadOnlyList<string> Names) : ApiTls;
}
