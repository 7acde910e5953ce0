namespace Holdfast.Server.Machines;

/// <summary>The address of an Ethernet interface. Pure.</summary>
internal static class MacAddress
{
    private const int Bytes = 6;

    /// <summary>What an address must be, for error texts.</summary>
    public const string Rule = "It has six bytes, as 02:00:00:00:00:01, 02-00-00-00-00-01 or 0200.0000.0001, and is that of one interface: not all zeros, and no multicast address";

    /// <summary>Reads an address in any of the ways people write it.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The address in lower case with colons; null when no interface can have it.</returns>
    public static string? Read(string text)
    {
        if (Digits(text) is not { } digits)
        {
            return null;
        }

        var address = Convert.FromHexString(digits);
        const int multicast = 1;
        return (address[0] & multicast) != 0 || address.All(b => b == 0)
            ? null
            : string.Join(':', address.Select(b => b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
    }

    // One separator throughout, and groups of one length: a text that mixes them is rather a slip than an address.
    private static string? Digits(string text)
    {
        var (separator, length) = text.Contains('.', StringComparison.Ordinal) ? ('.', 4) : text.Contains('-', StringComparison.Ordinal) ? ('-', 2) : (':', 2);
        var groups = text.Split(separator);
        return groups.Length * length == Bytes * 2 && groups.All(g => g.Length == length && g.All(char.IsAsciiHexDigit)) ? string.Concat(groups) : null;
    }
}
