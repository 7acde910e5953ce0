using System.Text;
using Holdfast.Core.Ids;
using Holdfast.DriverKit.Conformance.Driving;
using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit.Conformance;

/// <summary>One case's driver, on a pool of its own.</summary>
public sealed class ConformanceRun : IAsyncDisposable
{
    /// <summary>Newer than any generation that a case names.</summary>
    private const long LastGeneration = 1_000_000;

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(100);
    private readonly string _folder;
    private readonly List<DriverProcess> _processes = [];
    private readonly List<DriverClient> _clients = [];
    private readonly MadeObjects _made = new();
    private DriverProcess? _process;
    private DriverClient? _client;
    private bool _hasReached;

    private ConformanceRun(ConformanceTarget target, string folder, DriverStartup startup, CancellationToken cancellationToken)
    {
        Target = target;
        _folder = folder;
        Startup = startup;
        CancellationToken = cancellationToken;
    }

    /// <summary>The driver to judge.</summary>
    public ConformanceTarget Target { get; }

    /// <summary>What the driver is told.</summary>
    public DriverStartup Startup { get; }

    /// <summary>Ends when the case has taken too long.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The driver's process.</summary>
    public DriverProcess Process => _process ?? throw new InvalidOperationException("The case has not started the driver.");

    /// <summary>Speaks to the driver.</summary>
    public DriverClient Client => _client ?? throw new InvalidOperationException("The case has not started the driver.");

    /// <summary>Who the driver said it is.</summary>
    public DriverInfo Info { get; private set; } = null!;

    /// <summary>A size that is cheap for the backend.</summary>
    public long Size => Target.Size;

    public static async Task<ConformanceRun> OpenAsync(ConformanceTarget target, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("hf-conf-").FullName;
        var pool = PoolId.From(Guid.CreateVersion7());
        var state = Directory.CreateDirectory(Path.Combine(folder, "state"));
        var startup = new DriverStartup
        {
            Protocol = DriverPaths.ProtocolVersion,
            PoolId = pool,
            PoolName = "conformance",
            Generation = Generation.First,
            Socket = Path.Combine(state.FullName, "driver.sock"),
            StateFolder = Path.Combine(state.FullName, "state"),
            NodeName = target.NodeName,
            GuestUser = target.GuestUser,
            Config = await target.NewPoolAsync(pool, folder),
            HostConfig = target.HostConfig,
            Secrets = target.Secrets,
        };
        return new ConformanceRun(target, folder, startup, cancellationToken);
    }

    /// <summary>A new volume's id.</summary>
    public static VolumeId NewVolume() => VolumeId.From(Guid.CreateVersion7());

    /// <summary>A new snapshot's id.</summary>
    public static SnapshotId NewSnapshot() => SnapshotId.From(Guid.CreateVersion7());

    /// <summary>Starts the driver, which must not refuse.</summary>
    public async Task StartAsync()
    {
        var (process, ready) = await DriverProcess.StartAsync(Target.Executable, Startup, CancellationToken);
        Keep(process);
        Must(ready is { Ready: true, Info: not null }, $"the driver refuses to start: {ready.Error?.Text}");
        Info = ready.Info!;
        _hasReached = false;
        _process = process;
        _client = new DriverClient(Startup.Socket, Target.Deadline, _made);
        _clients.Add(_client);
    }

    /// <summary>Kills the driver without warning and starts it afresh.</summary>
    public async Task CrashAsync()
    {
        await Process.KillAsync();
        await StartAsync();
    }

    /// <summary>
    /// Removes what the case has made: releases, deletes snapshots, deletes volumes, again and again while that gets on, because one may keep the other. By a driver
    /// that is started afresh, whatever the case has done to the last one.
    /// </summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What is left, and why; empty when nothing is.</returns>
    public async Task<IReadOnlyList<string>> CleanUpAsync(CancellationToken cancellationToken)
    {
        if (_made.Volumes.Count == 0)
        {
            return [];
        }

        try
        {
            foreach (var process in _processes.Where(static process => !process.HasExited))
            {
                await process.KillAsync();
            }

            var (started, ready) = await DriverProcess.StartAsync(Target.Executable, Startup, cancellationToken);
            Keep(started);
            if (!ready.Ready)
            {
                return [.. _made.Volumes.Select(volume => $"volume {volume}: the driver refuses to start: {ready.Error?.Text}")];
            }

            using var client = new DriverClient(Startup.Socket, Target.Deadline, _made);
            for (var before = int.MaxValue; ;)
            {
                var left = await RemoveAsync(client, cancellationToken);
                if (left.Count == 0 || left.Count >= before)
                {
                    return left;
                }

                before = left.Count;
            }
        }
        catch (Exception failure) when (failure is ConformanceException or HttpRequestException or OperationCanceledException)
        {
            return [.. _made.Volumes.Select(volume => $"volume {volume}: whether it is removed is not known: {failure.Message}")];
        }
    }

