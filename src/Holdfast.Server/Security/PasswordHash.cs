using System.Globalization;
using System.Security.Cryptography;

namespace Holdfast.Server.Security;

/// <summary>Passwords at rest: PBKDF2 with SHA-256, as <c>pbkdf2-sha256.ITERATIONS.SALT.HASH</c>.</summary>
internal static class PasswordHash
{
    private const int Iterations = 210_000;

    /// <summary>Hashes a password.</summary>
    public static string Create(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var hash = Rfc2898DeriveBytes.Pbkdf2(password, salt, Iterations, HashAlgorithmName.SHA256, 32);
        return string.Create(CultureInfo.InvariantCulture, $"pbkdf2-sha256.{Iterations}.{Convert.ToBase64String(salt)}.{Convert.ToBase64String(hash)}");
    }

    /// <summary>Checks a password in constant time; a null hash takes as long and fails.</summary>
    public static bool Verify(string password, string? stored)
    {
        var parts = (stored ?? $"pbkdf2-sha256.{Iterations}.AAAAAAAAAAAAAAAAAAAAAA==.AAAA").Split('.');
        if (parts is not ["pbkdf2-sha256", var iterations, var salt, var hash])
        {
            return false;
        }

        var expected = Convert.FromBase64String(hash);
        var actual = Rfc2898DeriveBytes.Pbkdf2(
            password,
            Convert.FromBase64String(salt),
            int.Parse(iterations, CultureInfo.InvariantCulture),
            HashAlgorithmName.SHA256,
            32);
        return stored is not null && CryptographicOperations.FixedTimeEquals(actual, expected);
    }
}
