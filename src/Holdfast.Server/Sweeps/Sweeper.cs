using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using Microsoft.Extensions.Hosting;

namespace Holdfast.Server.Sweeps;

/// <summary>
/// Finds what time alone brings about: missed deadlines, silent hosts, retries, expunges. Every node sweeps; each find is looked at again inside its own
/// serialisable transaction, so that two nodes, or a node that woke up late, do nothing twice. The time is the database's, so that a node whose clock is wrong
/// takes no host for lost and no deadline for missed.
/// </summary>
internal sealed partial class Sweeper : BackgroundService
{
    private const int ThoroughEvery = 10;

    private readonly ISweep[] _sweeps;
    private readonly TurnFactory _turns;
    private readonly Database _database;
    private readonly TimeProvider _time;
    private readonly ReconcileTimings _timings;
    private readonly ILogger<Sweeper> _logger;

    /// <summary>Made once per node.</summary>
    public Sweeper(IEnumerable<ISweep> sweeps, TurnFactory turns, Database database, TimeProvider time, ReconcileTimings timings, ILogger<Sweeper> logger)
    {
        _sweeps = [.. sweeps];
        _turns = turns;
        _database = database;
        _time = time;
        _timings = timings;
        _logger = logger;
    }

    /// <summary>Sweeps once, for all there is. One find that fails does not keep the others from being looked at.</summary>
    /// <returns>Whether there is more to do at once.</returns>
    public async Task<bool> SweepAsync(CancellationToken cancellationToken) => (await SweepAsync(isThorough: true, cancellationToken)).IsMore;

    private async Task<(bool IsMore, bool HasFound)> SweepAsync(bool isThorough, CancellationToken cancellationToken)
    {
        var finds = await _database.ReadAsync((db, ct) => FindAsync(db, isThorough, ct), cancellationToken);
        var isMore = false;
        foreach (var find in finds)
        {
            try
            {
                isMore |= await _turns.RunAsync(
                    async (turn, ct) =>
                    {
                        if (find.Step is { } step)
                        {
                            return await step(turn, ct);
                        }

                        await find.Work(turn, ct);
                        return false;
                    },
                    cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogFindFailed(e, find.What);
                if (find.Failed is { } failed)
                {
                    await _turns.RunAsync(
                        async (turn, ct) =>
                        {
                            await failed(turn, e, ct);
                            return true;
                        },
                        cancellationToken);
                }
            }
        }

        return (isMore, finds.Count > 0);
    }

    /// <summary>Sweeps until it is told to end. Stays on the scheduler it is called on.</summary>
    /// <param name="stoppingToken">Ends it.</param>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        var isMore = false;
        var hasFound = false;
        var sweeps = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!isMore)
                {
                    await Task.Delay(_timings.SweepInterval, _time, stoppingToken);
                }

                // Before it is known: what fails is tried again after a pause.
                isMore = false;

                // When nothing happens, most of the work would be to look for what nobody waits for.
                (isMore, hasFound) = await SweepAsync(isThorough: hasFound || sweeps++ % ThoroughEvery == 0, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The database is away: the next sweep finds the same again.
                LogSweepFailed(e);
            }
        }
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    private async Task<List<SweepFind>> FindAsync(StoreConnection db, bool isThorough, CancellationToken cancellationToken)
    {
        var moment = new SweepMoment(db, await _database.NowAsync(db, cancellationToken), await SettingValues.ReadAsync(db, _timings, cancellationToken), _timings, isThorough);
        var finds = new List<SweepFind>();
        foreach (var sweep in _sweeps)
        {
            finds.AddRange(await sweep.FindAsync(moment, cancellationToken));
        }

        return finds;
    }
}
