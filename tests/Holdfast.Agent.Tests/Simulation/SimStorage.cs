using Holdfast.Agent.Bindings;
using Holdfast.Agent.Drivers;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Tests.Simulation;

internal enum BackendMood
{
    Well,
    Refuses,
    BlackHole,
    Busy,
    Credentials,
    Garbage,
    DoneButAnswerLost,
}

/// <summary>A storage backend and its driver. Outlives driver processes and agents.</summary>
internal sealed class SimStorage(PoolId pool, TimeProvider time)
{
    public PoolId Pool { get; } = pool;

    public BackendMood Mood { get; set; }

    /// <summary>The driver process answers nothing at all.</summary>
    public bool DriverHangs { get; set; }

    public bool CanClone { get; set; } = true;

    public bool CanAttachLocally { get; set; }

    public HashSet<VolumeId> LocallyThere { get; } = [];

    public Dictionary<VolumeId, VolumeInfo> Volumes { get; } = [];

    public HashSet<(VolumeId Volume, AttachMode Mode)> Attached { get; } = [];

    /// <summary>The generation that something was attached with, where it is not the first.</summary>
    public Dictionary<(VolumeId Volume, AttachMode Mode), Generation> Generations { get; } = [];

    /// <summary>Volumes that somebody on the host has open, whoever that is.</summary>
    public HashSet<VolumeId> Open { get; } = [];

    /// <summary>Volumes whose device has another path than usual.</summary>
    public Dictionary<VolumeId, string> Paths { get; } = [];

    /// <summary>What the inventory fails with.</summary>
    public DriverError? InventoryError { get; set; }

    /// <summary>The inventory is never answered.</summary>
    public bool InventoryHangs { get; set; }

    /// <summary>The inventory tells neither what for nor with which generation.</summary>
    public bool InventoryIsVague { get; set; }

    public bool CanCut { get; set; }

    /// <summary>Volumes whose I/O fails on this host.</summary>
    public HashSet<VolumeId> Cut { get; } = [];

    /// <summary>What a cut fails with.</summary>
    public DriverError? CutError { get; set; }

    /// <summary>A cut is never answered.</summary>
    public bool CutHangs { get; set; }

    /// <summary>Told just before a volume is cut off.</summary>
    public Action<VolumeId>? BeforeCut { get; set; }

    /// <summary>Told that I/O of a volume has failed, so that a process that waited for it can end.</summary>
    public Action<VolumeId>? Ended { get; set; }

    /// <summary>Volumes whose I/O does not go on, and why.</summary>
    public Dictionary<VolumeId, (string? Text, bool CanResume)> Waiting { get; } = [];

    /// <summary>What a resumption fails with.</summary>
    public DriverError? ResumeError { get; set; }

    /// <summary>How much larger devices are than what was asked for.</summary>
    public long RoundsUpBy { get; set; }

    /// <summary>Volumes whose device has another size.</summary>
    public Dictionary<VolumeId, long> DeviceSizes { get; } = [];

    /// <summary>What the satellite of this host says when it is away: the controller is well.</summary>
    public string? SatelliteAway { get; set; }

    /// <summary>What was asked to be made.</summary>
    public List<EnsureVolumeRequest> Ensured { get; } = [];

    /// <summary>How often the inventory was asked.</summary>
    public int Inventories { get; set; }

    public long DeviceSizeOf(VolumeId volume) =>
        DeviceSizes.TryGetValue(volume, out var size) ? size : RoundsUpBy + (Volumes.TryGetValue(volume, out var info) ? info.SizeBytes : 1 << 30);

    public string PathOf(VolumeId volume) => Paths.GetValueOrDefault(volume) ?? "/dev/" + volume;

    /// <summary>Refuses to clone whatever is asked, with a word that may mean anything.</summary>
    public bool RefusesClones { get; set; }

    /// <summary>Says that it can clone and refuses each clone as not supported, as LINSTOR does on storage whose kind it was not asked about.</summary>
    public bool ClonesAreUnsupported { get; set; }

    /// <summary>Volumes whose records cannot be read.</summary>
    public HashSet<VolumeId> Damaged { get; } = [];

    /// <summary>What it has that looks like ours.</summary>
    public IReadOnlyList<StrayVolume> Strays { get; set; } = [];

    /// <summary>Calls about volumes, health not counted.</summary>
    public List<string> Calls { get; } = [];

    public TimeSpan CallTakes { get; set; } = TimeSpan.FromMilliseconds(5);

