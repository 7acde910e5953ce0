using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using Microsoft.Extensions.Hosting;

namespace Holdfast.Server.Reconcile;

/// <summary>
/// Finds what time alone brings about: missed deadlines, silent hosts, retries, expunges. Every node sweeps; each find is looked at again inside its own
/// serialisable transaction, so that two nodes, or a node that woke up late, do nothing twice. The time is the database's, so that a node whose clock is wrong
/// takes no host for lost and no deadline for missed.
/// </summary>
internal sealed partial class Sweeper : BackgroundService
{
    private const int Batch = 200;

    private readonly TurnFactory _turns;
    private readonly Database _database;
    private readonly TimeProvider _time;
    private readonly ReconcileTimings _timings;
    private readonly ILogger<Sweeper> _logger;

    /// <summary>Made once per node.</summary>
    public Sweeper(TurnFactory turns, Database database, TimeProvider time, ReconcileTimings timings, ILogger<Sweeper> logger)
    {
        _turns = turns;
        _database = database;
        _time = time;
        _timings = timings;
        _logger = logger;
    }

    /// <summary>Sweeps once. One find that fails does not keep the others from being looked at.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var finds = await _database.ReadAsync(FindAsync, cancellationToken);
        foreach (var find in finds)
        {
            try
            {
                await _turns.RunAsync(
                    async (turn, ct) =>
                    {
                        await find.Work(turn, ct);
                        return true;
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
    }

    /// <summary>Sweeps until it is told to end. Stays on the scheduler it is called on.</summary>
    /// <param name="stoppingToken">Ends it.</param>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(_timings.SweepInterval, _time, stoppingToken);
                await SweepAsync(stoppingToken);
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

    private static void MarkInstance(Turn turn, JobRow job)
    {
        switch (job.InstanceType)
        {
            case ResourceTypes.VirtualMachine:
                turn.Mark(new VmId(job.InstanceId));
                break;
            case ResourceTypes.Volume:
                turn.Mark(new VolumeId(job.InstanceId));
                break;
            case ResourceTypes.StoragePool:
                turn.Mark(new PoolId(job.InstanceId));
                break;
            default:
                break;
        }
    }

    private static Find Settle(string what, Action<Turn> mark) => new(
        what,
        (turn, _) =>
        {
            mark(turn);
            return Task.CompletedTask;
        });

    private static async Task EndJobAsync(Turn turn, JobRow job, CancellationToken cancellationToken)
    {
        MarkInstance(turn, job);
        await turn.SettleAsync(cancellationToken);

        // Its object is gone, or has no opinion about it: a job never outlives its deadline.
        await turn.FailJobAsync(job.Id, new PlanFault(PlanFaultKind.TimedOut, $"{job.Description}: no answer in time"), cancellationToken);
    }

    private static async Task EndTaskAsync(Turn turn, TaskId id, CancellationToken cancellationToken)
    {
        var task = await turn.Db.Tasks.FirstOrDefaultAsync(t => t.Id == id && t.State == WorkState.Pending && t.Deadline <= turn.Now, cancellationToken);
        if (task is null)
        {
            return;
        }

        var host = await (from i in turn.Db.Incarnations
                          join h in turn.Db.Hosts on i.HostId equals h.Id
                          where i.Id == task.IncarnationId
                          select new { h.Name, h.State }).FirstOrDefaultAsync(cancellationToken);
        await turn.TaskEndedAsync(
            task,
            WorkState.Withdrawn,
            task.Error ?? (host is { State: HostState.Up } ? $"host {host.Name} did not finish it in time" : $"host {host?.Name} does not report"),
            null,
            cancellationToken);
    }

    private async Task<List<Find>> FindAsync(StoreConnection db, CancellationToken cancellationToken)
    {
        var now = await _database.NowAsync(db, cancellationToken);
        var settings = await SettingValues.ReadAsync(db, _timings, cancellationToken);
        var finds = new List<Find>();

        foreach (var host in await db.Hosts.Where(h => h.Removed == null).ToListAsync(cancellationToken))
        {
            if (HostPlanner.Plan(host.State, host.LastReport, now) != host.State)
            {
                finds.Add(new Find($"host {host.Id}", async (turn, ct) => await turn.SetHostStateAsync(await turn.Db.Hosts.SingleAsync(h => h.Id == host.Id, ct), ct)));
            }
        }

        foreach (var task in await db.Tasks.Where(t => t.State == WorkState.Pending && t.Deadline <= now).Take(Batch).Select(t => t.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new Find($"task {task}", (turn, ct) => EndTaskAsync(turn, task, ct)));
        }

        foreach (var job in await db.Jobs.Where(j => j.State == JobState.Pending && j.Deadline <= now).OrderBy(j => j.Deadline).Take(Batch).ToListAsync(cancellationToken))
        {
            finds.Add(new Find($"job {job.Id}", (turn, ct) => EndJobAsync(turn, job, ct)));
        }

        foreach (var vm in await db.Vms.Where(v => v.State == VmState.Expunging && v.Removed == null).Take(Batch).Select(v => v.Id).ToListAsync(cancellationToken))
        {
            finds.Add(Settle($"VM {vm}", turn => turn.Mark(vm)));
        }

        var expired = now - settings[Setting.ExpungeDelay];
        foreach (var vm in await db.Vms.Where(v => v.State == VmState.Destroyed && v.Destroyed <= expired && v.Removed == null).Take(Batch).Select(v => v.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new Find(
                $"VM {vm}",
                async (turn, ct) =>
                {
                    await turn.Db.Vms.Where(v => v.Id == vm && v.State == VmState.Destroyed).Set(v => v.Removal, VmRemoval.Expunge).UpdateAsync(ct);
                    turn.Mark(vm);
                }));
        }

        // Also one whose caller is answered: what a host refused before then undoes it now.
        var answered = now - settings[Setting.PoolAddWait];
        foreach (var pool in await db.StoragePools.Where(p => p.State == PoolState.Initialized && (p.AddDeadline <= now || p.Created <= answered)).Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(Settle($"storage pool {pool}", turn => turn.Mark(pool)));
        }

        foreach (var pool in await db.StoragePools.Where(p => p.Flapping != null && p.Removed == null).Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new Find($"flapping storage pool {pool}", (turn, ct) => turn.SteadyAsync(pool, ct)));
        }

        var unlooked = db.StoragePools.Where(p => p.Removed == null
            && (p.State == PoolState.Up || p.State == PoolState.Disabled)
            && !db.Inventories.Any(i => i.PoolId == p.Id && i.Due > now)
            && db.Bindings.Any(b => b.PoolId == p.Id && b.Absent == null && b.Observed == BindingState.Attached && b.ControlPlane == PlaneHealth.Up));
        foreach (var pool in await unlooked.Take(Batch).Select(p => p.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new Find($"inventory of storage pool {pool}", (turn, ct) => turn.BeginInventoryAsync(pool, ct)));
        }

        var retry = now - _timings.RetryPause;
        var stuck = await (from v in db.Volumes
                           from t in db.Tasks.LeftJoin(t => t.Id == v.TaskId)
                           where v.State == VolumeState.Expunging && v.Removed == null
                               && (v.TaskId == null || (t.State == WorkState.Failed && t.Completed <= retry))
                           select new { v.Id, v.TaskId }).Take(Batch).ToListAsync(cancellationToken);
        foreach (var volume in stuck)
        {
            finds.Add(new Find(
                $"volume {volume.Id}",
                async (turn, ct) =>
                {
                    await turn.Db.Volumes.Where(v => v.Id == volume.Id && v.TaskId == volume.TaskId).Set(v => v.TaskId, (TaskId?)null).UpdateAsync(ct);
                    turn.Mark(volume.Id);
                }));
        }

        var undeleted = await (from c in db.TemplateCopies
                               from t in db.Tasks.LeftJoin(t => t.Id == c.TaskId)
                               where c.State == TemplateCopyState.Deleting && c.Removed == null
                                   && (c.TaskId == null || t.State == WorkState.Withdrawn || (t.State == WorkState.Failed && t.Completed <= retry))
                               select new { c.Id, c.TaskId }).Take(Batch).ToListAsync(cancellationToken);
        foreach (var undone in undeleted)
        {
            finds.Add(new Find(
                $"template copy {undone.Id}",
                async (turn, ct) =>
                {
                    var copy = await turn.Db.TemplateCopies.FirstOrDefaultAsync(
                        c => c.Id == undone.Id && c.State == TemplateCopyState.Deleting && c.TaskId == undone.TaskId && c.Removed == null, ct);
                    if (copy is not null)
                    {
                        await turn.DeleteCopyAsync(copy, ct);
                    }
                }));
        }

        if (await db.Templates.AnyAsync(t => t.State == TemplateState.Pending && t.Removed == null, cancellationToken))
        {
            finds.Add(new Find("templates", (turn, ct) => turn.SeedTemplatesAsync(ct)));
        }

        var oldest = now - settings[Setting.ObligationAlertAge];
        foreach (var obligation in await db.Obligations.Where(o => o.State == ObligationState.Owed && o.Alerted == null && o.Created <= oldest).OrderBy(o => o.Created).Take(Batch).Select(o => o.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new Find($"obligation {obligation}", (turn, ct) => turn.AlertAsync(obligation, oldest, ct)));
        }

        foreach (var aside in await db.SetAside.Where(s => s.NextTry <= now).OrderBy(s => s.NextTry).Take(Batch).Select(s => new { s.IncarnationId, s.Subject, s.Id }).ToListAsync(cancellationToken))
        {
            finds.Add(new Find($"what installation {aside.IncarnationId} says of {aside.Subject} {aside.Id}", (turn, ct) => turn.TakeAgainAsync(aside.IncarnationId, aside.Subject, aside.Id, ct))
            {
                Failed = (turn, e, ct) => turn.RestAsync(aside.IncarnationId, aside.Subject, aside.Id, $"{e.GetType().Name}: {e.Message}", ct),
            });
        }

        var old = now - settings[Setting.JobExpire];
        if (await db.Jobs.AnyAsync(j => j.Completed <= old, cancellationToken))
        {
            finds.Add(new Find("old jobs", (turn, ct) => turn.Db.Jobs.Where(j => j.Completed <= old).DeleteAsync(ct)));
        }

        return finds;
    }

    private sealed record Find(string What, Func<Turn, CancellationToken, Task> Work)
    {
        /// <summary>What is written down when the work met a bug.</summary>
        public Func<Turn, Exception, CancellationToken, Task>? Failed { get; init; }
    }
}
