using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Inventories;
using Holdfast.Server.Reports;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <summary>What hosts say of storage pools.</summary>
internal sealed partial class BindingObserver : TurnPart, ITurnPart<BindingObserver>, IItemObserver
{
    private readonly ILogger _logger;

    private BindingObserver(Turn turn)
        : base(turn) => _logger = turn.LoggerOf<BindingObserver>();

    /// <inheritdoc/>
    public static BindingObserver Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public async Task ObserveAsync(ObservedItem seen, CancellationToken cancellationToken)
    {
        if (seen.Report is { Kind: ItemKind.Binding, Binding: { } status })
        {
            await ObserveAsync(seen.Host, seen.Item.IncarnationId, seen.Report, status, seen.IsConfirmedAbsent, cancellationToken);
        }
    }

    private async Task ObserveAsync(HostRow host, IncarnationId incarnation, ItemReport report, BindingStatus status, bool isConfirmedAbsent, CancellationToken cancellationToken)
    {
        var poolId = new PoolId(report.Id);
        var binding = await Db.Bindings.FirstOrDefaultAsync(b => b.IncarnationId == incarnation && b.PoolId == poolId && b.Absent == null, cancellationToken);
        if (binding is null)
        {
            await ObserveAbsolvedAsync(host, incarnation, poolId, status, isConfirmedAbsent, cancellationToken);
            return;
        }

        var error = ErrorOf(report, status);
        var capabilities = status.Capabilities;
        var notShared = capabilities switch
        {
            null => binding.NotShared,
            { IsShared: false } => capabilities.NotSharedReason ?? "each of its volumes can be used on one host only",
            _ => null,
        };
        var misfit = notShared is null ? null : ScopeRule.Objection(await Db.StoragePools.Where(p => p.Id == poolId).Select(p => p.Scope).SingleAsync(cancellationToken), notShared);
        Condition[] remarks = misfit is null || isConfirmedAbsent
            ? []
            : [new Condition { Type = ConditionType.NotShared, PoolId = poolId, Text = $"It takes no new volumes, because its scope is wider than one host: {misfit}" }];
        var changed = binding with
        {
            ObservedGeneration = report.Generation,
            Observed = status.State,
            ControlPlane = status.Status?.ControlPlane ?? PlaneHealth.Unknown,
            DataPlane = status.Status?.DataPlane ?? PlaneHealth.Unknown,
            CanAttachLocally = capabilities?.CanAttachLocally ?? binding.CanAttachLocally,
            NotShared = notShared,

            // What only one host can use is another thing on each, and is refused or told for that.
            Identity = misfit is null ? status.Status?.Identity ?? binding.Identity : binding.Identity,
            HoldsData = capabilities is null ? binding.HoldsData : capabilities.HoldsData,
            CanClone = capabilities?.CanClone ?? binding.CanClone,
            Error = error,
            Conditions = JsonSerializer.Serialize([.. report.Conditions, .. remarks], HostJson.Default.IReadOnlyListCondition),
            DriverPid = status.DriverPid,
            DriverVersion = status.DriverVersion ?? binding.DriverVersion,
            CapacityBytes = status.Status?.Capacity?.TotalBytes ?? binding.CapacityBytes,
            UsedBytes = status.Status?.Capacity?.UsedBytes ?? binding.UsedBytes,
            Unload = status.Unload ?? binding.Unload,
            HostSince = report.Since,
            Since = status.State != binding.Observed ? Now : binding.Since,
            Absent = isConfirmedAbsent ? Now : null,
        };
        if (changed == binding)
        {
            return;
        }

        await Db.UpdateAsync(changed, token: cancellationToken);
        var pool = await Db.StoragePools.SingleAsync(p => p.Id == poolId, cancellationToken);
        if (isConfirmedAbsent)
        {
            Db.AfterCommit(() => LogBindingAbsent(pool.Name, poolId, host.Name, incarnation, report.Generation, status.Unload));
            await Turn.TellSystemAsync(EventTypes.BindingAbsent, EventLevel.Info, $"Host {host.Name} ({host.Id}) confirmed that the driver of storage pool {pool.Name} ({pool.Id}) is gone: {status.Unload ?? "nothing was running"}", ResourceTypes.StoragePool, poolId.Value, pool.Name, cancellationToken);
        }
        else if (changed.Desired == Desired.Attached && changed.Observed != binding.Observed && BindingState.Degraded is var degraded && (changed.Observed == degraded || binding.Observed == degraded))
        {
            await Turn.Part<BindingEvents>().TellHealthAsync(host, pool, changed.Observed == degraded, changed.Observed, error, cancellationToken);
        }

        await Turn.Part<BindingEvents>().TellDriverAsync(host, pool, binding, changed, cancellationToken);
        await Turn.Part<BindingEvents>().TellSuspendedAsync(host, pool, binding, changed, cancellationToken);
        await Turn.Part<BindingEvents>().TellSharingAsync(host, pool, binding, changed, cancellationToken);
        if (changed.Identity is { } identity && identity != binding.Identity)
        {
            await Turn.Part<PoolIdentities>().LearnAsync(host, pool, identity, cancellationToken);
        }

        if (status.Status?.Capacity is { } capacity && CapacityNews.IsNews(pool.CapacityBytes, pool.UsedBytes, pool.CapacityAsOf, capacity.TotalBytes, capacity.UsedBytes, Now))
        {
            await Db.StoragePools.Where(p => p.Id == poolId)
                .Set(p => p.CapacityBytes, capacity.TotalBytes)
                .Set(p => p.UsedBytes, capacity.UsedBytes)
                .Set(p => p.CapacityAsOf, Now)
                .UpdateAsync(cancellationToken);
        }

        Turn.Mark(poolId);
        if (changed is { Observed: BindingState.Attached, ControlPlane: PlaneHealth.Up } && binding.Observed != BindingState.Attached)
        {
            await Turn.Part<TemplateCopies>().SeedTemplatesAsync(cancellationToken);
            if (binding.Observed == BindingState.Degraded && await Turn.Part<Inventory>().ServingAsync(poolId, cancellationToken) is [var only] && only == incarnation)
            {
                // A backend that was away for everybody may have come back as it was before.
                await Turn.Part<Inventory>().WantInventoryAsync(poolId, cancellationToken);
            }
        }
    }

