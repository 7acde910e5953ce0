using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <summary>Storage pools: facts for the planner, and its answers carried out.</summary>
internal sealed partial class PoolSettler : TurnPart, ITurnPart<PoolSettler>, ISettler<PoolId>
{
    private readonly ILogger _logger;

    private PoolSettler(Turn turn)
        : base(turn) => _logger = turn.LoggerOf<PoolSettler>();

    /// <inheritdoc/>
    public static PoolSettler Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public string ResourceType => ResourceTypes.StoragePool;

    /// <inheritdoc/>
    public void Mark(Guid id) => Turn.Mark(new PoolId(id));

    /// <summary>Until when createStoragePool waits for the hosts before it answers with the pool as it is.</summary>
    public async Task<DateTimeOffset> AnswerByAsync(StoragePoolRow pool, CancellationToken cancellationToken) =>
        pool.Created + (await SettingValues.ReadAsync(Turn, cancellationToken))[Setting.PoolAddWait];

    /// <inheritdoc/>
    public async Task SettleAsync(PoolId id, CancellationToken cancellationToken)
    {
        for (var round = 0; round < Turn.MaxRounds; round++)
        {
            var row = await Db.StoragePools.FirstOrDefaultAsync(p => p.Id == id, cancellationToken);
            if (row is null)
            {
                return;
            }

            var actions = PoolPlanner.Plan(await FactsOfAsync(row, cancellationToken));
            if (actions.Count == 0)
            {
                return;
            }

            foreach (var action in actions)
            {
                await ApplyAsync(row, action, cancellationToken);
            }

            await Turn.SignalAsync(id.Value, cancellationToken);
        }

        throw new InvalidOperationException($"Storage pool {id} does not settle.");
    }

    private async Task<PoolStateFacts> FactsOfAsync(StoragePoolRow row, CancellationToken cancellationToken)
    {
        var jobs = await Db.Jobs.Where(j => j.State == JobState.Pending && j.InstanceId == row.Id.Value).ToListAsync(cancellationToken);
        var isLate = row.AddDeadline <= Now || jobs.Exists(j => j.Deadline <= Now);
        var isPreparing = row.State == PoolState.PrepareForMaintenance;
        var areTold = !isPreparing || await Turn.Part<PoolMaintenance>().AreAllToldAsync(row, cancellationToken);
        IReadOnlyList<PoolVmFacts> active = isPreparing switch
        {
            // Only who is told why it is late wants names; one VM holds a pool up as well as a thousand.
            true when isLate => await Turn.Part<PoolMaintenance>().HoldersAsync(row.Id, PoolPlanner.MostNames + 1, cancellationToken),
            true when areTold && await Turn.Part<PoolMaintenance>().HolderAsync(row, cancellationToken) is { } holder => [holder],
            _ => [],
        };
        var bindings = isLate ? await On(row.Id).ToListAsync(cancellationToken) : await DecidingAsync(row, cancellationToken);
        return new PoolStateFacts
        {
            Id = row.Id,
            Name = row.Name,
            State = row.State,
            Scope = row.Scope,
            AnswerBy = row.State == PoolState.Initialized ? await AnswerByAsync(row, cancellationToken) : null,
            AddDeadline = row.AddDeadline,
            Twin = await Turn.Part<PoolIdentities>().TwinOfAsync(row, cancellationToken),
            KnownTwin = row.SameAs,
            IsGone = row.Absent is not null,
            Bindings = [.. bindings.Select(b => BindingRowFacts.Of(b.Binding, b.Host))],
            AreVmsTold = areTold,
            ActiveVms = active,
            BeingSettled = isPreparing && areTold && active.Count == 0 ? await BeingSettledAsync(row, cancellationToken) : 0,
            HasVmsToStart = jobs.Exists(j => j.Kind == JobKind.CancelStorageMaintenance) && await Turn.Part<PoolMaintenance>().HasStoppedAsync(row, cancellationToken),
            Jobs = [.. jobs.Select(Turn.JobFactsOf)],
            Now = Now,
        };
    }