    public void Add(VolumeId volume, bool isSealed = false) => Volumes[volume] = new VolumeInfo
    {
        VolumeId = volume, Generation = Generation.First, SizeBytes = 1 << 30, BackendName = $"hf-{volume}", Sealed = isSealed,
    };

    public async Task<DriverAnswer<T>> CallAsync<T>(string name, bool isMutation, Func<DriverAnswer<T>> effect, TimeSpan deadline, CancellationToken cancellationToken)
    {
        Calls.Add(name);
        if (DriverHangs)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }

        await Task.Delay(Mood == BackendMood.BlackHole ? deadline : CallTakes, time, cancellationToken);
        switch (Mood)
        {
            case BackendMood.Refuses:
                return Error<T>(DriverErrorCode.Unreachable, "Connection refused");
            case BackendMood.BlackHole:
                return Error<T>(isMutation ? DriverErrorCode.Unknown : DriverErrorCode.Unreachable, "no answer from the controller");
            case BackendMood.Busy:
                return Error<T>(DriverErrorCode.Busy, "resource is locked");
            case BackendMood.Credentials:
                return Error<T>(DriverErrorCode.Credentials, "401");
            case BackendMood.Garbage:
                return Error<T>(DriverErrorCode.Unknown, "not JSON");
            case BackendMood.DoneButAnswerLost:
                effect();
                return Error<T>(DriverErrorCode.Unknown, "connection reset");
            default:
                return effect();
        }
    }

    public DriverCapabilities Capabilities => new()
    {
        CanClone = CanClone, CanSnapshot = false, CanResize = true, IsShared = true, CanAttachLocally = CanAttachLocally, CanCut = CanCut,
    };

    public PoolCapacity? Capacity { get; set; }

    public PoolStatus Status()
    {
        var answers = Mood is BackendMood.Well or BackendMood.Busy or BackendMood.DoneButAnswerLost;
        return new PoolStatus
        {
            ControlPlane = answers && SatelliteAway is null ? PlaneHealth.Up : PlaneHealth.Down,
            DataPlane = PlaneHealth.Up,
            Error = !answers ? new DriverError { Code = DriverErrorCode.Unreachable, Text = "the controller does not answer", Backend = "Connection refused" }
                : SatelliteAway is { } away ? new DriverError { Code = DriverErrorCode.Busy, Text = away }
                : null,
            Capabilities = Capabilities,
            Capacity = Capacity,
            Waiting = [.. Waiting.Select(pair => new WaitingVolume(pair.Key, pair.Value.Text!, pair.Value.CanResume))],
            AsOf = time.GetUtcNow(),
        };
    }

    public static DriverAnswer<T> Error<T>(DriverErrorCode code, string words) =>
        new DriverAnswer<T>.Failed(new DriverError { Code = code, Text = "the backend failed", Backend = words });
}

/// <summary>A driver process in this process.</summary>
internal sealed class SimDriver(SimStorage storage, TimeProvider time, int pid) : IDriverProcess, IDriverClient
{
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Pid { get; } = pid;

    public Task<string> Ended => _ended.Task;

    public IDriverClient Client => this;

    public bool CannotBeKilled { get; set; }

    public void Crash() => _ended.TrySetResult("signal 11");

    public void CloseInput()
    {
        if (!storage.DriverHangs)
        {
            _ended.TrySetResult("exit code 0");
        }
    }

    public void Terminate() => CloseInput();

    public void Kill()
    {
        if (!CannotBeKilled)
        {
            _ended.TrySetResult("signal 9");
        }
    }

    public void Dispose()
    {
    }

    public async Task<DriverAnswer<PoolStatus>> StatusAsync(TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (storage.DriverHangs)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }

