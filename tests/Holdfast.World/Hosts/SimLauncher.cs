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
    private readonly SortedSet<Guid> _folders = [];
    private int _pids = 100;

    /// <summary>Installed executables, by driver name.</summary>
    public SortedSet<string> Executables { get; } = new(StringComparer.Ordinal) { "directory", "linstor" };

    /// <summary>When set, a driver that starts ends again without a word.</summary>
    public bool FailsToStart { get; set; }

    public IEnumerable<SimDriver> Running => _drivers.Values.SelectMany(list => list).Where(driver => driver.IsRunning);

    public SimDriver? Of(PoolId pool) => _drivers.GetValueOrDefault(pool.Value)?.Find(driver => driver.IsRunning);

    public IReadOnlyList<string> Installed() => [.. Executables];

    public IReadOnlyList<PoolId> Folders() => [.. _folders.Select(id => new PoolId(id))];

    public async Task<LaunchOutcome> LaunchAsync(BindingSpec spec, Generation generation, TimeSpan handshake, CancellationToken cancellationToken)
    {
        ensureAgentLives();
        if (!Executables.Contains(spec.Driver))
        {
            return new LaunchOutcome.Missing($"/usr/libexec/holdfast/holdfast-driver-{spec.Driver}");
        }

        _folders.Add(spec.PoolId.Value);
        var driver = new SimDriver(simulator, recorder, host, spec.PoolId, backendOf(spec), ++_pids, ensureAgentLives, isOpen);
        if (!_drivers.TryGetValue(spec.PoolId.Value, out var list))
        {
            _drivers[spec.PoolId.Value] = list = [];
        }

        list.RemoveAll(one => !one.IsRunning);
        list.Add(driver);
        recorder.Add(new HistoryEntry.DriverStarted(host, spec.PoolId, driver.Pid));
        var ready = new TaskCompletionSource<LaunchOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        simulator.After(handshake, () => ready.TrySetResult(new LaunchOutcome.Failed($"not ready within {handshake.TotalSeconds:0} s", driver)));
        simulator.After(simulator.Milliseconds(100, 400), () =>
        {
            if (FailsToStart)
            {
                driver.End("exit code 1");
                ready.TrySetResult(new LaunchOutcome.Failed("it ended at once: exit code 1", driver));
            }
            else if (driver is { IsRunning: true, IsFrozen: false })
            {
                ready.TrySetResult(new LaunchOutcome.Ready(driver, new DriverInfo
                {
                    Driver = spec.Driver, Version = "1.0", Protocol = 1, Pid = driver.Pid, PoolId = spec.PoolId,
                    Capabilities = new DriverCapabilities { CanClone = true, CanSnapshot = false, CanResize = true, IsShared = true, CanAttachLocally = backendOf(spec).CanAttachLocally },
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
        if (Of(pool) is not { } left)
        {
            return new ReapOutcome.Gone(null);
        }

        left.Kill();
        await left.Ended.AtMostAsync(bound, simulator.Time);
        return left.IsRunning ? new ReapOutcome.Stuck(left.Pid) : new ReapOutcome.Gone(left.Pid);
    }

    public string? RemoveFolders(PoolId pool)
    {
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
    }
}
