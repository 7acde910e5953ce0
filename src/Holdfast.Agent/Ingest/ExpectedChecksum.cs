using System.Security.Cryptography;

namespace Holdfast.Agent.Ingest;

/// <summary>A checksum that an image must have.</summary>
/// <param name="Algorithm">The algorithm.</param>
/// <param name="Hex">The value, lower-case hexadecimal.</param>
internal sealed record ExpectedChecksum(HashAlgorithmName Algorithm, string Hex)
{
    /// <summary>Reads <c>{ALGORITHM}hex</c> or bare hex, whose length tells the algorithm.</summary>
    /// <returns>The checksum, or null when the text is not one.</returns>
    public static ExpectedChecksum? TryParse(string text)
    {
        var (name, hex) = text.StartsWith('{') && text.IndexOf('}') is > 0 and var end ? (text[1..end], text[(end + 1)..]) : (null, text);
        hex = hex.Trim().ToLowerInvariant();
        var byLength = hex.Length switch
        {
            32 => HashAlgorithmName.MD5,
            40 => HashAlgorithmName.SHA1,
            64 => HashAlgorithmName.SHA256,
            128 => HashAlgorithmName.SHA512,
            _ => default,
        };
        return byLength.Name is not null && hex.All(char.IsAsciiHexDigitLower)
            && (name is null || string.Equals(name.Replace("-", "", StringComparison.Ordinal), byLength.Name, StringComparison.OrdinalIgnoreCase))
            ? new ExpectedChecksum(byLength, hex)
            : null;
    }
}