        return new DriverAnswer<PoolStatus>.Ok(storage.Status());
    }

    public Task<DriverAnswer<PoolStatus>> ProbeAsync(TimeSpan deadline, CancellationToken cancellationToken) => StatusAsync(deadline, cancellationToken);

    public Task<DriverAnswer<VolumeReply>> EnsureVolumeAsync(VolumeId volume, EnsureVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        storage.CallAsync<VolumeReply>($"ensure {volume}", true, () =>
        {
            storage.Ensured.Add(request);
            var had = storage.Volumes.TryGetValue(volume, out var info);
            if (info is not null && request.Generation < info.Generation)
            {
                return SimStorage.Error<VolumeReply>(DriverErrorCode.Invalid, "the generation is too old");
            }

            if (info is null && request.Source is VolumeSource.FromVolume && storage.ClonesAreUnsupported)
            {
                return SimStorage.Error<VolumeReply>(DriverErrorCode.Unsupported, "storage of kind FILE_THIN cannot clone; copy instead");
            }

            if (info is null && request.Source is VolumeSource.FromVolume { VolumeId: var source } && (storage.RefusesClones || !storage.Volumes.ContainsKey(source)))
            {
                return SimStorage.Error<VolumeReply>(storage.RefusesClones ? DriverErrorCode.Invalid : DriverErrorCode.NotFound, "cannot be cloned");
            }

            info ??= new VolumeInfo { VolumeId = volume, Generation = request.Generation, SizeBytes = request.SizeBytes, BackendName = $"hf-{volume}" };
            info = info with { Generation = request.Generation };
            storage.Volumes[volume] = info;
            return new DriverAnswer<VolumeReply>.Ok(new VolumeReply(had ? DriverOutcome.AlreadySo : DriverOutcome.Done, info));
        }, deadline, cancellationToken);

    public Task<DriverAnswer<VolumeReply>> GetVolumeAsync(VolumeId volume, TimeSpan deadline, CancellationToken cancellationToken) =>
        storage.CallAsync($"get {volume}", false, () => storage.Damaged.Contains(volume)
            ? SimStorage.Error<VolumeReply>(DriverErrorCode.Invalid, "its record is damaged")
            : storage.Volumes.TryGetValue(volume, out var info)
            ? new DriverAnswer<VolumeReply>.Ok(new VolumeReply(DriverOutcome.AlreadySo, info))
            : SimStorage.Error<VolumeReply>(DriverErrorCode.NotFound, "no such volume"), deadline, cancellationToken);

    public Task<DriverAnswer<VolumeList>> ListVolumesAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        storage.CallAsync<VolumeList>("list", false, () => new DriverAnswer<VolumeList>.Ok(new VolumeList([.. storage.Volumes.Values]) { Strays = storage.Strays }), deadline, cancellationToken);

    public Task<DriverAnswer<DriverAck>> DeleteVolumeAsync(VolumeId volume, Generation generation, TimeSpan deadline, CancellationToken cancellationToken) =>
        storage.CallAsync<DriverAck>($"delete {volume}", true, () =>
        {
            if (storage.Attached.Any(held => held.Volume == volume))
            {
                return SimStorage.Error<DriverAck>(DriverErrorCode.Busy, "in use");
            }

            if (storage.Volumes.TryGetValue(volume, out var present) && generation < present.Generation)
            {
                return SimStorage.Error<DriverAck>(DriverErrorCode.Invalid, "the generation is too old");
            }

            return new DriverAnswer<DriverAck>.Ok(new DriverAck(storage.Volumes.Remove(volume) ? DriverOutcome.Done : DriverOutcome.AlreadySo));
        }, deadline, cancellationToken);

    public Task<DriverAnswer<VolumeReply>> ResizeVolumeAsync(VolumeId volume, ResizeVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        storage.CallAsync<VolumeReply>($"resize {volume}", true, () =>
        {
            storage.Volumes[volume] = storage.Volumes[volume] with { SizeBytes = request.SizeBytes };
            return new DriverAnswer<VolumeReply>.Ok(new VolumeReply(DriverOutcome.Done, storage.Volumes[volume]));
        }, deadline, cancellationToken);

    public Task<DriverAnswer<VolumeReply>> SealVolumeAsync(VolumeId volume, SealVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        storage.CallAsync<VolumeReply>($"seal {volume}", true, () =>
        {
            if (storage.Attached.Contains((volume, AttachMode.Copy)))
            {
                return SimStorage.Error<VolumeReply>(DriverErrorCode.Busy, "attached for writing");
            }

            storage.Volumes[volume] = storage.Volumes[volume] with { Sealed = true };
            return new DriverAnswer<VolumeReply>.Ok(new VolumeReply(DriverOutcome.Done, storage.Volumes[volume]));
        }, deadline, cancellationToken);

    public async Task<DriverAnswer<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (storage.CanAttachLocally && storage.LocallyThere.Contains(volume) && storage.Mood != BackendMood.Well)
        {
            storage.Calls.Add($"attach-locally {volume}");
            storage.Attached.Add((volume, request.Mode));
            return new DriverAnswer<AttachmentReply>.Ok(Reply(volume) with { WithoutControlPlane = storage.Status().Error });
        }

        return await storage.CallAsync<AttachmentReply>($"attach {volume}", true, () =>
        {
            if (!storage.Volumes.ContainsKey(volume))
            {
                return SimStorage.Error<AttachmentReply>(DriverErrorCode.NotFound, "no such volume");
            }

            if (storage.Cut.Contains(volume))
            {
                return SimStorage.Error<AttachmentReply>(DriverErrorCode.Busy, "it was cut off and not released");
            }

            storage.Attached.Add((volume, request.Mode));
            storage.Generations[(volume, request.Mode)] = request.Generation;
            return new DriverAnswer<AttachmentReply>.Ok(Reply(volume));
        }, deadline, cancellationToken);
    }

    public Task<DriverAnswer<DriverAck>> ReleaseAsync(VolumeId volume, AttachMode mode, Generation generation, TimeSpan deadline, CancellationToken cancellationToken) =>
        storage.CallAsync<DriverAck>($"release {volume}", true, () =>
        {
            if (generation < Generation.First || storage.Generations.GetValueOrDefault((volume, mode)) > generation)
            {
                return SimStorage.Error<DriverAck>(DriverErrorCode.Invalid, "the generation is too old");
            }

            if (!storage.Open.Contains(volume))
            {
                storage.Cut.Remove(volume);
            }

            return storage.Open.Contains(volume)
                ? SimStorage.Error<DriverAck>(DriverErrorCode.Busy, "still open")
                : new DriverAnswer<DriverAck>.Ok(new DriverAck(storage.Attached.Remove((volume, mode)) ? DriverOutcome.Done : DriverOutcome.AlreadySo));
        }, deadline, cancellationToken);

    public async Task<DriverAnswer<DriverAck>> CutAsync(VolumeId volume, CutRequest request, TimeSpan deadline, CancellationToken cancellationToken)
    {
        storage.Calls.Add($"cut {volume}");
        if (storage.DriverHangs || storage.CutHangs)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }

        await Task.Delay(storage.CallTakes, time, cancellationToken);
        if (storage.CutError is { } error)
        {
            return new DriverAnswer<DriverAck>.Failed(error);
        }

        storage.BeforeCut?.Invoke(volume);
        storage.Cut.Add(volume);
        storage.Waiting.Remove(volume);
        storage.Ended?.Invoke(volume);
        return new DriverAnswer<DriverAck>.Ok(new DriverAck(DriverOutcome.Done));
    }

    public async Task<DriverAnswer<DriverAck>> ResumeAsync(VolumeId volume, ResumeRequest request, TimeSpan deadline, CancellationToken cancellationToken)
    {
        storage.Calls.Add($"resume {volume}");
        await Task.Delay(storage.CallTakes, time, cancellationToken);
        if (storage.ResumeError is { } error)
        {
            return new DriverAnswer<DriverAck>.Failed(error);
        }

        var waited = storage.Waiting.Remove(volume);
        return new DriverAnswer<DriverAck>.Ok(new DriverAck(waited ? DriverOutcome.Done : DriverOutcome.AlreadySo));
    }

    public async Task<DriverAnswer<AttachmentList>> AttachmentsAsync(TimeSpan deadline, CancellationToken cancellationToken)
    {
        storage.Inventories++;
        if (storage.DriverHangs || storage.InventoryHangs)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }

        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellationToken);
        return storage.InventoryError is { } error
            ? new DriverAnswer<AttachmentList>.Failed(error)
            : new DriverAnswer<AttachmentList>.Ok(new AttachmentList(
            [
                .. storage.Attached.Select(held => new AttachmentInfo(
                    held.Volume, $"hf-{held.Volume}", storage.PathOf(held.Volume), storage.Open.Contains(held.Volume),
                    storage.InventoryIsVague ? null : held.Mode,
                    storage.InventoryIsVague ? null : storage.Generations.GetValueOrDefault(held, Generation.First),
                    storage.Waiting.GetValueOrDefault(held.Volume).Text,
                    storage.Waiting.GetValueOrDefault(held.Volume).CanResume)),
            ]));
    }

    private AttachmentReply Reply(VolumeId volume) => new()
    {
        Outcome = DriverOutcome.Done, Source = new DiskSource.Block(storage.PathOf(volume)), SizeBytes = storage.DeviceSizeOf(volume), BackendName = $"hf-{volume}",
    };
}