    private static string? ErrorOf(ItemReport report, BindingStatus binding)
    {
        if (binding is { State: BindingState.Attached, Status.ControlPlane: PlaneHealth.Up })
        {
            return null;
        }

        var condition = ConditionTexts.TextOf(
            report.Conditions,
            ConditionType.DriverMissing,
            ConditionType.DriverStuck,
            ConditionType.Failed,
            ConditionType.Conflict,
            ConditionType.BackendUnhealthy,
            ConditionType.LedgerUnwritable,
            ConditionType.NotTaken);
        if (binding.Status?.Error is not { } error)
        {
            return condition;
        }

        var words = error.Backend is { Length: > 0 } backend && !error.Text.Contains(backend, StringComparison.Ordinal) ? $"{error.Text} ({backend})" : error.Text;
        return condition is null || condition.Contains(error.Text, StringComparison.Ordinal) ? condition ?? words : $"{condition}: {words}";
    }

    // A host that was taken out of the reckoning goes on trying to end its driver, and what it says of that is shown.
    private async Task ObserveAbsolvedAsync(HostRow host, IncarnationId incarnation, PoolId pool, BindingStatus status, bool isConfirmedAbsent, CancellationToken cancellationToken)
    {
        var absolved = await Db.Bindings.FirstOrDefaultAsync(b => b.IncarnationId == incarnation && b.PoolId == pool && b.Absolved != null && b.Observed != BindingState.Absent, cancellationToken);
        if (absolved is null || !isConfirmedAbsent)
        {
            return;
        }

        await Db.UpdateAsync(absolved with { Observed = status.State, DriverPid = null, Conditions = "[]", Error = null, Unload = status.Unload ?? absolved.Unload }, token: cancellationToken);
        await Turn.TellSystemAsync(
            EventTypes.BindingAbsent,
            EventLevel.Info,
            $"Host {host.Name} ({host.Id}), which was absolved of storage pool {pool}, confirmed after all that its driver is gone: {status.Unload ?? "nothing was running"}",
            ResourceTypes.StoragePool,
            pool.Value,
            null,
            cancellationToken);
    }

    [LoggerMessage(EventId = 2108, Level = LogLevel.Information, Message = "Driver of storage pool {Pool} ({PoolId}) is unloaded on host {Host} ({IncarnationId}), generation {Generation}: {Unload}")]
    private partial void LogBindingAbsent(string pool, PoolId poolId, string host, IncarnationId incarnationId, Generation generation, string? unload);
}
