namespace Holdfast.Server.UserData;

/// <summary>User data as clients send it: Base64, with either alphabet, with or without padding and line ends.</summary>
internal static class UserDataText
{
    /// <summary>The longest text; CloudStack's most.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>Reads it.</summary>
    /// <param name="sent">What was sent.</param>
    /// <returns>Base64 with the standard alphabet and padding; null: it is none, or of nothing.</returns>
    public static string? Read(string sent)
    {
        // Some clients encode it once more for the query string.
        var text = (sent.Contains('%', StringComparison.Ordinal) ? Uri.UnescapeDataString(sent) : sent)
            .Replace("\r", string.Empty, StringComparison.Ordinal).Replace("\n", string.Empty, StringComparison.Ordinal)
            .TrimEnd('=').Replace('-', '+').Replace('_', '/');

        // A space is a plus sign of a client that has not encoded it, or an error: nobody can know.
        if (text.Length == 0 || text.Length % 4 == 1 || text.AsSpan().ContainsAny(' ', '\t'))
        {
            return null;
        }

        text = text.PadRight((text.Length + 3) / 4 * 4, '=');
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && length > 0 ? Convert.ToBase64String(bytes, 0, length) : null;
    }
}
