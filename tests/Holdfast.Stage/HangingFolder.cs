using System.Globalization;
using System.Text.Json;
using Holdfast.Cli.CloudStack;
using Holdfast.Testing;

namespace Holdfast.Staging;

/// <summary>
/// A directory pool on a file system of its own that can be frozen: whoever writes to it then sleeps in the kernel and cannot be killed, as on a dead mount. It can be
/// filled to the last block, too.
/// </summary>
internal sealed class HangingFolder : IAsyncDisposable
{
    private readonly Stage _stage;
    private readonly string _folder;
    private readonly string _image;
    private bool _hangs;

    private HangingFolder(Stage stage, string name)
    {
        _stage = stage;
        Name = name;
        _folder = Path.Combine(stage.Stack.Options.Data, name);
        _image = _folder + ".img";
    }

    /// <summary>The pool's name; the service offering whose VMs go there has the same.</summary>
    public string Name { get; }

    /// <summary>The pool's id.</summary>
    public string Id { get; private set; } = "";

    /// <summary>Makes the file system and a pool of it.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="name">The pool's name.</param>
    /// <param name="mebibytes">The size of the file system; it takes no more of this machine's disk than is written to it.</param>
    /// <returns>The pool, attached on this host.</returns>
    public static async Task<HangingFolder> CreateAsync(Stage stage, string name, int mebibytes = 512)
    {
        var pool = new HangingFolder(stage, name);
        Directory.CreateDirectory(pool._folder);
        await Tool.RunAsync("truncate", string.Create(CultureInfo.InvariantCulture, $"--size={mebibytes}M"), pool._image);
        await Tool.RunAsync("mkfs.ext4", "-q", pool._image);
        await pool.MountAsync();
        try
        {
            await Tool.RunAsync("chmod", "755", pool._folder);
            var cluster = (await stage.Api.ListAsync("listClusters", "cluster", CancellationToken.None))[0];
            var host = (await stage.Api.ListAsync("listHosts", "host", CancellationToken.None, ("type", "Routing")))[0];
            var made = await stage.Api.AskAsync(
                "createStoragePool",
                CancellationToken.None,
                ("name", name),
                ("zoneid", cluster.Text("zoneid")),
                ("podid", cluster.Text("podid")),
                ("clusterid", cluster.Text("id")),
                ("hostid", host.Text("id")),
                ("scope", "HOST"),
                ("provider", "DefaultPrimary"),
                ("url", $"file://{pool._folder}"),
                ("tags", name));
            pool.Id = made.GetProperty("storagepool").Text("id");
            await stage.Api.AskAsync(
                "createServiceOffering",
                CancellationToken.None,
                ("name", name),
                ("displaytext", $"1 CPU, 128 MiB, disks on {name}"),
                ("cpunumber", "1"),
                ("cpuspeed", "1000"),
                ("memory", "128"),
                ("tags", name));
            await pool.AttachedAsync();
            return pool;
        }
        catch
        {
            await pool.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes all room that is left, without writing to it.</summary>
    /// <returns>When there is none.</returns>
    public async Task FillAsync()
    {
        long taken = 0;
        for (var bytes = 1L << 30; bytes >= 4096;)
        {
            var (offset, length) = (taken.ToString(CultureInfo.InvariantCulture), bytes.ToString(CultureInfo.InvariantCulture));
            if ((await Tool.TryAsync(TimeSpan.FromSeconds(20), "fallocate", "--offset", offset, "--length", length, Filler)).Code == 0)
            {
                taken += bytes;
            }
            else
            {
                bytes /= 2;
            }
        }
    }

    /// <summary>Makes room again.</summary>
    public void Free() => File.Delete(Filler);

    private string Filler => Path.Combine(_folder, "filler");

    /// <summary>Freezes it.</summary>
    /// <returns>When it hangs.</returns>
    public async Task HangAsync()
    {
        await Tool.RunAsync("fsfreeze", "--freeze", _folder);
        _hangs = true;
    }

    /// <summary>Thaws it; who slept goes on, or dies when it was killed meanwhile.</summary>
    /// <returns>When it works again.</returns>
    public async Task HealAsync()
    {
        if (_hangs)
        {
            // It fails on one that somebody else has thawed meanwhile, which is as well.
            await Tool.TryAsync(TimeSpan.FromSeconds(60), "fsfreeze", "--unfreeze", _folder);
            _hangs = false;
        }
    }

    /// <summary>Takes note that somebody else has thawed it.</summary>
    public void Thawed() => _hangs = false;

    /// <summary>Waits until this host's driver of the pool is attached.</summary>
    /// <returns>How long it took.</returns>
    public Task<TimeSpan> AttachedAsync() => Wait.UntilAsync(
        $"the driver of {Name} to be attached", TimeSpan.FromSeconds(180), async () => (await BindingAsync())?.Text("observed") == "Attached");

    /// <summary>The binding of this host, as the API shows it; null when there is none.</summary>
    /// <returns>The object.</returns>
    public async Task<JsonElement?> BindingAsync()
    {
        foreach (var binding in await _stage.Api.ListAsync("listStoragePoolBindings", "storagepoolbinding", CancellationToken.None))
        {
            if (binding.GetRawText().Contains(Id, StringComparison.Ordinal))
            {
                return binding;
            }
        }

        return null;
    }

    /// <summary>The process id of its driver, as the API shows it.</summary>
    /// <returns>The process id.</returns>
    public async Task<int> DriverAsync() => int.Parse((await BindingAsync())!.Value.Text("driverpid"), CultureInfo.InvariantCulture);

    /// <summary>Whether a thread of a process sleeps in the kernel where no signal reaches it.</summary>
    /// <param name="process">The process.</param>
    /// <returns>Whether one does.</returns>
    public static bool IsAsleep(int process)
    {
        try
        {
            return Directory.EnumerateDirectories($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/task")
                .Select(static task => File.ReadAllText(Path.Combine(task, "stat")))
                .Any(static stat => stat[(stat.LastIndexOf(')') + 2)..].StartsWith('D'));
        }
        catch (IOException)
        {
            // A thread, or all of it, has ended between the listing and the look.
            return false;
        }
    }

    /// <summary>Puts the pool in maintenance, deletes it, and waits until no host has it.</summary>
    /// <returns>When it is gone everywhere.</returns>
    public async Task RemoveAsync()
    {
        await _stage.Api.DoAsync("enableStorageMaintenance", TimeSpan.FromSeconds(180), CancellationToken.None, ("id", Id));
        await _stage.Api.DoAsync("deleteStoragePool", TimeSpan.FromSeconds(180), CancellationToken.None, ("id", Id), ("forced", "true"));
        await Wait.UntilAsync($"every host to confirm that the driver of {Name} is gone", TimeSpan.FromSeconds(120), async () => await BindingAsync() is null);
    }

    // Not by mount's own loop option: the kernel keeps a read-only mark with a loop device's number, and mount takes whatever number is free.
    private async Task MountAsync()
    {
        var device = (await Tool.RunAsync("losetup", "--find", "--show", _image)).Trim();
        try
        {
            await Tool.RunAsync("blockdev", "--setrw", device);
            await Tool.RunAsync("mount", device, _folder);
        }
        finally
        {
            // While it is mounted this only says that the device goes with the mount.
            await Tool.RunAsync("losetup", "--detach", device);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await HealAsync();

        // Lazily: whatever of a failed test still has it open must not keep the rest from being cleared.
        await Tool.RunAsync("umount", "--lazy", _folder);
        File.Delete(_image);
    }
}