/// <summary>Starts simulated drivers.</summary>
internal sealed class SimLauncher(TimeProvider time) : IDriverLauncher
{
    private int _pids = 100;

    public Dictionary<PoolId, SimStorage> Storages { get; } = [];

    public HashSet<string> Executables { get; } = ["directory", "linstor"];

    public Dictionary<PoolId, SimDriver> Running { get; } = [];

    public HashSet<PoolId> FoldersThere { get; } = [];

    /// <summary>What all executables are, now.</summary>
    public DriverBuild Build { get; set; } = new("first");

    /// <summary>Builds that end at once.</summary>
    public HashSet<DriverBuild> Broken { get; } = [];

    /// <summary>The build that was started last, by pool.</summary>
    public Dictionary<PoolId, DriverBuild> Launched { get; } = [];

    /// <summary>The builds that were tried out, in order.</summary>
    public List<DriverBuild> TriedOut { get; } = [];

    /// <summary>The last driver that was tried out.</summary>
    public SimDriver? Trial { get; private set; }

    /// <summary>Whether a driver that is tried out sleeps in the kernel.</summary>
    public bool TrialCannotBeKilled { get; set; }

    private readonly Dictionary<PoolId, DriverBuild> _proven = [];

    public DriverInstallation Installation(string driver) => new($"/drivers/holdfast-driver-{driver}", Executables.Contains(driver) ? Build : null);

