using Holdfast.Agent.Bindings;
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

    public string Name { get; } = name;

    /// <summary>The pool that it serves, once the API has made one.</summary>
    public PoolId Pool { get; set; }

    public BackendMood Mood { get; private set; }

    /// <summary>Whether a volume may be attached without the control plane where its device is.</summary>
    public bool CanAttachLocally { get; init; }

    public long TotalBytes { get; set; } = 10L << 40;

    /// <summary>Requests that came from drivers since it was last asked.</summary>
    public long Requests { get; private set; }

    public IReadOnlyDictionary<VolumeId, VolumeInfo> Volumes => _volumes;

    public IEnumerable<(string Host, VolumeId Volume, AttachMode Mode, Generation Generation)> Attached =>
        _attached.SelectMany(pair => pair.Value.Select(mode => (pair.Key.Host, pair.Key.Volume, mode.Key, mode.Value)));

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

    /// <summary>The path of a volume's device on a host while it is attached there.</summary>
    public string? PathOn(string host, VolumeId volume) =>
        _attached.ContainsKey((host, volume)) && _minors.TryGetValue(host, out var minors) && minors.FirstOrDefault(pair => pair.Value == volume) is { Key: > 0 } found ? Path(found.Key) : null;

    public PoolStatus Status()
    {
        var isUp = Effective() is BackendMood.Well or BackendMood.Crawls or BackendMood.Lies or BackendMood.LosesAnswers or BackendMood.Full;
        return new PoolStatus
        {
            ControlPlane = isUp ? PlaneHealth.Up : PlaneHealth.Down,
            DataPlane = PlaneHealth.Up,
            Error = isUp ? null : new DriverError { Code = Effective() == BackendMood.Credentials ? DriverErrorCode.Credentials : DriverErrorCode.Unreachable, Text = $"The controller of {Name} does not answer.", Backend = Words() },
            Capacity = isUp ? new PoolCapacity(TotalBytes, _volumes.Values.Sum(volume => volume.SizeBytes), simulator.Time.GetUtcNow()) : null,
            AsOf = simulator.Time.GetUtcNow(),
        };
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
        recorder.Add(new HistoryEntry.VolumeMade(pool, volume, host));
        return Ok(new VolumeReply(DriverOutcome.Done, made));
    }

    public DriverAnswer<VolumeReply> Get(VolumeId volume) =>
        _volumes.TryGetValue(volume, out var present) ? Ok(new VolumeReply(DriverOutcome.AlreadySo, present)) : Error<VolumeReply>(DriverErrorCode.NotFound, $"no volume {volume}");

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
            var minors = Minors(host);
            minors.Remove(minors.First(pair => pair.Value == volume).Key);
        }

        recorder.Add(new HistoryEntry.VolumeReleased(Pool, volume, host, mode));
        return Ok(new DriverAck(DriverOutcome.Done));
    }

    public DriverAnswer<T> Error<T>(DriverErrorCode code, string? words = null) =>
        new DriverAnswer<T>.Failed(new DriverError { Code = code, Text = $"Storage {Name} failed.", Backend = words ?? Words() });

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
