using Holdfast.Testing;

namespace Holdfast.Staging;

/// <summary>
/// A small disk under a folder that can be filled to the last byte. What the folder holds is taken along, there and back; whoever uses the folder must
/// not be running when the disk is put under it and taken away.
/// </summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    // An agent's folder has copies of its drivers' programs, too.
    private const int Megabytes = 256;

    private readonly string _folder;
    private readonly string _kept;

    private SmallDisk(string folder) => (_folder, _kept) = (folder, folder + ".kept");

    private string Filler => Path.Combine(_folder, "filler");

    /// <summary>Puts one under a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The disk.</returns>
    public static async Task<SmallDisk> UnderAsync(string folder)
    {
        var disk = new SmallDisk(folder);
        Directory.Move(folder, disk._kept);
        Directory.CreateDirectory(folder);
        await Tool.RunAsync("mount", "-t", "tmpfs", "-o", $"size={Megabytes}m,mode=700", "tmpfs", folder);
        await Tool.RunAsync("cp", "--archive", disk._kept + "/.", folder);
        return disk;
    }

    /// <summary>Fills it.</summary>
    /// <exception cref="PromiseBrokenException">It takes more than it has.</exception>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[4096];
        try
        {
            for (var written = 0; written <= Megabytes << 20; written += block.Length)
            {
                file.Write(block);
            }
        }
        catch (IOException full) when (full.Message.Contains("No space left", StringComparison.Ordinal))
        {
            return;
        }

        throw new PromiseBrokenException($"a disk of {Megabytes} MB under {_folder} took more than that");
    }

    /// <summary>Makes room again.</summary>
    public void Free() => File.Delete(Filler);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Free();
        await Tool.RunAsync("cp", "--archive", "--remove-destination", _folder + "/.", _kept);
        await Tool.RunAsync("umount", _folder);
        Directory.Delete(_folder);
        Directory.Move(_kept, _folder);
    }
}
