using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.DriverKit.Health;

/// <summary>
/// Keeps the pool's status. Probes in the background, one probe at a time: while one does not come back no second one is started, and the status says so. Reading
/// the status never waits. Safe to use from any thread.
/// </summary>
internal sealed partial class PoolMonitor
{
    private static readonly TimeSpan LongestProbe = TimeSpan.FromSeconds(10);
    private readonly Lock _gate = new();
    private readonly IStorageDriver _driver;
    private readonly string _pool;
    private readonly TimeSpan _period;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _log;
    private Task<PoolStatus>? _running;
    private PoolStatus _status;
    private long _probes;

    internal PoolMonitor(IStorageDriver driver, string pool, TimeSpan period, TimeProvider time, Random random, ILogger log)
    {
        _driver = driver;
        _pool = pool;
        _period = period;
        _time = time;
        _random = random;
        _log = log;
        _status = new PoolStatus { ControlPlane = PlaneHealth.Unknown, DataPlane = PlaneHealth.Unknown, AsOf = time.GetUtcNow() };
    }

    /// <summary>The status as last learnt.</summary>
    internal PoolStatus Status
    {
        get
        {
            lock (_gate)
            {
                return _status;
            }
        }
    }

    /// <summary>Probes until cancelled.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Completes when cancelled.</returns>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        while (!cancellationToken.IsCancellationRequested)
        {
            await ProbeAsync(LongestProbe);
            try
            {
                // Spread, so that the drivers of many pools do not ask in step.
                await Task.Delay(_period * (0.9 + (0.2 * _random.NextDouble())), _time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Asks the backend now, or joins the probe that is under way.</summary>
    /// <param name="budget">How long to wait.</param>
    /// <returns>The status, or that there was no answer in time.</returns>
    internal async Task<DriverResult<PoolStatus>> ProbeAsync(TimeSpan budget)
    {
        var probe = JoinAsync();
        try
        {
            return await probe.WaitAsync(budget, _time);
        }
        catch (TimeoutException)
        {
            var error = DriverFailure.Unreachable($"The probe of storage pool '{_pool}' did not come back within {budget.TotalSeconds:0.#} s.");
            if (budget >= LongestProbe)
            {
                Learn(new PoolStatus { ControlPlane = PlaneHealth.Down, DataPlane = PlaneHealth.Unknown, Error = error, AsOf = _time.GetUtcNow() });
            }

            return error;
        }
    }

    private Task<PoolStatus> JoinAsync()
    {
        lock (_gate)
        {
            return _running ??= ProbeOnceAsync();
        }
    }

    private async Task<PoolStatus> ProbeOnceAsync()
    {
        await Task.Yield();
        using var deadline = new CancellationTokenSource(LongestProbe - TimeSpan.FromMilliseconds(500), _time);
        PoolStatus status;
        try
        {
            var call = new DriverCall($"probe-{Interlocked.Increment(ref _probes)}", LongestProbe, _time);
            status = await _driver.ProbeAsync(call, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            status = Down(DriverFailure.Unreachable($"Storage pool '{_pool}' did not answer within {LongestProbe.TotalSeconds:0} s."));
        }
        catch (Exception bug)
        {
            LogProbeFailed(bug);
            status = Down(DriverFailure.Unknown($"The probe of storage pool '{_pool}' failed inside the driver.", bug.Message));
        }

        Learn(status);
        lock (_gate)
        {
            _running = null;
            return _status;
        }
    }

    private PoolStatus Down(DriverError error) =>
        new() { ControlPlane = PlaneHealth.Down, DataPlane = PlaneHealth.Unknown, Error = error, AsOf = _time.GetUtcNow() };

    private void Learn(PoolStatus status)
    {
        PoolStatus before;
        lock (_gate)
        {
            before = _status;
            _status = status with { Capacity = status.Capacity ?? before.Capacity };
        }

        if (before.ControlPlane != status.ControlPlane || before.DataPlane != status.DataPlane)
        {
            if (status.Error is { } error)
            {
                LogUnhealthy(_pool, status.ControlPlane, status.DataPlane, error.Code, error.Text, error.Backend);
            }
            else
            {
                LogHealthy(_pool, status.ControlPlane, status.DataPlane);
            }
        }
    }
}