    // Only what hosts can do: one that is away or does not reach the backend holds nobody up, and neither does what could not be done in the time there was.
    private async Task<int> BeingSettledAsync(StoragePoolRow row, CancellationToken cancellationToken)
    {
        var since = Now - (await SettingValues.ReadAsync(Turn, cancellationToken))[Setting.MaintenanceSettle];
        var isYoung = row.StateSince > since;
        var able = On(row.Id)
            .Where(p => p.Binding.Absent == null && p.Host.State == HostState.Up && p.Host.IncarnationId == p.Binding.IncarnationId && p.Binding.Desired == Desired.Attached
                && p.Binding.Observed == BindingState.Attached && p.Binding.ControlPlane == PlaneHealth.Up)
            .Select(p => p.Binding.IncarnationId);
        var owed = await Db.Obligations.CountAsync(
            o => o.PoolId == row.Id && o.State == ObligationState.Owed && (isYoung || o.Created > since) && able.Contains(o.IncarnationId), cancellationToken);
        return owed + await Db.Tasks.CountAsync(
            t => t.PoolId == row.Id && t.Kind == WorkKind.DeleteVolume && (t.State == WorkState.Pending || t.State == WorkState.Owed) && (isYoung || t.Created > since)
                && able.Contains(t.IncarnationId),
            cancellationToken);
    }

    private IQueryable<PoolOnHost> On(PoolId pool) =>
        from binding in Db.Bindings
        join host in Db.Hosts on binding.HostId equals host.Id
        where binding.PoolId == pool
        orderby host.Name, binding.IncarnationId
        select new PoolOnHost { Binding = binding, Host = host };

    // A pool may be on thousands of hosts, and each of them confirms by itself. The planner asks whether any host does something, or all: one that decides it stands for all of
    // them. Only what names hosts one by one needs them all, which is once at each step of a pool's life.
    private async Task<IReadOnlyList<PoolOnHost>> DecidingAsync(StoragePoolRow row, CancellationToken cancellationToken)
    {
        var all = On(row.Id);
        var present = all.Where(p => p.Binding.Absent == null);
        var up = present.Where(p => p.Host.State == HostState.Up && p.Host.IncarnationId == p.Binding.IncarnationId);
        var current = present.Where(p => p.Binding.ObservedGeneration >= p.Binding.Generation);
        var unheard = up.Where(p => p.Binding.ObservedGeneration == null || p.Binding.ObservedGeneration < p.Binding.Generation);
        switch (row.State)
        {
            case PoolState.Removed when row.Absent is null:
                return await FirstOfAsync(present, all);
            case PoolState.PrepareForMaintenance:
                return await FirstOfAsync(present.Where(p => p.Binding.Desired == Desired.Attached), unheard, up.Where(p => p.Binding.Observed != BindingState.Quiesced));
            case PoolState.CancelMaintenance:
                return await FirstOfAsync(present.Where(p => p.Binding.Desired == Desired.Quiesced), unheard, up.Where(p => p.Binding.Observed == BindingState.Quiesced));
            case PoolState.Initialized:
                return await FirstOfAsync(
                    current.Where(p => row.Scope != PoolScope.Host && p.Binding.NotShared != null),
                    current.Where(p => p.Binding.Observed == BindingState.Attached && p.Binding.ControlPlane == PlaneHealth.Up && p.Binding.CapacityBytes > 0),
                    unheard,
                    all);
            default:
                return [];
        }

        // One of the first kind that there is; the last is taken whole when it is all of them.
        async Task<IReadOnlyList<PoolOnHost>> FirstOfAsync(params IReadOnlyList<IQueryable<PoolOnHost>> kinds)
        {
            foreach (var kind in kinds)
            {
                var found = await (ReferenceEquals(kind, all) ? kind : kind.Take(1)).ToListAsync(cancellationToken);
                if (found.Count > 0)
                {
                    return found;
                }
            }

            return [];
        }
    }

