using System.Text.RegularExpressions;

namespace Holdfast.Server.Hosts;

/// <summary>What a host may be called.</summary>
internal static partial class HostNames
{
    /// <summary>The rule, in words.</summary>
    public const string Rule = "a host's name has letters, digits, dots, dashes and underscores, at most 253 of them";

    /// <summary>Whether a name will do.</summary>
    public static bool IsName(string text) => Name().IsMatch(text);

    [GeneratedRegex("^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\\z")]
    private static partial Regex Name();
}
