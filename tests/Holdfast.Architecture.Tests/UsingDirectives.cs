using System.Text.RegularExpressions;

namespace Holdfast.Architecture.Tests;

/// <summary>Which namespaces the source files of a project name. One that is not needed does not compile, so each is a use, also where the assembly shows nothing of it.</summary>
internal static partial class UsingDirectives
{
    /// <summary>Reads all files of a folder.</summary>
    public static IEnumerable<TypeUse> Of(string folder) =>
        from path in Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories)
        let text = File.ReadAllText(path)
        let own = Namespace().Match(text)
        where own.Success
        from used in Using().Matches(text)
        select new TypeUse(new TypeName(own.Groups[1].Value, Path.GetFileNameWithoutExtension(path)), new TypeName(used.Groups[1].Value, "*"));

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^using ([\w.]+);", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Using();
}