    private async Task ApplyAsync(StoragePoolRow row, PoolAction action, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case PoolAction.MoveTo move:
                await MoveToAsync(row, move.State, cancellationToken);
                break;
            case PoolAction.Added added:
                await MoveToAsync(row, PoolState.Up, cancellationToken);
                await Turn.TellSystemAsync(EventTypes.PoolCreate, EventLevel.Info, $"Storage pool {row.Name} ({row.Id}) was added: host {added.HostName} serves it", ResourceTypes.StoragePool, row.Id.Value, row.Name, cancellationToken);
                break;
            case PoolAction.Undo undo:
                Db.AfterCommit(() => LogPoolUndone(row.Name, row.Id, undo.Why));
                var current = await Db.StoragePools.SingleAsync(p => p.Id == row.Id, cancellationToken);
                await Turn.Part<PoolRemoval>().RemovePoolAsync(current with { LastError = undo.Why }, cancellationToken);
                await Turn.TellSystemAsync(EventTypes.PoolCreate, EventLevel.Error, $"Storage pool {row.Name} ({row.Id}) could not be added: {undo.Why}", ResourceTypes.StoragePool, row.Id.Value, row.Name, cancellationToken);
                break;
            case PoolAction.Same { Twin: var twin }:
                await Db.StoragePools.Where(p => p.Id == row.Id).Set(p => p.SameAs, twin?.Id).UpdateAsync(cancellationToken);
                await Turn.TellSystemAsync(
                    twin is null ? EventTypes.PoolUnique : EventTypes.PoolSame,
                    twin is null ? EventLevel.Info : EventLevel.Warn,
                    twin is null
                        ? $"Storage pool {row.Name} ({row.Id}) is not the same storage as another one any more, and takes new volumes"
                        : $"Storage pool {row.Name} ({row.Id}) takes no new volumes, because {twin.Objection}. What is on it goes on; move it away and delete the one of the two that is not wanted",
                    ResourceTypes.StoragePool,
                    row.Id.Value,
                    row.Name,
                    cancellationToken);
                break;
            case PoolAction.Tell tell:
                await Turn.Part<PoolBindings>().TellBindingsAsync(row.Id, tell.Wish == BindingWish.Quiesced ? Desired.Quiesced : Desired.Attached, cancellationToken);
                break;
            case PoolAction.StopVms:
                await Db.StoragePools.Where(p => p.Id == row.Id).Set(p => p.StoppedTo, (VmId?)null).UpdateAsync(cancellationToken);
                break;
            case PoolAction.RestartVms:
                await Db.StoragePools.Where(p => p.Id == row.Id).Set(p => p.Restarts, Now).UpdateAsync(cancellationToken);
                await Turn.Part<PoolMaintenance>().RestartNextAsync(row.Id, cancellationToken);
                break;
            case PoolAction.Gone gone:
                await Db.StoragePools.Where(p => p.Id == row.Id).Set(p => p.Absent, Now).UpdateAsync(cancellationToken);
                Db.AfterCommit(() => LogPoolGone(row.Name, row.Id));
                await Turn.TellSystemAsync(EventTypes.PoolGone, EventLevel.Info, $"Storage pool {row.Name} ({row.Id}) is gone from every host: {gone.Confirmed} confirmed{(gone.Absolved.Length == 0 ? string.Empty : $", absolved were {gone.Absolved}")}", ResourceTypes.StoragePool, row.Id.Value, row.Name, cancellationToken);
                break;
            case PoolAction.CompleteJob complete:
                await Turn.CompleteJobAsync(complete.Job, cancellationToken);
                break;
            case PoolAction.FailJob fail:
                await Turn.FailJobAsync(fail.Job, fail.Fault, cancellationToken);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, "Unknown action.");
        }
    }

    private async Task MoveToAsync(StoragePoolRow row, PoolState state, CancellationToken cancellationToken)
    {
        Db.AfterCommit(() => LogPoolMoved(row.Name, row.Id, row.State, state));
        await Db.StoragePools.Where(p => p.Id == row.Id)
            .Set(p => p.State, state)
            .Set(p => p.StateSince, Now)
            .Set(p => p.AddDeadline, (DateTimeOffset?)null)
            .UpdateAsync(cancellationToken);
    }

    [LoggerMessage(EventId = 2104, Level = LogLevel.Information, Message = "Storage pool {Name} ({PoolId}): {From} -> {To}")]
    private partial void LogPoolMoved(string name, PoolId poolId, PoolState from, PoolState to);

    [LoggerMessage(EventId = 2105, Level = LogLevel.Warning, Message = "Storage pool {Name} ({PoolId}) could not be added: {Why}")]
    private partial void LogPoolUndone(string name, PoolId poolId, string why);

    [LoggerMessage(EventId = 2106, Level = LogLevel.Information, Message = "Storage pool {Name} ({PoolId}) is gone from every host")]
    private partial void LogPoolGone(string name, PoolId poolId);

    private sealed record PoolOnHost
    {
        public required BindingRow Binding { get; init; }

        public required HostRow Host { get; init; }
    }
}
