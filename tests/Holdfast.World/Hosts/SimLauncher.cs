using Holdfast.Agent.Bindings;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Simulation;
using Holdfast.Worlds.Storage;

namespace Holdfast.Worlds.Hosts;

/// <summary>The driver executables and processes of a host.</summary>
internal sealed class SimLauncher(Simulator simulator, Recorder recorder, string host, Func<BindingSpec, SimBackend> backendOf, Action ensureAgentLives, Func<VolumeId, bool> isOpen) : IDriverLauncher
{
    private readonly SortedDictionary<Guid, List<SimDriver>> _drivers = [];
    private readonly SortedDictionary<Guid, SimDriver> _tried = [];
    private readonly SortedDictionary<Guid, SimBuild> _launched = [];
    private readonly SortedDictionary<Guid, SimBuild> _proven = [];
    private readonly SortedSet<Guid> _folders = [];
    private readonly SortedDictionary<string, SimBuild> _installed = new(StringComparer.Ordinal) { ["directory"] = new(1), ["linstor"] = new(1) };
    private int _pids = 100;
    private int _builds = 1;

    /// <summary>When set, a driver that starts ends again without a word.</summary>
    public bool FailsToStart { get; set; }

    /// <summary>How much longer a driver needs until it is ready: the host is loaded.</summary>
    public TimeSpan Slowness { get; set; }

    /// <summary>All that run, those that are only being tried included.</summary>
    public IEnumerable<SimDriver> Running => _drivers.Values.SelectMany(list => list).Concat(_tried.Values).Where(driver => driver.IsRunning);

    public SimDriver? Of(PoolId pool) => _drivers.GetValueOrDefault(pool.Value)?.Find(driver => driver.IsRunning);

    /// <summary>The build that the running driver of a pool is.</summary>
    public SimBuild? BuildOf(PoolId pool) => Of(pool) is null ? null : _launched.GetValueOrDefault(pool.Value);

    /// <summary>Replaces the files of a driver.</summary>
    public SimBuild Install(string driver, BuildFlaw flaw)
    {
        recorder.Add(new HistoryEntry.Fault($"driver {driver} of {host}: build {_builds + 1} installed ({flaw})", Begins: flaw != BuildFlaw.None));
        return _installed[driver] = new SimBuild(++_builds, flaw);
    }

    /// <summary>Removes the files of a driver.</summary>
    public void Uninstall(string driver) => _installed.Remove(driver);

    /// <summary>What is installed starts.</summary>
    public void Repair()
    {
        FailsToStart = false;
        Slowness = TimeSpan.Zero;
        foreach (var driver in new[] { "directory", "linstor" })
        {
            if (!_installed.TryGetValue(driver, out var build) || build.Flaw != BuildFlaw.None)
            {
                Install(driver, BuildFlaw.None);
            }
        }
    }

    public IReadOnlyList<string> Installed() => [.. _installed.Keys];

    public DriverInstallation Installation(string driver) => new($"/usr/libexec/holdfast/holdfast-driver-{driver}", _installed.GetValueOrDefault(driver)?.Id);

    public DriverBuild? Proven(PoolId pool) => _proven.GetValueOrDefault(pool.Value)?.Id;

    public string? Prove(PoolId pool)
    {
        ensureAgentLives();
        _proven[pool.Value] = _launched[pool.Value];
        return null;
    }

    public IReadOnlyList<PoolId> Folders() => [.. _folders.Select(id => new PoolId(id))];

