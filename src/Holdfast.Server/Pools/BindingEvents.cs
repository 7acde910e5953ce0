using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Pools;

/// <summary>What operators are told of storage pools on hosts.</summary>
internal sealed class BindingEvents : TurnPart, ITurnPart<BindingEvents>
{
    private BindingEvents(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static BindingEvents Of(Turn turn) => new(turn);

    /// <summary>Tells that a pool serves on a host, or does not; of one that flaps only that it does.</summary>
    public async Task TellHealthAsync(HostRow host, StoragePoolRow pool, bool isWorse, BindingState? state, string? error, CancellationToken cancellationToken)
    {
        var since = Now - FlapRule.Window;
        var told = pool.Flapping is not null ? 0 : await Db.Events.CountAsync(
            e => e.ResourceId == pool.Id.Value && e.Created > since && (e.Type == EventTypes.BindingDegraded || e.Type == EventTypes.BindingRecovered),
            cancellationToken);
        switch (FlapRule.Change(pool.Flapping, told))
        {
            case FlapVerdict.TellChange:
                await Turn.TellSystemAsync(
                    isWorse ? EventTypes.BindingDegraded : EventTypes.BindingRecovered,
                    isWorse ? EventLevel.Warn : EventLevel.Info,
                    isWorse
                        ? $"Storage pool {pool.Name} ({pool.Id}) does not serve on host {host.Name} ({host.Id}): {error ?? "no reason given"}"
                        : $"Storage pool {pool.Name} ({pool.Id}) on host {host.Name} ({host.Id}) is {state}",
                    ResourceTypes.StoragePool,
                    pool.Id.Value,
                    pool.Name,
                    cancellationToken);
                break;
            case FlapVerdict.TellFlapping:
                await Db.StoragePools.Where(p => p.Id == pool.Id).Set(p => p.Flapping, Now).UpdateAsync(cancellationToken);
                await Turn.TellSystemAsync(
                    EventTypes.PoolFlapping,
                    EventLevel.Warn,
                    $"The health of storage pool {pool.Name} ({pool.Id}) has changed more than {FlapRule.ToldOneByOne} times within an hour, last on host {host.Name} ({host.Id}): {error ?? $"{state}"}. Single changes are not told until it is steady for {FlapRule.Steady.TotalMinutes:0} minutes; listStoragePoolBindings shows how it is now",
                    ResourceTypes.StoragePool,
                    pool.Id.Value,
                    pool.Name,
                    cancellationToken);
                break;
            case FlapVerdict.Silence:
                break;
        }
    }

    /// <summary>Ends the silence about a flapping pool when it has been steady, and tells how it is.</summary>
    public async Task SteadyAsync(PoolId id, CancellationToken cancellationToken)
    {
        var pool = await Db.StoragePools.FirstOrDefaultAsync(p => p.Id == id && p.Flapping != null, cancellationToken);
        if (pool is null)
        {
            return;
        }

        var bindings = await Db.Bindings.Where(b => b.PoolId == id && b.Absent == null).ToListAsync(cancellationToken);
        if (!FlapRule.IsSteady(pool.Flapping!.Value, bindings.Max(b => (DateTimeOffset?)b.Since), Now))
        {
            return;
        }

        await Db.StoragePools.Where(p => p.Id == id).Set(p => p.Flapping, (DateTimeOffset?)null).UpdateAsync(cancellationToken);
        var serving = bindings.Count(b => b.Observed == BindingState.Attached);
        await Turn.TellSystemAsync(
            EventTypes.PoolSteady,
            serving == bindings.Count ? EventLevel.Info : EventLevel.Warn,
            $"Storage pool {pool.Name} ({pool.Id}) has been steady for {FlapRule.Steady.TotalMinutes:0} minutes: it serves on {serving} of {bindings.Count} hosts",
            ResourceTypes.StoragePool,
            id.Value,
            pool.Name,
            cancellationToken);
    }

    /// <summary>
    /// Tells that a driver was replaced, or that its new build does not start. Once each: the agent tries a build that does not start again and again, with the same words.
    /// </summary>
    public async Task TellDriverAsync(HostRow host, StoragePoolRow pool, BindingRow before, BindingRow now, CancellationToken cancellationToken)
    {
        var (served, serves) = (Remark(before), Remark(now));
        if (serves is not null && served is null)
        {
            await SayAsync(EventTypes.DriverNotUpgraded, EventLevel.Warn, $"Host {host.Name} ({host.Id}): {serves}");
        }

        if (now.DriverVersion is { } version && before.DriverVersion is { } former && version != former)
        {
            await SayAsync(
                EventTypes.DriverUpgraded,
                EventLevel.Info,
                $"Storage pool {pool.Name} ({pool.Id}) is served on host {host.Name} ({host.Id}) by version {version} of driver {pool.Driver}; before it was {former}");
        }

        Task SayAsync(string type, EventLevel level, string text) =>
            Turn.TellSystemAsync(type, level, text, ResourceTypes.StoragePool, pool.Id.Value, pool.Name, cancellationToken);

        static string? Remark(BindingRow binding) => JsonSerializer.Deserialize(binding.Conditions, HostJson.Default.IReadOnlyListCondition)
            ?.FirstOrDefault(static condition => condition.Type == ConditionType.DriverNotUpgraded)?.Text;
    }

    /// <summary>Tells of each volume whose I/O waits on a host, and when it does not any more.</summary>
    public async Task TellSuspendedAsync(HostRow host, StoragePoolRow pool, BindingRow before, BindingRow now, CancellationToken cancellationToken)
    {
        var (waited, waits) = (Waiting(before), Waiting(now));
        var fresh = waits.Keys.Where(volume => !waited.ContainsKey(volume)).ToHashSet();
        var over = waited.Keys.Where(volume => !waits.ContainsKey(volume)).ToHashSet();
        if (fresh.Count + over.Count == 0)
        {
            return;
        }

        // Of other pools' volumes this one's driver knows nothing.
        var here = await OnPoolAsync(pool.Id, [.. fresh.Union(over)], cancellationToken);
        foreach (var (volume, text) in waits.Where(pair => fresh.Contains(pair.Key) && here.Contains(pair.Key)))
        {
            var told = $"Host {host.Name} ({host.Id}): {text}";
            await Turn.TellSystemAsync(EventTypes.IoSuspended, EventLevel.Warn, told, ResourceTypes.Volume, volume.Value, null, cancellationToken);
            await Db.InsertAsync(
                new AlertRow
                {
                    Id = new AlertId(Turn.NewId()), Type = AlertTypes.StorageMisc, Name = AlertTypes.StorageMiscName, Description = told, ResourceId = volume.Value, Created = Now,
                },
                token: cancellationToken);
        }

        // A driver that is being started anew, or a host that says nothing, tells nothing about I/O.
        foreach (var volume in waited.Keys.Where(volume => over.Contains(volume) && here.Contains(volume)))
        {
            await Turn.TellSystemAsync(
                EventTypes.IoResumed,
                EventLevel.Info,
                $"Host {host.Name} ({host.Id}) does not report any more that I/O of volume {volume} on storage pool {pool.Name} ({pool.Id}) waits",
                ResourceTypes.Volume,
                volume.Value,
                null,
                cancellationToken);
        }

        static Dictionary<VolumeId, string> Waiting(BindingRow binding) => (JsonSerializer.Deserialize(binding.Conditions, HostJson.Default.IReadOnlyListCondition) ?? [])
            .Where(static condition => condition is { Type: ConditionType.IoSuspended, VolumeId: not null })
            .GroupBy(static condition => condition.VolumeId!.Value)
            .ToDictionary(static group => group.Key, static group => group.First().Text);
    }

    private async Task<HashSet<VolumeId>> OnPoolAsync(PoolId pool, IReadOnlyCollection<VolumeId> volumes, CancellationToken cancellationToken)
    {
        var here = await Db.Volumes.Where(v => v.PoolId == pool && volumes.Contains(v.Id)).Select(v => v.Id)
            .Concat(Db.TemplateCopies.Where(c => c.PoolId == pool && volumes.Contains(c.Id)).Select(c => c.Id))
            .ToListAsync(cancellationToken);
        return [.. here];
    }

    /// <summary>
    /// Tells that a pool can not be used by several hosts, or can again. Once for the pool, whose backend was changed, not for each of its hosts. One that is being added is refused instead.
    /// </summary>
    public async Task TellSharingAsync(HostRow host, StoragePoolRow pool, BindingRow before, BindingRow now, CancellationToken cancellationToken)
    {
        var (was, becomes) = (ScopeRule.Objection(pool.Scope, before.NotShared), ScopeRule.Objection(pool.Scope, now.NotShared));
        if ((was is null) == (becomes is null)
            || pool.State is PoolState.Initialized or PoolState.Removed
            || await Db.Bindings.AnyAsync(b => b.PoolId == pool.Id && b.Absent == null && b.IncarnationId != now.IncarnationId && b.NotShared != null, cancellationToken))
        {
            return;
        }

        await Turn.TellSystemAsync(
            becomes is null ? EventTypes.PoolShared : EventTypes.PoolNotShared,
            becomes is null ? EventLevel.Info : EventLevel.Warn,
            becomes is null
                ? $"Storage pool {pool.Name} ({pool.Id}) can be used by several hosts again, and takes new volumes"
                : $"Storage pool {pool.Name} ({pool.Id}) takes no new volumes, because its scope is {pool.Scope.ToString().ToUpperInvariant()}; what is on it goes on. Host {host.Name} ({host.Id}) says: {becomes}",
            ResourceTypes.StoragePool,
            pool.Id.Value,
            pool.Name,
            cancellationToken);
    }
}
