namespace Holdfast.Protocol.Host;

/// <summary>
/// A one-time join token as an operator carries it: <c>hfj1.SECRET.FINGERPRINT</c>, where FINGERPRINT is the lower-case hexadecimal SHA-256 of the
/// server authority's certificate, so that first contact is authenticated both ways.
/// </summary>
/// <param name="Value">The one-time secret (base64url).</param>
/// <param name="AuthorityFingerprint">SHA-256 of the authority's certificate, lower-case hexadecimal.</param>
public sealed record JoinToken(Secret Value, string AuthorityFingerprint)
{
    private const string Prefix = "hfj1";

    /// <summary>Reads a token.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The token, or null when the text is not one.</returns>
    public static JoinToken? TryParse(string text)
    {
        var parts = text.Trim().Split('.');
        return parts is [Prefix, { Length: >= 32 } secret, { Length: 64 } fingerprint] && fingerprint.All(char.IsAsciiHexDigitLower)
            ? new JoinToken(new Secret(secret), fingerprint)
            : null;
    }

    /// <summary>The token as text. Secret: for the operator's eyes only.</summary>
    /// <returns>The text.</returns>
    public string Reveal() => $"{Prefix}.{Value.Reveal()}.{AuthorityFingerprint}";
}