    private async Task<IReadOnlyList<string>> RemoveAsync(DriverClient client, CancellationToken cancellationToken)
    {
        List<string> left = [];
        foreach (var one in (await client.AttachmentsAsync()).Value?.Attachments ?? [])
        {
            if (one is { Mode: { } mode, Generation: { } generation })
            {
                Note($"attachment of volume {one.VolumeId}", (await client.ReleaseAsync(one.VolumeId, generation.Value, mode)).Error);
            }
        }

        foreach (var (volume, snapshot) in _made.Snapshots)
        {
            Note($"snapshot {snapshot} of volume {volume}", (await client.DeleteSnapshotAsync(volume, snapshot)).Error);
        }

        foreach (var volume in (await client.VolumesAsync()).Value?.Volumes.Select(static one => one.VolumeId).Union(_made.Volumes) ?? _made.Volumes)
        {
            Note($"volume {volume}", (await client.DeleteAsync(volume, LastGeneration)).Error);
        }

        return left;

        void Note(string what, DriverError? error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (error is not null and not { Code: DriverErrorCode.NotFound })
            {
                left.Add($"{what}: {error.Code}: {error.Text} {error.Backend}".TrimEnd());
            }
        }
    }

    /// <summary>Has an output looked through for secrets at the end of the case.</summary>
    public void Keep(DriverProcess process) => _processes.Add(process);

    /// <summary>Makes a volume of the target's size, generation 1, once the driver has reached its backend: what a first connection costs a machine under load is no case's matter.</summary>
    public async Task<VolumeId> VolumeAsync(long? size = null)
    {
        await ReachedAsync();
        var volume = NewVolume();
        (await Client.EnsureAsync(volume, 1, size ?? Size)).Ok();
        return volume;
    }

    /// <summary>Waits until the driver says that it has reached its backend.</summary>
    public async Task ReachedAsync()
    {
        while (!_hasReached && (await Client.ProbeAsync()).Ok().ControlPlane != PlaneHealth.Up)
        {
            await Task.Delay(AskAgainAfter, CancellationToken);
        }

        _hasReached = true;
    }

    /// <summary>Makes a sealed volume, generation 1, filled at its start with a byte where content can be written.</summary>
    public async Task<VolumeId> TemplateAsync(byte pattern)
    {
        var volume = await VolumeAsync();
        if (Target.HasContent)
        {
            await FillAsync(volume, pattern);
        }

        (await Client.SealAsync(volume, 1)).Ok();
        return volume;
    }

    /// <summary>Writes to a volume of a generation through a copy attachment.</summary>
    public async Task FillAsync(VolumeId volume, byte pattern, long generation = 1, long offset = 0)
    {
        var attachment = (await Client.AttachAsync(volume, generation, AttachMode.Copy)).Ok();
        await DiskContent.WriteAsync(attachment.Source, pattern, offset);
        (await Client.ReleaseAsync(volume, generation, AttachMode.Copy)).Ok();
    }

    /// <summary>Reads a volume of a generation through a copy attachment.</summary>
    public async Task ExpectAsync(VolumeId volume, byte pattern, long generation = 1, long offset = 0)
    {
        var attachment = (await Client.AttachAsync(volume, generation, AttachMode.Copy, readOnly: true)).Ok();
        await DiskContent.ExpectAsync(attachment.Source, pattern, offset);
        (await Client.ReleaseAsync(volume, generation, AttachMode.Copy)).Ok();
    }

    /// <summary>As <see cref="FillAsync"/>, where content can be looked at; else nothing.</summary>
    public Task FillWhereSeenAsync(VolumeId volume, byte pattern, long generation = 1) => Target.HasContent ? FillAsync(volume, pattern, generation) : Task.CompletedTask;

    /// <summary>As <see cref="ExpectAsync"/>, where content can be looked at; else nothing.</summary>
    public Task ExpectWhereSeenAsync(VolumeId volume, byte pattern, long generation = 1) => Target.HasContent ? ExpectAsync(volume, pattern, generation) : Task.CompletedTask;

    /// <summary>Fails the case unless something is right.</summary>
    public static void Must(bool right, string text)
    {
        if (!right)
        {
            throw new ConformanceException(text);
        }
    }

    /// <summary>Skips the case unless it applies.</summary>
    public static void Needs(bool applies, string reason)
    {
        if (!applies)
        {
            throw new SkipException(reason);
        }
    }

    /// <summary>Looks for secrets in everything the driver has let out.</summary>
    public void ExpectNoSecrets()
    {
        foreach (var (name, secret) in Startup.Secrets)
        {
            foreach (var text in _processes.SelectMany(static process => process.Log.Concat(process.Output)).Concat(_clients.SelectMany(static client => client.Bodies)))
            {
                Must(!text.Contains(secret.Reveal(), StringComparison.Ordinal), $"secret '{name}' was let out: {text.Replace(secret.Reveal(), "<HERE>", StringComparison.Ordinal)}");
            }

            foreach (var process in _processes.Where(static process => !process.HasExited))
            {
                foreach (var file in new[] { "cmdline", "environ" })
                {
                    Must(
                        !ReadAll($"/proc/{process.Pid}/{file}").Contains(secret.Reveal(), StringComparison.Ordinal),
                        $"secret '{name}' is in /proc/PID/{file} of the driver");
                }
            }

            foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(Startup.StateFolder)!, "*", SearchOption.AllDirectories))
            {
                Must(!ReadAll(file).Contains(secret.Reveal(), StringComparison.Ordinal), $"secret '{name}' is in '{file}'");
            }
        }
    }

    /// <summary>The last lines of the driver's log, for a failed case.</summary>
    public string LogTail() => string.Join('\n', _processes.SelectMany(static process => process.Log).TakeLast(15));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            client.Dispose();
        }

        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string ReadAll(string path)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(path));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }
}
