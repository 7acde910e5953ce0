using System.Security.Cryptography;
using System.Text;
using OtpNet;

namespace Holdfast.Server.Accounts;

/// <summary>Codes of RFC 6238, as authenticator applications make them: SHA-1, six digits, thirty seconds. Pure.</summary>
internal static class OneTimeCode
{
    private const int KeyBytes = 20;

    // A code may be one step late or early: clocks of telephones differ, and people take their time.
    private static readonly VerificationWindow Window = new(previous: 1, future: 1);

    /// <summary>A key, in base32 as applications take it.</summary>
    /// <param name="random">A random text with at least as much randomness as a key has.</param>
    public static string KeyOf(string random) => Base32Encoding.ToString(SHA256.HashData(Encoding.UTF8.GetBytes(random))[..KeyBytes]);

    /// <summary>The step of time whose code it is; null: it is none of now, or none after the last that was taken.</summary>
    /// <param name="key">The key, in base32.</param>
    /// <param name="code">The code as typed.</param>
    /// <param name="now">The time.</param>
    /// <param name="last">The step of the last code that was taken: none is taken twice.</param>
    public static long? StepOf(string key, string code, DateTimeOffset now, long? last) =>
        new Totp(Base32Encoding.ToBytes(key)).VerifyTotp(now.UtcDateTime, code.Replace(" ", string.Empty, StringComparison.Ordinal), out var step, Window) && !(step <= last)
            ? step
            : null;
}
