namespace Holdfast.Drivers.Tests.Conformance;

/// <summary>Where the drivers' executables are: beside the tests, which the build puts them.</summary>
internal static class DriverExecutable
{
    internal static string Of(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, $"holdfast-driver-{name}");
        return File.Exists(path) ? path : throw new FileNotFoundException("The driver was not built beside the tests.", path);
    }
}
