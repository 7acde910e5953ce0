using Holdfast.Agent.Drivers;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.Storage;

/// <summary>
/// A storage system. It outlives drivers, agents and hosts, and what has reached it happens whether or not anybody still waits for the answer.
/// </summary>
internal sealed class SimBackend(Simulator simulator, Recorder recorder, string name)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);
    private readonly Dictionary<VolumeId, VolumeInfo> _volumes = [];

    // The mark that a driver leaves on what it makes: another pool on the same storage does not take it for its own.
    private readonly Dictionary<VolumeId, PoolId> _owners = [];
    private readonly Dictionary<(string Host, VolumeId Volume), SortedDictionary<AttachMode, Generation>> _attached = [];
    private readonly Dictionary<string, SortedDictionary<int, VolumeId>> _minors = [];
    private readonly Dictionary<(string Host, VolumeId Volume), Suspension> _suspended = [];
    private readonly HashSet<(string Host, VolumeId Volume)> _cut = [];

    // The number of the last write that each volume holds.
    private readonly Dictionary<VolumeId, long> _content = [];
    private long _writes;

    // Where a volume was made: that host has its data, and its device whatever the satellite does.
    private readonly Dictionary<VolumeId, string> _madeOn = [];
    private readonly HashSet<string> _satellitesAway = [];

    public string Name { get; } = name;

    /// <summary>The pool that it serves, once the API has made one.</summary>
    public PoolId Pool { get; set; }

    public BackendMood Mood { get; private set; }

    /// <summary>Whether its driver can cut I/O off.</summary>
    public bool CanCut { get; init; } = true;

    public CutMood Cuts { get; set; }

    /// <summary>Told when the device of a volume on a host begins or ends to let I/O go on, or to fail it.</summary>
    public event Action<string>? DeviceChanged;

    /// <summary>Whether a volume may be attached without the control plane where its device is.</summary>
    public bool CanAttachLocally { get; init; }

    /// <summary>What it says it is, whatever name leads to it; null: it does not say.</summary>
    public string? Identity { get; set; } = $"sim/{name}";

    /// <summary>Why each volume can be used on one host only; null: several can.</summary>
    public string? NotShared { get; set; }

    /// <summary>Hosts that only reach data that is elsewhere.</summary>
    public HashSet<string> WithoutData { get; } = [];

    public long TotalBytes { get; set; } = 10L << 40;

    /// <summary>Requests that came from drivers since it was last asked.</summary>
    public long Requests { get; private set; }

    public IReadOnlyDictionary<VolumeId, VolumeInfo> Volumes => _volumes;

    public IEnumerable<(string Host, VolumeId Volume, AttachMode Mode, Generation Generation)> Attached =>
        _attached.SelectMany(pair => pair.Value.Select(mode => (pair.Key.Host, pair.Key.Volume, mode.Key, mode.Value)));

    /// <summary>What looks like ours and is not proven to be.</summary>
    public IReadOnlyList<StrayVolume> Strays { get; set; } = [];

    /// <summary>Whose volume it is.</summary>
    public bool IsOf(PoolId pool, VolumeId volume) => _owners.GetValueOrDefault(volume) == pool;

    public void Become(BackendMood mood)
    {
        if (mood != Mood)
        {
            recorder.Add(new HistoryEntry.Fault($"storage {Name}: {(mood == BackendMood.Well ? Mood : mood)}", mood != BackendMood.Well));
            Mood = mood;
        }
    }

    /// <summary>The part of the storage system that works on a host goes away, or is back; the controller is well.</summary>
    public void SetSatellite(string host, bool isAway)
    {
        if (isAway ? _satellitesAway.Add(host) : _satellitesAway.Remove(host))
        {
            recorder.Add(new HistoryEntry.Fault($"storage {Name}: satellite of {host} away", isAway));
        }
    }

    public void EndFaults()
    {
        Cuts = CutMood.Works;
        foreach (var (host, volume, why) in Suspended.ToList())
        {
            // What a request held back, only a request lets go on.
            if (!why.CanResume)
            {
                Resume(host, volume);
            }
        }

        Become(BackendMood.Well);
        TotalBytes = 10L << 40;
        foreach (var host in _satellitesAway.ToList())
        {
            SetSatellite(host, isAway: false);
        }
    }

    public DriverCapabilities CapabilitiesOn(string host) => new()
    {
        CanClone = true,
        CanSnapshot = false,
        CanResize = true,
        IsShared = NotShared is null,
        NotSharedReason = NotShared,
        CanAttachLocally = CanAttachLocally,
        HoldsData = !WithoutData.Contains(host),
        CanCut = CanCut,
    };

    /// <summary>A host was installed anew or lost power: nothing is attached there any more.</summary>
    public void Forget(string host)
    {
        foreach (var (key, modes) in _attached.Where(pair => pair.Key.Host == host).ToList())
        {
            foreach (var (mode, generation) in modes.ToList())
            {
                Release(host, key.Volume, mode, generation);
            }
        }
    }

    /// <summary>What it knows, to be restored one day: a backup of its database.</summary>
    public IReadOnlyList<VolumeInfo> Backup() => [.. _volumes.Values];

    /// <summary>
    /// Its database is another: a volume that is not in it is not known any more, one that was deleted since is there again. What hosts have attached they have
    /// all the same: that is in their kernels.
    /// </summary>
    public void Restore(IReadOnlyList<VolumeInfo> backup)
    {
        recorder.Add(new HistoryEntry.Fault($"storage {Name}: its database is an older one", true));
        var known = backup.ToDictionary(volume => volume.VolumeId);
        foreach (var volume in _volumes.Keys.Where(id => !known.ContainsKey(id)).ToList())
        {
            Lose(volume);
        }

        foreach (var volume in known.Values.Where(volume => !_volumes.ContainsKey(volume.VolumeId)))
        {
            Return(volume);
        }

        recorder.Add(new HistoryEntry.Fault($"storage {Name}: its database is an older one", false));
    }

    /// <summary>It forgets a volume that it had confirmed.</summary>
    /// <returns>What it was.</returns>
    public VolumeInfo Lose(VolumeId volume)
    {
        _volumes.Remove(volume, out var lost);
        recorder.Add(new HistoryEntry.VolumeLost(_owners[volume], volume));
        return lost!;
    }

    /// <summary>A volume is there that was not: one that it had lost, or one that nobody on record made.</summary>
    public void Return(VolumeInfo volume)
    {
        _volumes[volume.VolumeId] = volume;
        _owners.TryAdd(volume.VolumeId, Pool);

        // A stranger's data is on no host whose satellite could be away.
        _madeOn.TryAdd(volume.VolumeId, string.Empty);
        recorder.Add(new HistoryEntry.VolumeReturned(_owners[volume.VolumeId], volume.VolumeId));
    }

    /// <summary>The path of a volume's device on a host while it is attached there.</summary>
    public string? PathOn(string host, VolumeId volume) =>
        _attached.ContainsKey((host, volume)) && _minors.TryGetValue(host, out var minors) && minors.FirstOrDefault(pair => pair.Value == volume) is { Key: > 0 } found ? Path(found.Key) : null;

    public PoolStatus StatusOn(string host)
    {
        var isUp = Effective() is BackendMood.Well or BackendMood.Crawls or BackendMood.Lies or BackendMood.LosesAnswers or BackendMood.Full;
        var isAway = _satellitesAway.Contains(host);
        return new PoolStatus
        {
            ControlPlane = isUp && !isAway ? PlaneHealth.Up : PlaneHealth.Down,
            DataPlane = PlaneHealth.Up,
            Capabilities = CapabilitiesOn(host),
            Error = isUp ? isAway ? Away(host) : null : new DriverError { Code = Effective() == BackendMood.Credentials ? DriverErrorCode.Credentials : DriverErrorCode.Unreachable, Text = $"The controller of {Name} does not answer.", Backend = Words() },
            Capacity = isUp ? new PoolCapacity(TotalBytes, _volumes.Values.Sum(volume => volume.SizeBytes), simulator.Time.GetUtcNow()) : null,
            Identity = isUp ? Identity : null,
            Waiting = [.. Suspended.Where(one => one.Host == host).Select(one => new WaitingVolume(one.Volume, one.Why.Text, one.Why.CanResume))],
            AsOf = simulator.Time.GetUtcNow(),
        };
    }

    public IEnumerable<(string Host, VolumeId Volume, Suspension Why)> Suspended =>
        _suspended.Select(pair => (pair.Key.Host, pair.Key.Volume, pair.Value)).OrderBy(one => one.Host, StringComparer.Ordinal).ThenBy(one => one.Volume.Value);

    public IEnumerable<(string Host, VolumeId Volume)> CutOff => _cut;

    /// <summary>Whether I/O of the volume's device on the host neither goes on nor fails.</summary>
    public bool IsSuspended(string host, VolumeId volume) => _suspended.ContainsKey((host, volume));

    /// <summary>Whether I/O of the volume's device on the host fails.</summary>
    public bool IsCut(string host, VolumeId volume) => _cut.Contains((host, volume));

    /// <summary>Why I/O of the device does not go on; null when it does.</summary>
    public Suspension? WhyWaits(string host, VolumeId volume) => _suspended.GetValueOrDefault((host, volume));

    /// <summary>F10: I/O of a device begins to wait.</summary>
    public void Suspend(string host, VolumeId volume, Suspension why)
    {
        if (!_cut.Contains((host, volume)) && _attached.ContainsKey((host, volume)) && _suspended.TryAdd((host, volume), why))
        {
            recorder.Add(new HistoryEntry.Fault($"device of {host}: {HistoryText.Short(volume.Value)} {why.Text}", Begins: true));
            DeviceChanged?.Invoke(host);
        }
    }

    /// <summary>I/O of a device goes on: what waited is written, and the guest is told so.</summary>
    public void Resume(string host, VolumeId volume)
    {
        if (_suspended.Remove((host, volume), out var why))
        {
            recorder.Add(new HistoryEntry.Fault($"device of {host}: {HistoryText.Short(volume.Value)} {why.Text}", Begins: false));
            DeviceChanged?.Invoke(host);
        }
    }

    /// <summary>A guest writes. What is confirmed to it is there from then on; while its device waits nothing is, and when it fails never.</summary>
    public void Write(string host, VolumeId volume)
    {
        if (_volumes.ContainsKey(volume) && !_suspended.ContainsKey((host, volume)) && !_cut.Contains((host, volume)))
        {
            _content[volume] = ++_writes;
            recorder.Add(new HistoryEntry.WriteConfirmed(Pool, volume, host, _writes));
        }
    }

    /// <summary>What a guest that starts reads.</summary>
    public void Read(string host, VolumeId volume) => recorder.Add(new HistoryEntry.ContentRead(Pool, volume, host, _content.GetValueOrDefault(volume)));

    /// <summary>A driver is told to make the I/O of a device fail. Told by the host alone, whatever the backend does.</summary>
    public void Cut(string host, VolumeId volume, Generation generation, TimeSpan deadline, Action<DriverAnswer<DriverAck>> answer)
    {
        if (!CanCut)
        {
            simulator.After(simulator.Milliseconds(1, 15), () => answer(new DriverAnswer<DriverAck>.Failed(
                new DriverError { Code = DriverErrorCode.Unsupported, Text = $"Storage {Name} cannot cut I/O of one volume off; 'resume-all {Name}' by hand ends the waiting." })));
            return;
        }

        switch (Cuts)
        {
            case CutMood.Hangs:
                simulator.After(deadline, () => answer(Error<DriverAck>(DriverErrorCode.Unknown, "no answer from the kernel")));
                break;
            case CutMood.Fails:
                simulator.After(simulator.Milliseconds(1, 300), () => answer(Error<DriverAck>(DriverErrorCode.Unknown, "the kernel refuses: device is held open by somebody")));
                break;
            default:
                simulator.After(simulator.Milliseconds(1, 300), () => answer(Cut(host, volume, generation)));
                break;
        }
    }

    /// <summary>A driver is told to let I/O go on that a request held back.</summary>
    public DriverAnswer<DriverAck> ResumeHeldBack(string host, VolumeId volume)
    {
        if (!_attached.ContainsKey((host, volume)))
        {
            return Error<DriverAck>(DriverErrorCode.NotFound, $"no volume {volume} on {host}");
        }

        var why = WhyWaits(host, volume);
        if (why is { CanResume: false })
        {
            return Error<DriverAck>(DriverErrorCode.Unknown, why.Text);
        }

        Resume(host, volume);
        return Ok(new DriverAck(why is null ? DriverOutcome.AlreadySo : DriverOutcome.Done));
    }

    private DriverAnswer<DriverAck> Cut(string host, VolumeId volume, Generation generation)
    {
        if (!_attached.TryGetValue((host, volume), out var modes) || !modes.TryGetValue(AttachMode.Run, out var attached))
        {
            return Error<DriverAck>(DriverErrorCode.NotFound, $"no volume {volume} on {host}");
        }

        if (generation < attached)
        {
            return Error<DriverAck>(DriverErrorCode.Invalid, $"it was attached again with generation {attached}");
        }

        if (!_cut.Add((host, volume)))
        {
            return Ok(new DriverAck(DriverOutcome.AlreadySo));
        }

        // What waited fails. Whether a replica has it already, nobody knows; nobody was told that it is written.
        if (_suspended.Remove((host, volume), out var why))
        {
            recorder.Add(new HistoryEntry.Fault($"device of {host}: {HistoryText.Short(volume.Value)} {why.Text}", Begins: false));
            if (simulator.Chance(0.3))
            {
                _content[volume] = ++_writes;
            }
        }

        recorder.Add(new HistoryEntry.VolumeCut(Pool, volume, host));
        DeviceChanged?.Invoke(host);
        return Ok(new DriverAck(DriverOutcome.Done));
    }

    /// <summary>A driver's request. The effect takes place when the request is served, whoever has died since it was sent.</summary>
    public void Ask<T>(bool changes, TimeSpan deadline, Func<DriverAnswer<T>> effect, Func<DriverAnswer<T>>? lie, Action<DriverAnswer<T>> answer)
    {
        Requests++;
        var mood = Effective();
        var takes = simulator.Milliseconds(1, 15);
        switch (mood)
        {
            case BackendMood.Refuses:
                simulator.After(TimeSpan.FromMilliseconds(1), () => answer(Error<T>(DriverErrorCode.Unreachable)));
                break;
            case BackendMood.BlackHole:
                simulator.After(deadline < ConnectTimeout ? deadline : ConnectTimeout, () => answer(Error<T>(DriverErrorCode.Unreachable)));
                break;
            case BackendMood.Silent:
                simulator.After(deadline, () => answer(Error<T>(changes ? DriverErrorCode.Unknown : DriverErrorCode.Unreachable)));
                break;
            case BackendMood.Credentials:
                simulator.After(takes, () => answer(Error<T>(DriverErrorCode.Credentials)));
                break;
            case BackendMood.Garbage:
            case BackendMood.Errors:
                simulator.After(takes, () => answer(Error<T>(DriverErrorCode.Unknown)));
                break;
            case BackendMood.LosesAnswers:
                simulator.After(takes, () =>
                {
                    effect();
                    answer(Error<T>(changes ? DriverErrorCode.Unknown : DriverErrorCode.Unreachable));
                });
                break;
            case BackendMood.Lies when lie is not null:
                simulator.After(takes, () => answer(lie()));
                break;
            default:
                takes *= mood == BackendMood.Crawls ? 100 : 1;
                if (takes < deadline)
                {
                    simulator.After(takes, () => answer(effect()));
                }
                else
                {
                    // Served in the end, when the driver has long given up.
                    simulator.After(takes, () => effect());
                    simulator.After(deadline, () => answer(Error<T>(changes ? DriverErrorCode.Unknown : DriverErrorCode.Unreachable)));
                }

                break;
        }
    }

    public DriverAnswer<VolumeReply> Ensure(string host, PoolId pool, VolumeId volume, EnsureVolumeRequest request)
    {
        if (_volumes.TryGetValue(volume, out var present))
        {
            if (request.Generation < present.Generation)
            {
                return Error<VolumeReply>(DriverErrorCode.Invalid, "an older generation");
            }

            _volumes[volume] = present with { Generation = request.Generation };
            return Ok(new VolumeReply(DriverOutcome.AlreadySo, _volumes[volume]));
        }

        if (_satellitesAway.Contains(host))
        {
            return Error<VolumeReply>(DriverErrorCode.Capacity, Away(host).Text);
        }

        if (Mood == BackendMood.Full || _volumes.Values.Sum(one => one.SizeBytes) + request.SizeBytes > TotalBytes)
        {
            return Error<VolumeReply>(DriverErrorCode.Capacity, "no space left");
        }

        if (request.Source is VolumeSource.FromVolume { VolumeId: var source } && !_volumes.ContainsKey(source))
        {
            return Error<VolumeReply>(DriverErrorCode.NotFound, $"no volume {source} to clone");
        }

        var made = new VolumeInfo { VolumeId = volume, Generation = request.Generation, SizeBytes = request.SizeBytes, BackendName = $"hf-{volume}" };
        _volumes[volume] = made;
        _owners[volume] = pool;
        _madeOn[volume] = host;
        recorder.Add(new HistoryEntry.VolumeMade(pool, volume, host));
        return Ok(new VolumeReply(DriverOutcome.Done, made));
    }

    public DriverAnswer<VolumeReply> Get(VolumeId volume) =>
        _volumes.TryGetValue(volume, out var present) ? Ok(new VolumeReply(DriverOutcome.AlreadySo, present)) : Error<VolumeReply>(DriverErrorCode.NotFound, $"no volume {volume}");

    public DriverAnswer<VolumeList> List(PoolId pool) => Ok(new VolumeList([.. _volumes.Values.Where(one => IsOf(pool, one.VolumeId))]) { Strays = Strays });

    public DriverAnswer<DriverAck> Delete(string host, VolumeId volume, Generation generation)
    {
        if (!_volumes.TryGetValue(volume, out var present))
        {
            return Ok(new DriverAck(DriverOutcome.AlreadySo));
        }

        if (generation < present.Generation)
        {
            return Error<DriverAck>(DriverErrorCode.Invalid, "an older generation");
        }

        if (_satellitesAway.Contains(_madeOn[volume]))
        {
            return Error<DriverAck>(DriverErrorCode.Busy, Away(_madeOn[volume]).Text);
        }

        if (_attached.Keys.Any(key => key.Volume == volume))
        {
            return Error<DriverAck>(DriverErrorCode.Busy, $"attached on {_attached.Keys.First(key => key.Volume == volume).Host}");
        }

        _volumes.Remove(volume);
        recorder.Add(new HistoryEntry.VolumeDestroyed(Pool, volume, host, WasAttached: false));
        return Ok(new DriverAck(DriverOutcome.Done));
    }

    public DriverAnswer<VolumeReply> Resize(VolumeId volume, ResizeVolumeRequest request)
    {
        if (!_volumes.TryGetValue(volume, out var present))
        {
            return Error<VolumeReply>(DriverErrorCode.NotFound, $"no volume {volume}");
        }

        if (Mood == BackendMood.Full)
        {
            return Error<VolumeReply>(DriverErrorCode.Capacity, "no space left");
        }

        var isSo = present.SizeBytes >= request.SizeBytes;
        _volumes[volume] = isSo ? present : present with { SizeBytes = request.SizeBytes };
        return Ok(new VolumeReply(isSo ? DriverOutcome.AlreadySo : DriverOutcome.Done, _volumes[volume]));
    }

    public DriverAnswer<VolumeReply> Seal(VolumeId volume)
    {
        if (!_volumes.TryGetValue(volume, out var present))
        {
            return Error<VolumeReply>(DriverErrorCode.NotFound, $"no volume {volume}");
        }

        if (_attached.Any(pair => pair.Key.Volume == volume && pair.Value.ContainsKey(AttachMode.Copy)))
        {
            return Error<VolumeReply>(DriverErrorCode.Busy, "attached for writing");
        }

        _volumes[volume] = present with { Sealed = true };
        return Ok(new VolumeReply(present.Sealed ? DriverOutcome.AlreadySo : DriverOutcome.Done, _volumes[volume]));
    }

    public DriverAnswer<AttachmentReply> Attach(string host, VolumeId volume, AttachRequest request, DriverError? withoutControlPlane = null)
    {
        if (!_volumes.TryGetValue(volume, out var present))
        {
            return Error<AttachmentReply>(DriverErrorCode.NotFound, $"no volume {volume}");
        }

        if (request.Generation != present.Generation && request.Generation < present.Generation)
        {
            return Error<AttachmentReply>(DriverErrorCode.Invalid, "an older generation");
        }

        if (_cut.Contains((host, volume)))
        {
            return Error<AttachmentReply>(DriverErrorCode.Busy, $"its I/O was cut off on {host}, and it was not released");
        }

        if (_satellitesAway.Contains(host) && _madeOn[volume] != host && PathOn(host, volume) is null)
        {
            return Error<AttachmentReply>(DriverErrorCode.Busy, Away(host).Text);
        }

        var had = _attached.TryGetValue((host, volume), out var modes);
        if (!had)
        {
            _attached[(host, volume)] = modes = [];
            var minors = Minors(host);
            minors[Enumerable.Range(1, minors.Count + 1).First(minor => !minors.ContainsKey(minor))] = volume;
        }

        var isNew = !modes!.ContainsKey(request.Mode);
        modes[request.Mode] = request.Generation;
        var path = PathOn(host, volume)!;
        if (isNew)
        {
            recorder.Add(new HistoryEntry.VolumeAttached(Pool, volume, host, request.Mode, path));
        }

        return Ok(new AttachmentReply
        {
            Outcome = isNew ? DriverOutcome.Done : DriverOutcome.AlreadySo,
            Source = new DiskSource.Block(path),
            SizeBytes = present.SizeBytes,
            BackendName = present.BackendName,
            WithoutControlPlane = withoutControlPlane,
        });
    }

    public DriverAnswer<DriverAck> Release(string host, VolumeId volume, AttachMode mode, Generation generation)
    {
        if (!_attached.TryGetValue((host, volume), out var modes) || !modes.TryGetValue(mode, out var attached))
        {
            return Ok(new DriverAck(DriverOutcome.AlreadySo));
        }

        if (generation < attached)
        {
            return Error<DriverAck>(DriverErrorCode.Invalid, $"it was attached again with generation {attached}");
        }

        modes.Remove(mode);

        if (modes.Count == 0)
        {
            _attached.Remove((host, volume));
            _cut.Remove((host, volume));
            Resume(host, volume);
            var minors = Minors(host);
            minors.Remove(minors.First(pair => pair.Value == volume).Key);
        }

        recorder.Add(new HistoryEntry.VolumeReleased(Pool, volume, host, mode));
        return Ok(new DriverAck(DriverOutcome.Done));
    }

    public DriverAnswer<T> Error<T>(DriverErrorCode code, string? words = null) =>
        new DriverAnswer<T>.Failed(new DriverError { Code = code, Text = $"Storage {Name} failed.", Backend = words ?? Words() });

    private static DriverError Away(string host) => new() { Code = DriverErrorCode.Busy, Text = $"The satellite of node '{host}' is OFFLINE." };

    private static DriverAnswer<T> Ok<T>(T value) => new DriverAnswer<T>.Ok(value);

    private BackendMood Effective() => Mood == BackendMood.Flaps ? ((long)simulator.Now.TotalSeconds / 5 % 2 == 0 ? BackendMood.Refuses : BackendMood.Well) : Mood;

    private string Words() => Effective() switch
    {
        BackendMood.Refuses => "Connection refused",
        BackendMood.BlackHole => "connect timed out",
        BackendMood.Silent => "no answer",
        BackendMood.Credentials => "401 Unauthorized",
        BackendMood.Garbage => "not JSON",
        BackendMood.LosesAnswers => "connection reset",
        _ => "500 Internal Server Error",
    };

    private SortedDictionary<int, VolumeId> Minors(string host) => _minors.TryGetValue(host, out var minors) ? minors : _minors[host] = [];

    private string Path(int minor) => $"/dev/{Name}/{minor}";
}
