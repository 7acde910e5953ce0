using Holdfast.Server.Api.Transport;

namespace Holdfast.Server.Api.Commands;

/// <summary>What is done with a parameter that CloudStack's command of the same name has and this one has not.</summary>
internal enum ParameterTreatment
{
    /// <summary>Refused (431) with any value but the harmless ones: what it asks for would not be done.</summary>
    Refused,

    /// <summary>A filter by something that nothing here is or has: any value but the harmless ones finds nothing.</summary>
    FindsNothing,

    /// <summary>Accepted: it cannot matter here.</summary>
    WithoutEffect,
}

/// <summary>A parameter that CloudStack's command of the same name has and this one has not, as data. Nothing that asks for something is dropped without a word.</summary>
/// <param name="Name">Its name, lower case.</param>
/// <param name="Treatment">What is done with it.</param>
/// <param name="Why">Why, in words that can follow a colon.</param>
/// <param name="Harmless">Values that ask for what is so anyway.</param>
internal sealed record ForeignParameter(string Name, ParameterTreatment Treatment, string Why, params IReadOnlyList<string> Harmless)
{
    /// <summary>Whether the request asks for what this parameter stands for. An empty value counts as not sent, as clients mean it.</summary>
    public bool IsAsked(RequestParameters parameters)
    {
        if (parameters[Name] is { Length: > 0 } text)
        {
            return !Harmless.Contains(text.Trim(), StringComparer.OrdinalIgnoreCase);
        }

        foreach (var (key, value) in parameters.AsSent)
        {
            if (value.Length > 0 && key.Length > Name.Length && key[Name.Length] == '[' && key.StartsWith(Name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
