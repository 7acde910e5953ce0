using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Server.Security;

/// <summary>How one-time and session secrets, which are long and random, are kept: their SHA-256.</summary>
internal static class TokenHash
{
    /// <summary>Hashes.</summary>
    /// <param name="secret">The secret.</param>
    /// <returns>Lower-case hexadecimal.</returns>
    public static string Of(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
