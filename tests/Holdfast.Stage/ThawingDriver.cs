using Holdfast.Cli.CloudStack;

namespace Holdfast.Staging;

/// <summary>The directory driver for tests that can cut, because it thaws (tests/Holdfast.ThawingDriver), installed in the place of the real one as long as this lives.</summary>
internal sealed class ThawingDriver : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);

    private readonly string _link;
    private readonly string _executable;
    private readonly string _build;

    private ThawingDriver(string link, string executable, string build) => (_link, _executable, _build) = (link, executable, build);

    /// <summary>Installs it and waits until it serves a pool.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="pool">The pool.</param>
    /// <returns>What ends it: the real one is installed again.</returns>
    public static async Task<ThawingDriver> InstallAsync(Stage stage, HangingFolder pool)
    {
        var link = Path.Combine(stage.Stack.Options.Data, "drivers", "holdfast-driver-directory");
        var executable = new FileInfo(link).LinkTarget ?? throw new InvalidOperationException($"{link} is not a link");
        var driver = new ThawingDriver(link, executable, Directory.CreateTempSubdirectory("holdfast-builds-").FullName);
        try
        {
            var before = await pool.DriverAsync();
            Install(link, driver.Build());
            await Wait.UntilAsync(
                $"a driver that can cut to serve {pool.Name}", Soon, async () => await pool.BindingAsync() is { } binding && binding.Text("observed") == "Attached" && await pool.DriverAsync() != before);
            return driver;
        }
        catch
        {
            driver.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Install(_link, _executable);
        Directory.Delete(_build, recursive: true);
    }

    // As a package does: never a moment without the file.
    private static void Install(string link, string target)
    {
        File.CreateSymbolicLink(link + ".new", target);
        File.Move(link + ".new", link, overwrite: true);
    }

    // Under the name of the driver that it takes the place of; which program it starts, an executable of .NET has in it.
    private string Build()
    {
        var built = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Holdfast.ThawingDriver", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))));
        foreach (var file in Directory.GetFiles(built))
        {
            File.Copy(file, Path.Combine(_build, Path.GetFileName(file)));
        }

        var executable = Path.Combine(_build, "holdfast-driver-directory");
        File.Copy(Path.Combine(built, "holdfast-driver-thawing"), executable, overwrite: true);
        return executable;
    }
}
