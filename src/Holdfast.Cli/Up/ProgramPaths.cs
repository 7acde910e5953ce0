namespace Holdfast.Cli.Up;

/// <summary>Where the programs of an installation are.</summary>
/// <param name="Server">The server's executable.</param>
/// <param name="Agent">The agent's executable.</param>
/// <param name="Drivers">The driver executables, each named <c>holdfast-driver-NAME</c>.</param>
internal sealed record ProgramPaths(string Server, string Agent, IReadOnlyList<string> Drivers)
{
    /// <summary>Finds them where the build puts them, from the folder of any program of the same build.</summary>
    /// <param name="baseFolder">The folder of a built program: <c>artifacts/bin/PROJECT/CONFIGURATION</c>.</param>
    /// <returns>The paths.</returns>
    /// <exception cref="FileNotFoundException">One is not there.</exception>
    public static ProgramPaths FromBuild(string baseFolder)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(baseFolder));
        var bin = Path.GetFullPath(Path.Combine(baseFolder, "..", ".."));
        return new ProgramPaths(
            Find("Holdfast.Server", "holdfast-server"),
            Find("Holdfast.Agent", "holdfast-agent"),
            [Find("Holdfast.Drivers.Directory", "native/holdfast-driver-directory"), Find("Holdfast.Drivers.Linstor", "native/holdfast-driver-linstor")]);

        string Find(string project, string program)
        {
            var path = Path.Combine(bin, project, configuration, program);
            return File.Exists(path) ? path : throw new FileNotFoundException($"{program} is not built: {path} is not there.", path);
        }
    }
}
