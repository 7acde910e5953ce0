using System.Globalization;

namespace Holdfast.Server.Templates;

/// <summary>CloudStack's texts for how far a template's image is. Clients look for them.</summary>
internal static class TemplateStatus
{
    /// <summary>It can be used.</summary>
    public const string Complete = "Download Complete";

    private const string Installing = "Installing Template";
    private const int All = 100;

    /// <summary>While it is brought to a storage pool.</summary>
    /// <param name="percent">How much of it has been downloaded.</param>
    public static string Of(int percent) => percent >= All ? Installing : string.Create(CultureInfo.InvariantCulture, $"{percent}% Downloaded");
}
