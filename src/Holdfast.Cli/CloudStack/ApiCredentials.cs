using Holdfast.Protocol;

namespace Holdfast.Cli.CloudStack;

/// <summary>Where the API is and as whom to call it.</summary>
/// <param name="Endpoint">The API's address, <c>http://127.0.0.1:8080/client/api</c>.</param>
/// <param name="Key">The user's API key.</param>
/// <param name="Secret">The user's secret key.</param>
internal sealed record ApiCredentials(Uri Endpoint, string Key, Secret Secret)
{
    /// <summary>Reads a file in the format of the <c>cs</c> client.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The credentials, or null when the file is not there or says less than all three.</returns>
    public static ApiCredentials? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var values = File.ReadLines(path)
            .Select(line => line.Split('=', 2, StringSplitOptions.TrimEntries))
            .Where(parts => parts.Length == 2)
            .ToDictionary(parts => parts[0], parts => parts[1], StringComparer.OrdinalIgnoreCase);
        return values.TryGetValue("endpoint", out var endpoint) && Uri.TryCreate(endpoint, UriKind.Absolute, out var uri)
            && values.TryGetValue("key", out var key) && values.TryGetValue("secret", out var secret)
                ? new ApiCredentials(uri, key, new Secret(secret))
                : null;
    }
}