    public Task<LaunchOutcome> LaunchAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken)
    {
        ensureAgentLives();
        if (!_drivers.TryGetValue(spec.PoolId.Value, out var list))
        {
            _drivers[spec.PoolId.Value] = list = [];
        }

        var driver = Make(spec);
        list.RemoveAll(one => !one.IsRunning);
        list.Add(driver);
        return StartAsync(driver, _launched[spec.PoolId.Value] = Find(spec, build), spec, handshake, cancellationToken);
    }

    public Task<LaunchOutcome> TryOutAsync(BindingSpec spec, Generation generation, DriverBuild build, TimeSpan handshake, CancellationToken cancellationToken)
    {
        ensureAgentLives();
        return StartAsync(_tried[spec.PoolId.Value] = Make(spec), Find(spec, build), spec, handshake, cancellationToken);
    }

    private SimBuild Find(BindingSpec spec, DriverBuild build) =>
        new[] { _installed.GetValueOrDefault(spec.Driver), _proven.GetValueOrDefault(spec.PoolId.Value) }.FirstOrDefault(one => one?.Id == build)
        ?? throw new InvalidOperationException($"Build {build} of {spec.Driver} is neither installed nor proven.");

    private SimDriver Make(BindingSpec spec)
    {
        _folders.Add(spec.PoolId.Value);
        return new SimDriver(simulator, recorder, host, spec.PoolId, backendOf(spec), ++_pids, ensureAgentLives, isOpen);
    }

    private async Task<LaunchOutcome> StartAsync(SimDriver driver, SimBuild build, BindingSpec spec, TimeSpan handshake, CancellationToken cancellationToken)
    {
        recorder.Add(new HistoryEntry.DriverStarted(host, spec.PoolId, driver.Pid));
        var ready = new TaskCompletionSource<LaunchOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        simulator.After(handshake, () => ready.TrySetResult(new LaunchOutcome.Failed($"not ready within {handshake.TotalSeconds:0} s", driver, IsLate: true)));
        simulator.After(Slowness + simulator.Milliseconds(100, 400), () =>
        {
            if (!driver.IsRunning)
            {
                return; // Ended meanwhile: it took too long, or nobody wants it any more.
            }

            switch (build.Flaw)
            {
                case BuildFlaw.EndsAtOnce:
                case var _ when FailsToStart:
                    driver.End("exit code 1");
                    ready.TrySetResult(new LaunchOutcome.Failed("it ended at once: exit code 1", driver));
                    return;
                case BuildFlaw.NeverReady:
                    return;
                case BuildFlaw.RefusesSettings:
                    driver.End("exit code 2");
                    ready.TrySetResult(new LaunchOutcome.Refused(new DriverError { Code = DriverErrorCode.Invalid, Text = "it does not know the setting 'controllers'" }));
                    return;
                case BuildFlaw.EndsSoon:
                    simulator.After(simulator.Milliseconds(2000, 20_000), driver.Crash);
                    break;
                case BuildFlaw.HangsSoon:
                    simulator.After(simulator.Milliseconds(2000, 20_000), () => driver.IsFrozen = true);
                    break;
                default:
                    break;
            }

            if (driver is { IsRunning: true, IsFrozen: false })
            {
                ready.TrySetResult(new LaunchOutcome.Ready(driver, new DriverInfo
                {
                    Driver = spec.Driver, Version = build.Version, Protocol = 1, Pid = driver.Pid, PoolId = spec.PoolId,
                    Capabilities = backendOf(spec).CapabilitiesOn(host),
                }));
            }
        });
        try
        {
            return await ready.Task.OrAbandonAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new LaunchOutcome.Failed("it is not wanted any more", driver);
        }
    }

    public async Task<ReapOutcome> ReapAsync(PoolId pool, TimeSpan bound)
    {
        var tried = _tried.GetValueOrDefault(pool.Value);
        tried?.Kill();
        if ((tried is { IsRunning: true } ? tried : Of(pool)) is not { } left)
        {
            return new ReapOutcome.Gone(null);
        }

        left.Kill();
        await left.Ended.AtMostAsync(bound, simulator.Time);
        return left.IsRunning ? new ReapOutcome.Stuck(left.Pid) : new ReapOutcome.Gone(left.Pid);
    }

    public string? RemoveFolders(PoolId pool)
    {
        _launched.Remove(pool.Value);
        _proven.Remove(pool.Value);
        if (_folders.Remove(pool.Value))
        {
            recorder.Add(new HistoryEntry.FoldersRemoved(host, pool));
        }

        return null;
    }

    /// <summary>The leash: whoever held the standard inputs is gone.</summary>
    public void LetGo()
    {
        foreach (var driver in Running.ToList())
        {
            driver.CloseInput();
        }
    }

    /// <summary>The machine is off.</summary>
    public void LosePower()
    {
        foreach (var driver in Running.ToList())
        {
            driver.End("power loss");
        }
    }

    /// <summary>The machine's disk is empty.</summary>
    public void Wipe()
    {
        LosePower();
        _folders.Clear();
        _proven.Clear();
    }
}
