using System.CommandLine;
using System.CommandLine.Parsing;

namespace Holdfast.CommandLine;

/// <summary>Options with one value. A value that cannot be read is an error that names the option, what it needs and what it was given.</summary>
public static class ValueOption
{
    /// <summary>An option whose value is a text, and not an empty one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">What its value is called in the help.</param>
    /// <param name="description">What it is for.</param>
    /// <returns>The option.</returns>
    public static Option<string> Text(string name, string value, string description) =>
        Of<string>(name, value, description, "a value", text => text.Length > 0 ? text : null);

    /// <summary>An option whose value is a path. It is told as an absolute one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">What its value is called in the help.</param>
    /// <param name="description">What it is for.</param>
    /// <returns>The option.</returns>
    public static Option<string> Path(string name, string value, string description) =>
        Of<string>(name, value, description, "a path", text => text.Length > 0 ? System.IO.Path.GetFullPath(text) : null);

    /// <summary>An option whose value is read.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">What its value is called in the help.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="needs">What its value has to be, for the error.</param>
    /// <param name="read">Reads it; null: it cannot be read.</param>
    /// <returns>The option.</returns>
    public static Option<T> Of<T>(string name, string value, string description, string needs, Func<string, T?> read)
        where T : class => new(name) { HelpName = value, Description = description, CustomParser = given => Take(given, needs, read) };

    /// <summary>An option whose value is read.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">What its value is called in the help.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="needs">What its value has to be, for the error.</param>
    /// <param name="read">Reads it; null: it cannot be read.</param>
    /// <returns>The option; its value is null when it is not given.</returns>
    public static Option<T?> Of<T>(string name, string value, string description, string needs, Func<string, T?> read)
        where T : struct => new(name) { HelpName = value, Description = description, CustomParser = given => Take(given, needs, read) };

    private static T? Take<T>(ArgumentResult given, string needs, Func<string, T?> read)
    {
        var text = given.Tokens[0].Value;

        // The next option, because the value was forgotten.
        var taken = text.StartsWith("--", StringComparison.Ordinal) ? default : read(text);
        if (taken is null)
        {
            var name = (given.Parent as OptionResult)?.IdentifierToken?.Value;
            given.AddError($"{name} needs {needs}, not '{text}'.");
        }

        return taken;
    }
}
