namespace Holdfast.Drivers.Tests.Conformance;

/// <summary>Where the drivers' executables are: where their build puts them, the same that <c>./up</c> starts.</summary>
internal static class DriverExecutable
{
    internal static string Of(string project, string name)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var path = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", project, configuration, "native", $"holdfast-driver-{name}"));
        return File.Exists(path) ? path : throw new FileNotFoundException("The driver was not built.", path);
    }
}
