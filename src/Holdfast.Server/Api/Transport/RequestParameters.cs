using System.Diagnostics.CodeAnalysis;

namespace Holdfast.Server.Api.Transport;

/// <summary>
/// The parameters of a request. Names are found whatever their case; the names as sent are kept too, because signatures are made over them.
/// Immutable.
/// </summary>
internal sealed class RequestParameters
{
    private readonly Dictionary<string, string> _byName;

    private RequestParameters(IReadOnlyList<KeyValuePair<string, string>> asSent, Dictionary<string, string> byName)
    {
        AsSent = asSent;
        _byName = byName;
    }

    /// <summary>Decoded names and values in the order of arrival; repeats with the same value are kept once.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> AsSent { get; }

    /// <summary>The value of a parameter; null when it was not sent.</summary>
    public string? this[string name] => _byName.GetValueOrDefault(name);

    /// <summary>Collects parameters. A name that comes twice with different values is refused: which of them was signed could be read in two ways.</summary>
    /// <param name="pairs">Decoded pairs.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="error">Why not.</param>
    /// <returns>Whether the pairs could be used.</returns>
    public static bool TryCollect(
        IEnumerable<KeyValuePair<string, string>> pairs,
        [NotNullWhen(true)] out RequestParameters? parameters,
        [NotNullWhen(false)] out ApiError? error)
    {
        var asSent = new List<KeyValuePair<string, string>>();
        var byName = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var pair in pairs)
        {
            if (pair.Key.Length == 0)
            {
                continue;
            }

            if (byName.TryGetValue(pair.Key, out var earlier))
            {
                if (!string.Equals(earlier, pair.Value, StringComparison.Ordinal))
                {
                    parameters = null;
                    error = ApiError.BadRequest($"Parameter {Printable(pair.Key)} was sent twice with different values");
                    return false;
                }

                continue;
            }

            foreach (var c in pair.Value)
            {
                if (char.IsControl(c) && c is not ('\n' or '\r' or '\t'))
                {
                    parameters = null;
                    error = new ApiError(
                        431,
                        ApiErrorCodes.Generic,
                        $"Received value containing illegal ASCII non-printable characters for parameter {Printable(pair.Key)}");
                    return false;
                }
            }

            byName.Add(pair.Key, pair.Value);
            asSent.Add(pair);
        }

        parameters = new RequestParameters(asSent, byName);
        error = null;
        return true;
    }

    /// <summary>A name that may be shown in an error text.</summary>
    private static string Printable(string name) =>
        string.Create(Math.Min(name.Length, 64), name, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) ? '?' : source[i];
            }
        });
}
