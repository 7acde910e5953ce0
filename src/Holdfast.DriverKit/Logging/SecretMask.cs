using Holdfast.Protocol;

namespace Holdfast.DriverKit.Logging;

/// <summary>
/// Replaces the values of secrets in texts that leave the process. The second line of defence: the first is never to put one there. Values shorter than four
/// characters are not masked, because that would only make logs unreadable.
/// </summary>
internal sealed class SecretMask
{
    private readonly string[] _values;

    internal SecretMask(IEnumerable<Secret> secrets) =>
        _values = [.. secrets.Select(static secret => secret.Reveal()).Where(static value => value.Length >= 4).OrderByDescending(static value => value.Length)];

    /// <summary>A text without secrets.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The same text with every secret value as <c>***</c>.</returns>
    internal string Apply(string text)
    {
        foreach (var value in _values)
        {
            text = text.Replace(value, "***", StringComparison.Ordinal);
        }

        return text;
    }
}
