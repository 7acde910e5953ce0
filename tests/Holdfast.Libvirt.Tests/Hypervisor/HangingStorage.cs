using Holdfast.Testing;

namespace Holdfast.Libvirt.Tests.Hypervisor;

/// <summary>A file system on a loop device that can be frozen: whoever writes to it then sleeps in the kernel and cannot be killed, as on a dead mount.</summary>
internal sealed class HangingStorage : IAsyncDisposable
{
    private readonly PrivateLibvirt _libvirt;
    private readonly string _image;
    private bool _hangs;

    private HangingStorage(PrivateLibvirt libvirt, string image, string folder)
    {
        _libvirt = libvirt;
        _image = image;
        Folder = folder;
    }

    public string Folder { get; }

    public static async Task<HangingStorage> MakeAsync(PrivateLibvirt libvirt)
    {
        var image = Path.Combine(libvirt.Folder, "hanging.img");
        var folder = Directory.CreateDirectory(Path.Combine(libvirt.Folder, "hanging")).FullName;
        (await PrivateLibvirt.RunAsync("truncate", "-s", "256M", image)).ShouldBe(0, $"truncate of {image}");
        Assert.SkipUnless(await PrivateLibvirt.RunAsync("mkfs.ext4", "-q", image) == 0, "mkfs.ext4 is not there");

        // Not by mount's own loop option: the kernel keeps a read-only mark with a loop device's number, mount takes whatever number is free and is content with it.
        var taken = await Tool.TryAsync(TimeSpan.FromSeconds(60), "losetup", "--find", "--show", image);
        Assert.SkipUnless(taken.Code == 0, "there are no loop devices here");
        var device = taken.Output.Trim();
        try
        {
            (await PrivateLibvirt.RunAsync("blockdev", "--setrw", device)).ShouldBe(0, device);
            await libvirt.MustInsideAsync("mount", device, folder);
        }
        finally
        {
            // While it is mounted this only says that the device goes with the mount.
            await PrivateLibvirt.RunAsync("losetup", "--detach", device);
        }

        await libvirt.MustInsideAsync("chmod", "755", folder);
        return new HangingStorage(libvirt, image, folder);
    }

    public async Task HangAsync()
    {
        await _libvirt.MustInsideAsync("fsfreeze", "--freeze", Folder);
        _hangs = true;
    }

    public async Task HealAsync()
    {
        if (_hangs)
        {
            await _libvirt.MustInsideAsync("fsfreeze", "--unfreeze", Folder);
            _hangs = false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await HealAsync();
        await _libvirt.Daemon.InsideAsync("umount", "--lazy", Folder);
        File.Delete(_image);
    }
}
