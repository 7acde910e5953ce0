using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Holdfast.Agent.Ledger;

namespace Holdfast.Agent.Bindings.Processes;

/// <summary>
/// The files of the drivers: where they are installed, and the copies that the agent runs. A driver is the folder that its executable really is in, links
/// followed. Drivers run from a copy, so that an installation that replaces files one by one never changes a program that runs (much of a program is only
/// read when it is needed), and so that the build before is there when the new one does not start. An adapter.
/// </summary>
internal sealed partial class DriverFiles
{
    private const string ExecutablePrefix = "holdfast-driver-";
    private const string FolderName = "driver-builds";
    private const string Unfinished = ".new";
    private const int MostFiles = 2000;
    private const long MostBytes = 512L << 20;
    private readonly string _installed;
    private readonly string _kept;
    private readonly Dictionary<string, Task> _copying = [];

    /// <summary>Makes it.</summary>
    /// <param name="driverFolder">Where the drivers' executables are, or links to them.</param>
    /// <param name="dataFolder">The agent's data folder.</param>
    public DriverFiles(string driverFolder, string dataFolder)
    {
        (_installed, _kept) = (driverFolder, Path.Combine(dataFolder, FolderName));
        PrivateFile.MakeFolder(_kept);
    }

    /// <summary>The names of the drivers whose executables are there.</summary>
    public IReadOnlyList<string> Installed() =>
    [
        .. (Directory.Exists(_installed) ? Directory.GetFiles(_installed, ExecutablePrefix + "*") : [])
            .Select(path => Path.GetFileName(path)[ExecutablePrefix.Length..])
            .Where(name => DriverName().IsMatch(name)).Order(StringComparer.Ordinal),
    ];

    /// <summary>What is installed of a driver. Reads a folder, no file.</summary>
    public DriverInstallation Look(string driver)
    {
        var path = Path.Combine(_installed, ExecutablePrefix + driver);
        try
        {
            if (!DriverName().IsMatch(driver) || !File.Exists(path))
            {
                return new DriverInstallation(path, null);
            }

            var folder = RealFolder(path);
            var files = Files(folder);
            return files.Count > MostFiles || files.Sum(static file => file.Length) > MostBytes
                ? new DriverInstallation(path, null, $"{folder} has more than {MostFiles} files or {MostBytes >> 20} MiB: a driver is to have a folder of its own")
                : new DriverInstallation(path, BuildOf(folder, files));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new DriverInstallation(path, null, exception.Message);
        }
    }

    /// <summary>The executable of a build that was copied; null when it was not, or was swept away.</summary>
    public string? Kept(string driver, DriverBuild build)
    {
        var path = Path.Combine(FolderOf(driver, build), ExecutablePrefix + driver);
        return File.Exists(path) ? path : null;
    }

    /// <summary>Copies a build, unless that was done before. Several who ask for the same build at a time wait for the one copy.</summary>
    /// <returns>The copied executable.</returns>
    /// <exception cref="IOException">What is installed is another build by now, or the copy cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same, for lack of a right.</exception>
    public async Task<string> KeepAsync(string driver, DriverBuild build)
    {
        if (Kept(driver, build) is { } kept)
        {
            return kept;
        }

        var folder = FolderOf(driver, build);
        if (!_copying.TryGetValue(folder, out var copy))
        {
            _copying[folder] = copy = CopyAsync(driver, build, folder);
        }

        try
        {
            await copy;
        }
        finally
        {
            _copying.Remove(folder);
        }

        return Path.Combine(folder, ExecutablePrefix + driver);
    }

    /// <summary>Removes all copies but those that are named and those being made.</summary>
    /// <param name="needed">The builds that run or are still to be started.</param>
    /// <exception cref="IOException">One cannot be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">The same, for lack of a right.</exception>
    public void Sweep(IReadOnlySet<(string Driver, DriverBuild Build)> needed)
    {
        foreach (var driver in Directory.GetDirectories(_kept))
        {
            foreach (var folder in Directory.GetDirectories(driver))
            {
                var build = (Path.GetFileName(driver), new DriverBuild(Path.GetFileName(folder)));
                if (!needed.Contains(build) && !_copying.Keys.Any(copied => folder.StartsWith(copied, StringComparison.Ordinal)))
                {
                    Directory.Delete(folder, recursive: true);
                }
            }

            if (Directory.GetFileSystemEntries(driver).Length == 0)
            {
                Directory.Delete(driver);
            }
        }
    }

    private async Task CopyAsync(string driver, DriverBuild build, string folder)
    {
        var installed = Path.Combine(_installed, ExecutablePrefix + driver);
        var source = RealFolder(installed);
        var fresh = folder + Unfinished;
        if (Directory.Exists(fresh))
        {
            Directory.Delete(fresh, recursive: true);
        }

        PrivateFile.MakeFolder(fresh);
        foreach (var file in Files(source))
        {
            var copy = Path.Combine(fresh, Path.GetRelativePath(source, file.FullName));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            await using var from = file.Open(FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            await using var to = new FileStream(copy, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = file.UnixFileMode });
            await from.CopyToAsync(to);
            to.Flush(flushToDisk: true);
        }

        // What a link leads to may have another name.
        var executable = Path.Combine(fresh, ExecutablePrefix + driver);
        if (!File.Exists(executable))
        {
            File.CreateSymbolicLink(executable, Path.GetFileName(RealPath(installed)));
        }

        if (Look(driver).Build != build)
        {
            throw new IOException($"the files of driver '{driver}' are being replaced");
        }

        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        Directory.Move(fresh, folder);
    }

    private static string RealPath(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    private static string RealFolder(string path) => Path.GetDirectoryName(RealPath(path))!;

    private static List<FileInfo> Files(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Take(MostFiles + 1).OrderBy(static file => file.FullName, StringComparer.Ordinal)];

    private static DriverBuild BuildOf(string folder, List<FileInfo> files)
    {
        var text = new StringBuilder();
        foreach (var file in files)
        {
            text.Append(CultureInfo.InvariantCulture, $"{Path.GetRelativePath(folder, file.FullName)}\0{file.Length}\0{file.LastWriteTimeUtc.Ticks}\0");
        }

        return new DriverBuild(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..16]);
    }

    private string FolderOf(string driver, DriverBuild build) => Path.Combine(_kept, driver, build.Value);

    [GeneratedRegex("^[a-z][a-z0-9-]{0,30}$")]
    private static partial Regex DriverName();
}
