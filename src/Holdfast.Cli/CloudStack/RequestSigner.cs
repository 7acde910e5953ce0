using System.Security.Cryptography;
using System.Text;
using Holdfast.Protocol;

namespace Holdfast.Cli.CloudStack;

/// <summary>CloudStack's request signature, version 3: HMAC-SHA1 over the sorted, encoded, lower-cased parameters.</summary>
internal static class RequestSigner
{
    /// <summary>Signs and encodes a request.</summary>
    /// <param name="parameters">All parameters, the API key and the expiry included; not the signature.</param>
    /// <param name="secret">The secret key.</param>
    /// <returns>The query string, or form body, with the signature.</returns>
    public static string Sign(IEnumerable<KeyValuePair<string, string>> parameters, Secret secret)
    {
        var sorted = parameters.OrderBy(parameter => parameter.Key, StringComparer.Ordinal).ToList();
        var canonical = string.Join('&', sorted.Select(parameter => $"{parameter.Key}={Encode(parameter.Value)}")).ToLowerInvariant();
#pragma warning disable CA5350 // The wire format of existing clients and servers.
        var signature = Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes(secret.Reveal()), Encoding.UTF8.GetBytes(canonical)));
#pragma warning restore CA5350
        var query = string.Join('&', sorted.Select(parameter => $"{Uri.EscapeDataString(parameter.Key)}={Encode(parameter.Value)}"));
        return $"{query}&signature={Uri.EscapeDataString(signature)}";
    }

    // As java.net.URLEncoder has it, with %20 for the blank.
    private static string Encode(string value) =>
        Uri.EscapeDataString(value).Replace("%2A", "*", StringComparison.Ordinal).Replace("~", "%7E", StringComparison.Ordinal);
}
