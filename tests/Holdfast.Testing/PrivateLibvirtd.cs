using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace Holdfast.Testing;

/// <summary>
/// A libvirtd of a test's own, with real QEMUs: it lives in its own mount namespace, in which all of libvirt's folders are its own, so it may be killed
/// and frozen without anybody else noticing, and its guests' names are nobody else's. Beneath it nothing is simulated.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class PrivateLibvirtd : IAsyncDisposable
{
    // The shell is told line by line when to start a daemon, so that all of them and all QEMUs have tini above them, which reaps at once: libvirt takes a QEMU
    // that nobody has reaped for alive. When its input ends, with the test program if need be, it ends the daemons and all guests.
    private const string Script = """
        set -eu
        for folder in run:/run/libvirt lib:/var/lib/libvirt etc:/etc/libvirt log:/var/log/libvirt cache:/var/cache/libvirt; do
            mount --bind "$1/${folder%%:*}" "${folder#*:}"
        done
        virtlogd --daemon --pid-file "$1/run/virtlogd.pid"
        while read -r line; do
            libvirtd --daemon --pid-file "$1/run/libvirtd.pid" --config "$1/etc/libvirtd.conf"
        done
        for file in "$1"/run/*.pid "$1"/run/qemu/*.pid; do
            if process=$(cat "$file" 2>/dev/null); then
                kill -CONT "$process" 2>/dev/null || :
                kill -KILL "$process" 2>/dev/null || :
            fi
        done
        """;

    private const string ProbedFolder = "/var/cache/libvirt/qemu/capabilities";

    private static readonly string[] Tools = ["libvirtd", "virtlogd", "virsh", "qemu-system-x86_64", "tini", "unshare"];
    private static readonly string[] HiddenFolders = ["/run/libvirt", "/var/lib/libvirt", "/etc/libvirt", "/var/log/libvirt", "/var/cache/libvirt"];
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(180);

    private readonly string? _shared;
    private bool _isMounted;
    private Process? _holder;

    private PrivateLibvirtd(string? shared) => _shared = shared;

    /// <summary>Where it keeps what is its own; closed to nobody, since QEMU runs as a user of its own.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("hf-lv-").FullName;

    /// <summary>What clients connect to.</summary>
    public string Uri => $"qemu+unix:///system?socket={Folder}/run/libvirt-sock";

    /// <summary>What <c>virt-admin</c> connects to.</summary>
    public string AdminUri => $"libvirtd:///system?socket={Folder}/run/libvirt-admin-sock";

    /// <summary>The daemon's process.</summary>
    public int ProcessId => ReadNumber(Path.Combine(Folder, "run", "libvirtd.pid"));

    /// <summary>Why there cannot be one on this machine; null when there can.</summary>
    /// <returns>The reason.</returns>
    public static string? Missing() =>
        Environment.UserName != "root" ? "a libvirtd of the tests' own needs root"
        : Tools.FirstOrDefault(static tool => Find(tool) is null) is { } absent ? $"{absent} is not installed (eng/setup installs it)"
        : null;

    /// <summary>Starts one.</summary>
    /// <param name="shared">A folder in which file systems will be mounted later that its guests must see; null: none.</param>
    /// <returns>The daemon, which answers.</returns>
    /// <exception cref="InvalidOperationException">There cannot be one here, or it did not start.</exception>
    public static async Task<PrivateLibvirtd> StartAsync(string? shared = null)
    {
        if (Missing() is { } missing)
        {
            throw new InvalidOperationException(missing);
        }

        var daemon = new PrivateLibvirtd(shared);
        try
        {
            await daemon.PrepareAsync();
            await daemon.StartDaemonAsync();
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the daemon again after it was killed.</summary>
    /// <returns>When it answers.</returns>
    public async Task StartDaemonAsync()
    {
        await _holder!.StandardInput.WriteLineAsync("start");
        await _holder.StandardInput.FlushAsync();
        await AnswersAsync();
    }

    /// <summary>Kills the daemon; its guests run on.</summary>
    /// <returns>When it is gone.</returns>
    public async Task KillDaemonAsync()
    {
        var process = ProcessId;
        await SignalAsync("KILL");
        await UntilAsync(() => Task.FromResult(!Directory.Exists($"/proc/{process}")), "libvirtd to be gone");
    }

    /// <summary>Kills the daemon and starts it again, as systemd does with one that was killed.</summary>
    /// <returns>When the new one answers.</returns>
    public async Task RestartDaemonAsync()
    {
        await KillDaemonAsync();
        await StartDaemonAsync();
    }

    /// <summary>Freezes the daemon: connects are taken by the kernel, nothing is answered.</summary>
    /// <returns>When it is frozen.</returns>
    public Task FreezeDaemonAsync() => SignalAsync("STOP");

    /// <summary>Lets it go on.</summary>
    /// <returns>When it answers.</returns>
    public async Task ThawDaemonAsync()
    {
        await SignalAsync("CONT");
        await AnswersAsync();
    }

    /// <summary>Runs a command where libvirtd lives: what was mounted there before is seen only there.</summary>
    /// <param name="command">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>How it ended.</returns>
    public Task<ToolResult> InsideAsync(string command, params IReadOnlyList<string> arguments) => Tool.TryAsync(
        Deadline,
        "nsenter",
        ["--mount", "--target", ReadNumber(Path.Combine(Folder, "run", "virtlogd.pid")).ToString(CultureInfo.InvariantCulture), command, .. arguments]);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_holder is not null)
        {
            _holder.StandardInput.Close();
            await _holder.WaitForExitAsync().WaitAsync(Deadline);
            _holder.Dispose();
        }

        if (_isMounted)
        {
            // The kernel may not have let go of the last process or device in it yet; nobody can get at it any more.
            await Tool.RunAsync("umount", "--lazy", _shared!);
        }

        Directory.Delete(Folder, recursive: true);
    }

    private static string? Find(string tool) =>
        new[] { "/usr/sbin", "/usr/bin", "/sbin", "/bin" }.Select(folder => Path.Combine(folder, tool)).FirstOrDefault(File.Exists);

    private static int ReadNumber(string file) => int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture);

    private static void Open(string folder) => File.SetUnixFileMode(
        folder,
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(begin) > Deadline)
            {
                throw new InvalidOperationException($"waited {Deadline.TotalSeconds:0} s in vain for {what}");
            }

            await Task.Delay(20);
        }
    }

    private async Task PrepareAsync()
    {
        Open(Folder);
        foreach (var folder in new[] { "run", "lib", "lib/qemu", "etc", "log", "cache" })
        {
            Open(Directory.CreateDirectory(Path.Combine(Folder, folder)).FullName);
        }

        foreach (var folder in HiddenFolders)
        {
            Directory.CreateDirectory(folder);
        }

        // What the machine's own libvirtd has asked of every QEMU is true here, too, and takes seconds to ask again; a libvirtd looks itself whether it still holds.
        if (Directory.Exists(ProbedFolder))
        {
            var probed = Directory.CreateDirectory(Path.Combine(Folder, "cache/qemu/capabilities")).FullName;
            foreach (var file in Directory.GetFiles(ProbedFolder, "*.xml"))
            {
                File.Copy(file, Path.Combine(probed, Path.GetFileName(file)));
            }
        }

        await Tool.RunAsync("chown", "libvirt-qemu:", Path.Combine(Folder, "lib/qemu"));
        await File.WriteAllTextAsync(Path.Combine(Folder, "etc/libvirtd.conf"), $"auth_unix_rw = \"none\"\nlog_outputs = \"3:file:{Folder}/log/libvirtd.log\"\n");
        await File.WriteAllTextAsync(Path.Combine(Folder, "etc/qemu.conf"), "");
        var propagation = "private";
        if (_shared is not null)
        {
            // A mount point of its own that hands on what is mounted below it, whatever the machine's root does.
            await Tool.RunAsync("mount", "--bind", _shared, _shared);
            _isMounted = true;
            await Tool.RunAsync("mount", "--make-shared", _shared);
            propagation = "slave";
        }

        _holder = Process.Start(new ProcessStartInfo("unshare", ["--mount", "--propagation", propagation, "tini", "-s", "--", "bash", "-c", Script, "bash", Folder])
        {
            RedirectStandardInput = true,
        })!;
    }

    private Task SignalAsync(string signal) => Tool.RunAsync("kill", "-" + signal, ProcessId.ToString(CultureInfo.InvariantCulture));

    private Task AnswersAsync() => UntilAsync(
        async () => _holder is { HasExited: true }
            ? throw new InvalidOperationException($"the shell above libvirtd ended with {_holder.ExitCode}; see {Folder}/log/libvirtd.log")
            : (await Tool.TryAsync(Deadline, "virsh", "--quiet", "--connect", Uri, "version")).Code == 0,
        "libvirtd to answer");
}
