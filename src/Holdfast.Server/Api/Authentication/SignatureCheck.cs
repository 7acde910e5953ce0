using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Server.Api.Authentication;

/// <summary>
/// Checks API signatures: HMAC-SHA1 over the sorted, encoded, lower-cased parameters. Clients differ in how they sort and encode, so a small set of
/// canonical forms is tried, never more than <see cref="MaxForms"/> for one request. Pure.
/// </summary>
internal static class SignatureCheck
{
    /// <summary>The most HMACs that one request can cost.</summary>
    public const int MaxForms = 16;

    private const string SignatureName = "signature";
    private const string VersionName = "signatureVersion";

    // In the order of likelihood. The first six are clients that exist; the rest are the mixtures that a client built from parts of them would make.
    private static readonly Form[] Forms =
    [
        new(Sort.Ordinal, RawTilde: false, RawStar: true, EncodedNames: false, RawBrackets: false), // CloudStack's own
        new(Sort.Ordinal, RawTilde: true, RawStar: true, EncodedNames: false, RawBrackets: false), // cs, cloudstack-go, cloudmonkey
        new(Sort.IgnoreCase, RawTilde: true, RawStar: true, EncodedNames: false, RawBrackets: true), // libcloud
        new(Sort.IgnoreCase, RawTilde: true, RawStar: true, EncodedNames: false, RawBrackets: false), // marvin
        new(Sort.IgnoreCase, RawTilde: true, RawStar: false, EncodedNames: false, RawBrackets: false), // CloudStack.Net
        new(Sort.IgnoreCase, RawTilde: false, RawStar: true, EncodedNames: false, RawBrackets: false),
        new(Sort.Ordinal, RawTilde: false, RawStar: false, EncodedNames: false, RawBrackets: false),
        new(Sort.Ordinal, RawTilde: true, RawStar: false, EncodedNames: false, RawBrackets: false),
        new(Sort.Ordinal, RawTilde: true, RawStar: true, EncodedNames: true, RawBrackets: false),
        new(Sort.Ordinal, RawTilde: false, RawStar: true, EncodedNames: true, RawBrackets: false),
        new(Sort.IgnoreCase, RawTilde: true, RawStar: true, EncodedNames: true, RawBrackets: false),
        new(Sort.IgnoreCase, RawTilde: true, RawStar: false, EncodedNames: true, RawBrackets: false),
        new(Sort.IgnoreCase, RawTilde: false, RawStar: false, EncodedNames: false, RawBrackets: false),
        new(Sort.Ordinal, RawTilde: true, RawStar: true, EncodedNames: false, RawBrackets: true),
        new(Sort.Ordinal, RawTilde: true, RawStar: false, EncodedNames: true, RawBrackets: false),
    ];

    private enum Sort
    {
        Ordinal,
        IgnoreCase,
    }

    /// <summary>Checks a signature in constant time for each form.</summary>
    /// <param name="parameters">Decoded names and values as sent; <c>signature</c> itself is left out.</param>
    /// <param name="secretKey">The user's secret key.</param>
    /// <param name="signature">The signature as sent, decoded.</param>
    /// <param name="tried">How many forms were computed.</param>
    /// <returns>Whether any form matches.</returns>
    public static bool Verify(IReadOnlyList<KeyValuePair<string, string>> parameters, string secretKey, string signature, out int tried)
    {
        tried = 0;
        Span<byte> sent = stackalloc byte[HMACSHA1.HashSizeInBytes];

        // SHA-1 gives 20 bytes: 28 characters of Base64. Anything else is no signature.
        if (signature.Length != Base64.GetMaxEncodedToUtf8Length(HMACSHA1.HashSizeInBytes)
            || !Convert.TryFromBase64String(signature, sent, out var length)
            || length != HMACSHA1.HashSizeInBytes)
        {
            return false;
        }

        var key = Encoding.UTF8.GetBytes(secretKey);
        var unsigned = parameters.Where(p => !p.Key.Equals(SignatureName, StringComparison.OrdinalIgnoreCase)).ToList();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Span<byte> computed = stackalloc byte[HMACSHA1.HashSizeInBytes];
        foreach (var form in Forms)
        {
            if (Matches(Canonical(unsigned, form), key, sent, computed, seen, ref tried))
            {
                return true;
            }
        }

        // CloudStack.Net adds the version after it has signed.
        var withoutVersion = unsigned.Where(p => !p.Key.Equals(VersionName, StringComparison.OrdinalIgnoreCase)).ToList();
        return withoutVersion.Count != unsigned.Count
            && Matches(
                Canonical(withoutVersion, new(Sort.IgnoreCase, RawTilde: true, RawStar: false, EncodedNames: false, RawBrackets: false)),
                key,
                sent,
                computed,
                seen,
                ref tried);
    }

