using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Holdfast.Server.Security;

/// <summary>
/// Passwords at rest, by ASP.NET Core Identity's hasher: PBKDF2 with HMAC-SHA512, the salt and the number of rounds in the hash. Meant to be slow: requests go
/// through <see cref="Api.Authentication.PasswordDesk"/>, which bounds how many are worked on at once.
/// </summary>
internal static class PasswordHash
{
    /// <summary>What OWASP asks of PBKDF2 with HMAC-SHA512. Raising it has every hash made anew at its user's next login.</summary>
    public const int Rounds = 210_000;

    private const string FormerPrefix = "pbkdf2-sha256.";

    // The hasher asks for a user, for those who want to choose by user; it uses none.
    private static readonly object NoUser = new();
    private static readonly PasswordHasher<object> Hasher = new(Options.Create(new PasswordHasherOptions
    {
        CompatibilityMode = PasswordHasherCompatibilityMode.IdentityV3,
        IterationCount = Rounds,
    }));

    private static readonly Lazy<string> Nobodys = new(() => Create("nobody's"));

    /// <summary>Hashes a password.</summary>
    public static string Create(string password) => Hasher.HashPassword(NoUser, password);

    /// <summary>Checks a password in constant time. No hash at all takes as long as a wrong one.</summary>
    /// <param name="password">As typed.</param>
    /// <param name="stored">What <see cref="Create"/> made, now or in an earlier version; null when there is none.</param>
    /// <returns>Whether it is right, and whether the hash is still as strong as one made now.</returns>
    public static PasswordVerdict Verify(string password, string? stored)
    {
        if (stored?.StartsWith(FormerPrefix, StringComparison.Ordinal) == true)
        {
            return VerifyFormer(password, stored[FormerPrefix.Length..]) ? PasswordVerdict.RightButWeak : PasswordVerdict.Wrong;
        }

        var hash = stored is not null && Base64.IsValid(stored) ? stored : null;
        var verdict = Hasher.VerifyHashedPassword(NoUser, hash ?? Nobodys.Value, password);
        return hash is null
            ? PasswordVerdict.Wrong
            : verdict switch
            {
                PasswordVerificationResult.Success => PasswordVerdict.Right,
                PasswordVerificationResult.SuccessRehashNeeded => PasswordVerdict.RightButWeak,
                _ => PasswordVerdict.Wrong,
            };
    }

    // Until 0.1 the hashes were of our own format: pbkdf2-sha256.ROUNDS.SALT.HASH.
    private static bool VerifyFormer(string password, string stored)
    {
        if (stored.Split('.') is not [var rounds, var salt, var hash])
        {
            return false;
        }

        var expected = Convert.FromBase64String(hash);
        var actual = Rfc2898DeriveBytes.Pbkdf2(
            password,
            Convert.FromBase64String(salt),
            int.Parse(rounds, CultureInfo.InvariantCulture),
            HashAlgorithmName.SHA256,
            expected.Length);
        return CryptographicOperations.FixedTimeEquals(actual, expected);
    }
}

/// <summary>What checking a password gave.</summary>
internal enum PasswordVerdict
{
    /// <summary>It is not the password.</summary>
    Wrong,

    /// <summary>It is.</summary>
    Right,

    /// <summary>It is, and its hash is of an older kind or has fewer rounds than one made now: make it anew.</summary>
    RightButWeak,
}
