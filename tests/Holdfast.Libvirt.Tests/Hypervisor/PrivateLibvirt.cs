using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Holdfast.Libvirt.Tests.Hypervisor;

/// <summary>
/// A libvirtd of the tests' own, with real QEMUs: it lives in its own mount namespace, in which all of libvirt's folders are its own, so it may be killed
/// and frozen without anybody else noticing. Beneath it nothing is simulated.
/// </summary>
public sealed class PrivateLibvirt : IAsyncLifetime
{
    // The shell is told line by line when to start a daemon, so that all of them and all QEMUs have tini above them, which reaps at once.
    private const string Script = """
        set -eu
        for folder in run:/run/libvirt lib:/var/lib/libvirt etc:/etc/libvirt log:/var/log/libvirt cache:/var/cache/libvirt; do
            mount --bind "$1/${folder%%:*}" "${folder#*:}"
        done
        virtlogd --daemon --pid-file "$1/run/virtlogd.pid"
        while read -r line; do
            libvirtd --daemon --pid-file "$1/run/libvirtd.pid" --config "$1/etc/libvirtd.conf"
        done
        """;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(180);

    private Process? _holder;

    public string Folder { get; } = Directory.CreateTempSubdirectory("hf-lv-").FullName;

    public string Uri => $"qemu+unix:///system?socket={Folder}/run/libvirt-sock";

    public string Disks => Path.Combine(Folder, "disks");

    /// <summary>Why it is not there; null when it is.</summary>
    public string? Missing { get; private set; }

    public int DaemonPid => int.Parse(File.ReadAllText(Path.Combine(Folder, "run", "libvirtd.pid")), CultureInfo.InvariantCulture);

    public async ValueTask InitializeAsync()
    {
        Missing = Environment.UserName != "root" ? "needs root"
            : new[] { "libvirtd", "virtlogd", "qemu-system-x86_64", "tini", "unshare" }.FirstOrDefault(tool => Find(tool) is null) is { } absent
                ? $"{absent} is not installed (eng/setup installs it)"
            : null;
        if (Missing is not null)
        {
            return;
        }

        Open(Folder);
        foreach (var folder in new[] { "run", "lib", "lib/qemu", "etc", "log", "cache", "disks" })
        {
            Open(Directory.CreateDirectory(Path.Combine(Folder, folder)).FullName);
        }

        foreach (var folder in new[] { "/run/libvirt", "/var/lib/libvirt", "/etc/libvirt", "/var/log/libvirt", "/var/cache/libvirt" })
        {
            Directory.CreateDirectory(folder);
        }

        await RunAsync("chown", "libvirt-qemu:", Path.Combine(Folder, "lib/qemu"));
        await File.WriteAllTextAsync(Path.Combine(Folder, "etc/libvirtd.conf"), $"auth_unix_rw = \"none\"\nlog_outputs = \"3:file:{Folder}/log/libvirtd.log\"\n");
        await File.WriteAllTextAsync(Path.Combine(Folder, "etc/qemu.conf"), "");
        _holder = Process.Start(new ProcessStartInfo("unshare", ["--mount", "--propagation", "private", "tini", "-s", "--", "bash", "-c", Script, "bash", Folder])
        {
            RedirectStandardInput = true,
        })!;
        await StartDaemonAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var pidFile in Directory.Exists(Folder + "/run") ? Directory.EnumerateFiles(Folder + "/run", "*.pid", SearchOption.AllDirectories) : [])
        {
            if (int.TryParse(await File.ReadAllTextAsync(pidFile), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                await RunAsync("kill", "-CONT", $"{pid}");
                await RunAsync("kill", "-KILL", $"{pid}");
            }
        }

        if (_holder is not null)
        {
            _holder.StandardInput.Close();
            await _holder.WaitForExitAsync().WaitAsync(Deadline);
            _holder.Dispose();
        }

        Directory.Delete(Folder, recursive: true);
    }

    public async Task StartDaemonAsync()
    {
        await _holder!.StandardInput.WriteLineAsync("start");
        await _holder.StandardInput.FlushAsync();
        await UntilAsync(async () => await RunAsync("virsh", "--quiet", "--connect", Uri, "version") == 0, "libvirtd to answer");
    }

    public async Task KillDaemonAsync()
    {
        var pid = DaemonPid;
        await RunAsync("kill", "-KILL", $"{pid}");
        await UntilAsync(() => Task.FromResult(!Directory.Exists($"/proc/{pid}")), "libvirtd to be gone");
    }

    public Task FreezeDaemonAsync() => RunAsync("kill", "-STOP", $"{DaemonPid}");

    public Task ThawDaemonAsync() => RunAsync("kill", "-CONT", $"{DaemonPid}");

    /// <summary>Runs a command where libvirtd lives: only there are its mounts seen.</summary>
    public async Task<int> InsideAsync(string command, params string[] arguments) => (await InsideOutputAsync(command, arguments)).ExitCode;

    /// <summary>The same for a command that may not fail; if it does, its own words are told.</summary>
    public async Task MustInsideAsync(string command, params string[] arguments)
    {
        var (exitCode, _, errors) = await InsideOutputAsync(command, arguments);
        exitCode.ShouldBe(0, $"{command} {string.Join(' ', arguments)}: {errors.Trim()}");
    }

    private async Task<(int ExitCode, string Output, string Errors)> InsideOutputAsync(string command, string[] arguments) => await OutputAsync(
        "nsenter", ["--mount", "--target", (await File.ReadAllTextAsync(Path.Combine(Folder, "run", "virtlogd.pid"))).Trim(), command, .. arguments]);

    /// <summary>An empty raw disk that guests may open, as a driver would make it.</summary>
    public async Task<string> MakeDiskAsync(string name, string size = "64M", string? folder = null)
    {
        var path = Path.Combine(folder ?? Disks, name);
        await MustInsideAsync("truncate", "-s", size, path);
        await MustInsideAsync("chown", "libvirt-qemu:", path);
        return path;
    }

    /// <summary>A disk that boots the test guest.</summary>
    public async Task<string> MakeBootDiskAsync(string name)
    {
        var image = await GuestImageAsync();
        var path = Path.Combine(Disks, name);
        (await RunAsync("qemu-img", "convert", "-q", "-f", "qcow2", "-O", "qcow2", image, path)).ShouldBe(0);
        (await RunAsync("chown", "libvirt-qemu:", path)).ShouldBe(0);
        return path;
    }

    public static async Task<int> RunAsync(string command, params string[] arguments) => (await OutputAsync(command, arguments)).ExitCode;

    public static async Task<(int ExitCode, string Output, string Errors)> OutputAsync(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        return (process.ExitCode, await output, await errors);
    }

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            TimeProvider.System.GetElapsedTime(begin).ShouldBeLessThan(Deadline, $"waited for {what}");
            await Task.Delay(20);
        }
    }

    private static string? Find(string tool) =>
        new[] { "/usr/sbin", "/usr/bin", "/sbin", "/bin" }.Select(folder => Path.Combine(folder, tool)).FirstOrDefault(File.Exists);

    private static void Open(string folder) => File.SetUnixFileMode(
        folder,
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

    private static async Task<string> GuestImageAsync([CallerFilePath] string here = "")
    {
        var (exitCode, output, errors) = await OutputAsync(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../eng/guest/build")));
        exitCode.ShouldBe(0, $"eng/guest/build failed: {errors}");
        return output.Trim();
    }
}
