using System.Runtime.CompilerServices;
using Holdfast.Testing;

namespace Holdfast.Libvirt.Tests.Hypervisor;

/// <summary>A libvirtd for a class of tests, and disks for its guests.</summary>
public sealed class PrivateLibvirt : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(180);

    private PrivateLibvirtd? _daemon;

    /// <summary>Why it is not there; null when it is.</summary>
    public string? Missing { get; private set; }

    public PrivateLibvirtd Daemon => _daemon ?? throw new InvalidOperationException(Missing);

    public string Folder => Daemon.Folder;

    public string Uri => Daemon.Uri;

    public string Disks => Path.Combine(Folder, "disks");

    public async ValueTask InitializeAsync()
    {
        Missing = PrivateLibvirtd.Missing();
        if (Missing is null)
        {
            _daemon = await PrivateLibvirtd.StartAsync();
            Directory.CreateDirectory(Disks);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }
    }

    /// <summary>Runs a command where libvirtd lives: only there are its mounts seen. It may not fail; if it does, its own words are told.</summary>
    public async Task MustInsideAsync(string command, params string[] arguments)
    {
        var ended = await Daemon.InsideAsync(command, arguments);
        ended.Code.ShouldBe(0, $"{command} {string.Join(' ', arguments)}: {ended.Error.Trim()}");
    }

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
        await Tool.RunAsync("qemu-img", "convert", "-q", "-f", "qcow2", "-O", "qcow2", image, path);
        await Tool.RunAsync("chown", "libvirt-qemu:", path);
        return path;
    }

    public static async Task<int> RunAsync(string command, params string[] arguments) => (await Tool.TryAsync(Deadline, command, arguments)).Code;

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            TimeProvider.System.GetElapsedTime(begin).ShouldBeLessThan(Deadline, $"waited for {what}");
            await Task.Delay(20);
        }
    }

    private static async Task<string> GuestImageAsync([CallerFilePath] string here = "")
    {
        var built = await Tool.TryAsync(TimeSpan.FromMinutes(5), Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../eng/guest/build")));
        built.Code.ShouldBe(0, $"eng/guest/build failed: {built.Error}");
        return built.Output.Trim();
    }
}