    public DriverBuild? Proven(PoolId pool) => _proven.TryGetValue(pool, out var proven) ? proven : null;

    public string? Prove(PoolId pool)
    {
        _proven[pool] = Launched[pool];
        return null;
    }

    public Task<LaunchOutcome> TryOutAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken)
    {
        TriedOut.Add(build);
        if (Broken.Contains(build))
        {
            return Task.FromResult<LaunchOutcome>(new LaunchOutcome.Failed("it ended at once: exit code 134", null));
        }

        var aside = new SimStorage(spec.PoolId, time) { DriverHangs = TrialCannotBeKilled };
        Trial = new SimDriver(aside, time, ++_pids) { CannotBeKilled = TrialCannotBeKilled };
        return Task.FromResult<LaunchOutcome>(new LaunchOutcome.Ready(Trial, Info(spec, Trial, aside, build)));
    }

    public int Launches { get; private set; }

    public TimeSpan StartTakes { get; set; } = TimeSpan.FromMilliseconds(200);

    public DriverError? Refuse { get; set; }

    public IReadOnlyList<string> Installed() => [.. Executables];

    public IReadOnlyList<PoolId> Folders() => [.. FoldersThere];

    /// <summary>What the next launch ends with; no exception that a launcher may throw.</summary>
    public Exception? Bug { get; set; }

    public async Task<LaunchOutcome> LaunchAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken)
    {
        Launched[spec.PoolId] = build;
        FoldersThere.Add(spec.PoolId);
        if (Bug is { } bug)
        {
            Bug = null;
            throw bug;
        }

        try
        {
            await Task.Delay(StartTakes, time, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new LaunchOutcome.Failed("it is not wanted any more", null);
        }

        if (Refuse is { } error)
        {
            return new LaunchOutcome.Refused(error);
        }

        if (Broken.Contains(build))
        {
            return new LaunchOutcome.Failed("it ended at once: exit code 134", null);
        }

        Launches++;
        Storages[spec.PoolId].DriverHangs = false;
        var storage = Storages[spec.PoolId];
        var driver = new SimDriver(storage, time, ++_pids);
        Running[spec.PoolId] = driver;
        return new LaunchOutcome.Ready(driver, Info(spec, driver, storage, build));
    }

    private static DriverInfo Info(BindingSpec spec, SimDriver driver, SimStorage storage, DriverBuild build) => new()
    {
        Driver = spec.Driver, Version = build.Value, Protocol = 1, Pid = driver.Pid, PoolId = spec.PoolId,
        Capabilities = storage.Capabilities,
    };

    public Task<ReapOutcome> ReapAsync(PoolId pool, TimeSpan bound)
    {
        if (Running.TryGetValue(pool, out var left) && !left.Ended.IsCompleted)
        {
            left.Kill();
            return Task.FromResult<ReapOutcome>(new ReapOutcome.Gone(left.Pid));
        }

        return Task.FromResult<ReapOutcome>(new ReapOutcome.Gone(null));
    }

    public string? RemoveFolders(PoolId pool)
    {
        FoldersThere.Remove(pool);
        return null;
    }
}
