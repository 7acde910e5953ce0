using System.Xml.Linq;
using Shouldly;
using Xunit;

namespace Holdfast.Architecture.Tests;

/// <summary>Dependencies point inward. Read from the project files, so that a reference counts even when no code uses it yet.</summary>
public sealed class ProjectReferenceTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Holdfast.Core"] = [],
        ["Holdfast.Protocol"] = ["Holdfast.Core"],
        ["Holdfast.Libvirt"] = [],
        ["Holdfast.CommandLine"] = [],
        ["Holdfast.Server"] = ["Holdfast.CommandLine", "Holdfast.Core", "Holdfast.Protocol"],
        ["Holdfast.Agent"] = ["Holdfast.CommandLine", "Holdfast.Core", "Holdfast.Protocol", "Holdfast.Libvirt"],
        ["Holdfast.DriverKit"] = ["Holdfast.Core", "Holdfast.Protocol"],
        ["Holdfast.Cli"] = ["Holdfast.CommandLine", "Holdfast.Core", "Holdfast.Protocol"],
    };

    private static readonly string[] DriverMay = ["Holdfast.DriverKit", "Holdfast.Protocol", "Holdfast.Core"];

    public static TheoryData<string> Projects() => [.. Directory.GetFiles(Path.Combine(Repository.Root(), "src"), "*.csproj", SearchOption.AllDirectories).Select(p => Path.GetFileNameWithoutExtension(p)).Order()];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_what_lies_further_in(string project)
    {
        var allowed = project.StartsWith("Holdfast.Drivers.", StringComparison.Ordinal) ? DriverMay : Allowed.GetValueOrDefault(project);
        allowed.ShouldNotBeNull($"{project} has no rule; say here what it may know.");
        ReferencesOf(project).Except(allowed).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("Holdfast.Core")]
    [InlineData("Holdfast.Protocol")]
    public void What_everybody_knows_needs_no_package(string project) =>
        Document(project).Descendants("PackageReference").Select(r => (string?)r.Attribute("Include")).ShouldBeEmpty();

    [Theory]
    [InlineData("Holdfast.Core", "System.IO.File")]
    [InlineData("Holdfast.Core", "System.Net.")]
    [InlineData("Holdfast.Core", "HttpClient")]
    [InlineData("Holdfast.Core", "async ", "Waiting.cs", "FailpointSet.cs")]
    [InlineData("Holdfast.Core", "GetUtcNow", "TimeOrderedIdSource.cs")]
    [InlineData("Holdfast.Core", "Random")]
    [InlineData("Holdfast.Agent", "Holdfast.Server")]
    [InlineData("Holdfast.Server", "Holdfast.Agent")]
    [InlineData("Holdfast.Server", "Holdfast.Libvirt")]
    public void A_project_does_not_speak_of(string project, string what, params string[] except)
    {
        var folder = Path.Combine(Repository.Root(), "src", project);
        var found = Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(f => !except.Contains(Path.GetFileName(f)))
            .Where(f => File.ReadLines(f).Any(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal) && l.Contains(what, StringComparison.Ordinal)))
            .Select(f => Path.GetRelativePath(folder, f));
        found.ShouldBeEmpty();
    }

    private static IEnumerable<string> ReferencesOf(string project) => Document(project)
        .Descendants("ProjectReference")
        .Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!));

    private static XDocument Document(string project) => XDocument.Load(Path.Combine(Repository.Root(), "src", project, project + ".csproj"));
}