    /// <summary>The signature in CloudStack's own form, for our own clients and for tests.</summary>
    /// <param name="parameters">Decoded names and values.</param>
    /// <param name="secretKey">The user's secret key.</param>
    /// <returns>The signature in Base64.</returns>
    public static string Sign(IReadOnlyList<KeyValuePair<string, string>> parameters, string secretKey) =>
        Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes(secretKey), Encoding.UTF8.GetBytes(Canonical(parameters, Forms[0]))));

    /// <summary>The text that CloudStack itself would sign.</summary>
    internal static string Canonical(IReadOnlyList<KeyValuePair<string, string>> parameters) => Canonical(parameters, Forms[0]);

    private static bool Matches(string canonical, byte[] key, ReadOnlySpan<byte> sent, Span<byte> computed, HashSet<string> seen, ref int tried)
    {
        if (!seen.Add(canonical) || tried == MaxForms)
        {
            return false;
        }

        tried++;
        HMACSHA1.HashData(key, Encoding.UTF8.GetBytes(canonical), computed);
        return CryptographicOperations.FixedTimeEquals(computed, sent);
    }

    private static string Canonical(IReadOnlyList<KeyValuePair<string, string>> parameters, Form form)
    {
        var sorted = form.Sort == Sort.Ordinal
            ? parameters.OrderBy(p => p.Key, StringComparer.Ordinal)
            : parameters.OrderBy(p => p.Key.ToLowerInvariant(), StringComparer.Ordinal);
        var text = new StringBuilder();
        foreach (var (name, value) in sorted)
        {
            if (text.Length > 0)
            {
                text.Append('&');
            }

            if (form.EncodedNames)
            {
                Encode(text, name, form with { RawBrackets = false });
            }
            else
            {
                text.Append(name);
            }

            text.Append('=');
            Encode(text, value, form);
        }

        return text.ToString().ToLowerInvariant();
    }

    private static void Encode(StringBuilder text, string value, Form form)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in value.EnumerateRunes())
        {
            if (rune.IsAscii)
            {
                var c = (char)rune.Value;
                if (char.IsAsciiLetterOrDigit(c)
                    || c is '-' or '_' or '.'
                    || (c == '~' && form.RawTilde)
                    || (c == '*' && form.RawStar)
                    || (c is '[' or ']' && form.RawBrackets))
                {
                    text.Append(c);
                    continue;
                }
            }

            var length = rune.EncodeToUtf8(bytes);
            foreach (var b in bytes[..length])
            {
                text.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>How a client writes what it signs.</summary>
    /// <param name="Sort">How names are sorted.</param>
    /// <param name="RawTilde">Whether <c>~</c> stays.</param>
    /// <param name="RawStar">Whether <c>*</c> stays.</param>
    /// <param name="EncodedNames">Whether names are encoded too.</param>
    /// <param name="RawBrackets">Whether brackets stay in values.</param>
    private sealed record Form(Sort Sort, bool RawTilde, bool RawStar, bool EncodedNames, bool RawBrackets);
}
