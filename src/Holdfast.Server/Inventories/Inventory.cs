using System.Globalization;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Reports;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tasks;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Inventories;

/// <summary>
/// What backends really have: one host of each pool is asked now and then for the list of the pool's volumes, part by part; what the list lacks is then asked about
/// one by one, through another host where there is one. Only what both looks miss is missing.
/// </summary>
internal sealed partial class Inventory : TurnPart, ITurnPart<Inventory>, IItemObserver, ITaskFollower
{
    /// <summary>How many volumes are named one by one in events and alerts.</summary>
    private const int NamedOneByOne = 10;

    private readonly ILogger _logger;

    private Inventory(Turn turn)
        : base(turn) => _logger = turn.LoggerOf<Inventory>();

    /// <inheritdoc/>
    public static Inventory Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public async Task ObserveAsync(ObservedItem seen, CancellationToken cancellationToken)
    {
        // What the backend does not know any more shows first where it is used.
        foreach (var pool in seen.Report.Conditions.Where(c => c is { Code: DriverErrorCode.NotFound, PoolId: not null }).Select(c => c.PoolId!.Value).Distinct())
        {
            if (await Db.Bindings.AnyAsync(b => b.IncarnationId == seen.Item.IncarnationId && b.PoolId == pool && b.Absent == null, cancellationToken))
            {
                await WantInventoryAsync(pool, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public async Task TaskChangedAsync(TaskRow task, WorkState state, string? error, TaskStatus? status, CancellationToken cancellationToken)
    {
        switch (task.Kind)
        {
            case WorkKind.ListVolumes:
                await InventoryEndedAsync(task, state, error, status?.Listing, cancellationToken);
                break;
            case WorkKind.DeleteVolume:
                await UnclaimedDeletedAsync(task, state, error, cancellationToken);
                break;
            default:
                break;
        }
    }

    /// <summary>Has a pool's backend looked at now, because a person asks.</summary>
    public Task TakeInventoryAsync(PoolId pool, CancellationToken cancellationToken) => InventoryDueAsync(pool, TimeSpan.Zero, cancellationToken);

    /// <summary>Has a pool's backend looked at soon; at most once in <see cref="ReconcileTimings.RetryPause"/>.</summary>
    public Task WantInventoryAsync(PoolId pool, CancellationToken cancellationToken) => InventoryDueAsync(pool, Turn.Timings.RetryPause, cancellationToken);

    /// <summary>Begins to look at a pool's backend when that is due and a host serves it.</summary>
    public async Task BeginInventoryAsync(PoolId poolId, CancellationToken cancellationToken)
    {
        var pool = await Db.StoragePools.FirstOrDefaultAsync(p => p.Id == poolId && p.Removed == null && (p.State == PoolState.Up || p.State == PoolState.Disabled), cancellationToken);
        if (pool is null)
        {
            return;
        }

        var period = (await SettingValues.ReadAsync(Turn, cancellationToken))[Setting.InventoryInterval];
        var inventory = await Db.Inventories.FirstOrDefaultAsync(i => i.PoolId == poolId, cancellationToken);
        if (inventory is null)
        {
            // Pools that are added together, or met after an upgrade, are not looked at in the same moment.
            await Db.InsertAsync(NewInventory(poolId, Now + Spread(period, 0.5, 1.0)), token: cancellationToken);
            return;
        }

        var task = InventoryTask(poolId);
        if (inventory.Due > Now || await Db.Tasks.AnyAsync(t => t.Id == task && t.State == WorkState.Pending, cancellationToken))
        {
            return;
        }

        var serving = await ServingAsync(poolId, cancellationToken);
        if (serving.Count == 0)
        {
            return;
        }

        // Another host each time: what one of them cannot see, another may.
        var host = serving[(int)(inventory.Generation.Value / 2 % serving.Count)];
        await AskInventoryAsync(
            pool,
            inventory with { Due = Now + Spread(period, 0.9, 1.1), AfterId = null, SecondLook = false, Suspects = "[]", Found = 0, Lacking = 0 },
            host,
            cancellationToken);
    }

    // A part of a look is over: compares, and asks for the next.
    private async Task InventoryEndedAsync(TaskRow task, WorkState state, string? error, VolumeListing? listing, CancellationToken cancellationToken)
    {
        var inventory = await Db.Inventories.FirstOrDefaultAsync(i => i.PoolId == task.PoolId, cancellationToken);
        var pool = await Db.StoragePools.FirstOrDefaultAsync(p => p.Id == task.PoolId && p.Removed == null, cancellationToken);
        if (inventory is null || pool is null || state is WorkState.Pending or WorkState.Owed)
        {
            return;
        }

        if (state != WorkState.Done || listing is null)
        {
            await Db.UpdateAsync(inventory with { Error = error ?? "the host told no list", Due = Min(inventory.Due, Now + Turn.Timings.RetryPause) }, token: cancellationToken);
            return;
        }

        var suspects = JsonSerializer.Deserialize(inventory.Suspects, StoredText.Default.ListVolumeId) ?? [];
        var asked = suspects.Take(TaskSpec.ListVolumes.MostOnly).ToHashSet();
        var isSpokenOf = inventory.SecondLook ? asked.Contains : PartOf(inventory.AfterId, listing.Through);
        var known = (await KnownOnPoolAsync(pool.Id, cancellationToken)).Where(k => isSpokenOf(k.Id)).ToList();
        var findings = InventoryPlanner.Compare(new InventoryFacts
        {
            Asked = task.Created,
            IsSecondLook = inventory.SecondLook,
            IsWholesale = InventoryPlanner.IsWholesale(inventory.Found, inventory.Lacking),
            Known = known,
            Seen = [.. listing.Volumes.Select(v => new SeenVolume(v.VolumeId, v.Generation, v.Sealed))],
            Unclear = listing.Unclear,
        });
        await ApplyAsync(pool, findings, cancellationToken);
        if (inventory.SecondLook)
        {
            suspects = [.. suspects.Skip(asked.Count)];
        }
        else
        {
            await NoteUnclaimedAsync(pool, task.Created, inventory.AfterId is null, isSpokenOf, known, listing, cancellationToken);
            var there = listing.Volumes.Select(v => v.VolumeId).ToHashSet();
            suspects = [.. suspects, .. findings.OfType<InventoryFinding.Suspect>().Select(f => f.Volume)];
            inventory = inventory with
            {
                AfterId = listing.Through,
                SecondLook = listing.Through is null,
                Found = inventory.Found + known.Count(k => there.Contains(k.Id)),
                Lacking = inventory.Lacking + known.Count(k => !there.Contains(k.Id) && InventoryPlanner.IsSpokenOf(k, task.Created)),
            };
        }

        inventory = inventory with { Suspects = JsonSerializer.Serialize(suspects, StoredText.Default.ListVolumeId) };
        if (inventory.SecondLook && suspects.Count == 0)
        {
            await Db.UpdateAsync(await TellMissingAsync(pool, inventory with { Completed = Now, Error = null }, cancellationToken), token: cancellationToken);
            return;
        }

        // The second look is another's, where there is another: a host that speaks to the wrong backend makes nothing missing by itself.
        var serving = inventory.SecondLook ? await ServingAsync(pool.Id, cancellationToken) : [];
        var host = serving.Where(i => i != task.IncarnationId).Cast<IncarnationId?>().FirstOrDefault() ?? task.IncarnationId;
        await AskInventoryAsync(pool, inventory, host, cancellationToken);
    }

    private async Task AskInventoryAsync(StoragePoolRow pool, InventoryRow inventory, IncarnationId host, CancellationToken cancellationToken)
    {
        var suspects = JsonSerializer.Deserialize(inventory.Suspects, StoredText.Default.ListVolumeId) ?? [];
        var spec = new TaskSpec.ListVolumes
        {
            PoolId = pool.Id,
            PoolName = pool.Name,
            After = inventory.AfterId,
            Only = inventory.SecondLook ? [.. suspects.Take(TaskSpec.ListVolumes.MostOnly)] : [],
        };
        var generation = inventory.Generation.Next;
        var deadline = Now + Turn.Timings.ChangeDeadline;
        var task = new TaskRow
        {
            Id = InventoryTask(pool.Id),
            IncarnationId = host,
            PoolId = pool.Id,
            Kind = WorkKind.ListVolumes,
            State = WorkState.Pending,
            Created = Now,
            Deadline = deadline,
        };
        if (await Db.UpdateAsync(task, token: cancellationToken) == 0)
        {
            await Db.InsertAsync(task, token: cancellationToken);
        }

        await Turn.PutItemAsync(host, ItemKind.Task, pool.Id.Value, generation, Desired.Done, JsonSerializer.Serialize(spec, HostJson.Default.TaskSpec), deadline, cancellationToken);

        // The next look is newer than this one's tombstone.
        await Db.UpdateAsync(inventory with { Generation = generation.Next }, token: cancellationToken);
    }

    /// <summary>The installations on which a pool is served now, in the order of their ids.</summary>
    public async Task<List<IncarnationId>> ServingAsync(PoolId pool, CancellationToken cancellationToken) =>
        await (from b in Db.Bindings
               join h in Db.Hosts on b.HostId equals h.Id
               where b.PoolId == pool && b.Absent == null && b.Desired == Desired.Attached && b.Observed == BindingState.Attached && b.ControlPlane == PlaneHealth.Up
                   && h.State == HostState.Up && h.IncarnationId == b.IncarnationId && h.Removed == null
               orderby b.IncarnationId
               select b.IncarnationId).ToListAsync(cancellationToken);

    private async Task<List<KnownVolume>> KnownOnPoolAsync(PoolId pool, CancellationToken cancellationToken)
    {
        var volumes = await Db.Volumes
            .Where(v => v.PoolId == pool && v.Removed == null && (v.State == VolumeState.Ready || v.State == VolumeState.Destroy))
            .Select(v => new { v.Id, v.Generation, v.StateSince, v.State, v.LeaseGeneration, v.Missing })
            .ToListAsync(cancellationToken);
        var copies = await Db.TemplateCopies
            .Where(c => c.PoolId == pool && c.Removed == null && c.State == TemplateCopyState.Ready)
            .Select(c => new { c.Id, c.Generation, c.Created })
            .ToListAsync(cancellationToken);
        var busy = (await Db.Tasks
            .Where(t => t.PoolId == pool && t.VolumeId != null && (t.State == WorkState.Pending || t.State == WorkState.Owed))
            .Select(t => t.VolumeId!.Value)
            .ToListAsync(cancellationToken)).ToHashSet();
        busy.UnionWith(await Db.Obligations
            .Where(o => o.PoolId == pool && o.State == ObligationState.Owed && o.Kind == ObligationKind.DeleteVolume)
            .Select(o => o.VolumeId)
            .ToListAsync(cancellationToken));
        return
        [
            .. volumes.Select(v => new KnownVolume
            {
                Id = v.Id,
                Generation = v.Generation,
                Since = v.StateSince,
                IsBusy = busy.Contains(v.Id),
                IsUnused = v.State == VolumeState.Ready && v.LeaseGeneration == Generation.None,
                IsMissing = v.Missing is not null,
            }),
            .. copies.Select(c => new KnownVolume { Id = c.Id, Generation = c.Generation, Since = c.Created, IsCopy = true, IsBusy = busy.Contains(c.Id) }),
        ];
    }

    private async Task ApplyAsync(StoragePoolRow pool, IReadOnlyList<InventoryFinding> findings, CancellationToken cancellationToken)
    {
        var back = findings.OfType<InventoryFinding.Back>().Select(f => f.Volume).ToList();
        var missing = findings.OfType<InventoryFinding.Missing>().Select(f => f.Volume).ToList();
        foreach (var part in back.Chunk(500))
        {
            await Db.Volumes.Where(v => part.Contains(v.Id)).Set(v => v.Missing, (DateTimeOffset?)null).UpdateAsync(cancellationToken);
        }

        foreach (var part in missing.Chunk(500))
        {
            await Db.Volumes.Where(v => part.Contains(v.Id)).Set(v => v.Missing, Now).UpdateAsync(cancellationToken);
        }

        foreach (var given in findings.OfType<InventoryFinding.GiveUpCopy>())
        {
            await Turn.Part<TemplateCopies>().GiveUpCopyAsync(await Db.TemplateCopies.SingleAsync(c => c.Id == given.Volume, cancellationToken), given.Why, cancellationToken);
        }

        foreach (var again in findings.OfType<InventoryFinding.MakeAgain>())
        {
            await MakeAgainAsync(pool, again.Volume, cancellationToken);
        }

        if (back.Count is > 0 and <= NamedOneByOne)
        {
            var found = await Db.Volumes.Where(v => back.Contains(v.Id)).ToListAsync(cancellationToken);
            await Turn.Part<VolumeEvents>().TellOfVolumesAsync(EventTypes.VolumeFound, EventLevel.Info, found, v => $"Volume {v.Name} ({v.Id}) is there again: the backend of storage pool {pool.Name} ({pool.Id}) knows it", cancellationToken);
        }
        else if (back.Count > 0)
        {
            await TellPoolAsync(pool, EventTypes.VolumeFound, EventLevel.Info, $"{back.Count} volumes that were missing are there again: the backend of storage pool {pool.Name} ({pool.Id}) knows them", cancellationToken);
        }
    }

    // Nobody ever wrote to it, so nothing is lost: it is as one that was not made yet.
    private async Task MakeAgainAsync(StoragePoolRow pool, VolumeId id, CancellationToken cancellationToken)
    {
        var volume = await Db.Volumes.SingleAsync(v => v.Id == id, cancellationToken);
        await Db.UpdateAsync(
            volume with
            {
                State = VolumeState.Allocated,
                StateSince = Now,
                Generation = volume.Generation.Next,
                TemplateCopyId = null,
                BackendName = null,
                Missing = null,
                Condition = null,
            },
            token: cancellationToken);
        await Turn.Part<VolumeEvents>().TellOfVolumesAsync(
            EventTypes.VolumeMadeAgain,
            EventLevel.Warn,
            [volume],
            v => $"Volume {v.Name} ({v.Id}) was lost by the backend of storage pool {pool.Name} ({pool.Id}) before anybody wrote to it; it is made again when it is next needed",
            cancellationToken);
        Turn.Mark(id);
    }

    // Told when a look is complete, once for each volume: one alert a pool, however many there are.
    private async Task<InventoryRow> TellMissingAsync(StoragePoolRow pool, InventoryRow inventory, CancellationToken cancellationToken)
    {
        var missing = await Db.Volumes
            .Where(v => v.PoolId == pool.Id && v.Missing != null && v.Removed == null)
            .OrderByDescending(v => v.Missing)
            .ThenBy(v => v.Id)
            .ToListAsync(cancellationToken);
        if (missing.Count == 0)
        {
            await Db.Alerts.Where(a => a.ResourceId == pool.Id.Value && a.Name == AlertTypes.VolumesMissingName).DeleteAsync(cancellationToken);
            return inventory;
        }

        var fresh = missing.Where(v => inventory.Told is not { } told || v.Missing > told).ToList();
        if (fresh.Count == 0)
        {
            return inventory;
        }

        var named = fresh.Take(NamedOneByOne).ToList();
        var owners = named.Where(v => v.VmId != null).Select(v => v.VmId!.Value).ToList();
        var vms = await Db.Vms.Where(v => owners.Contains(v.Id)).ToDictionaryAsync(v => v.Id, v => v.Name, cancellationToken);
        string Name(VolumeRow v) => $"volume {v.Name} ({v.Id})" + (v.VmId is { } vm ? $" of VM {vms.GetValueOrDefault(vm)} ({vm})" : string.Empty);
        var isWholesale = InventoryPlanner.IsWholesale(inventory.Found, inventory.Lacking);
        var text = $"The backend of storage pool {pool.Name} ({pool.Id}) does not know {fresh.Count} {(fresh.Count == 1 ? "volume" : "volumes")} that it had confirmed"
            + (missing.Count > fresh.Count ? $" ({missing.Count.ToString(CultureInfo.InvariantCulture)} in all)" : string.Empty)
            + $": {string.Join(", ", named.Select(Name))}{(fresh.Count > named.Count ? $" and {fresh.Count - named.Count} more" : string.Empty)}. None is made anew"
            + (isWholesale ? "; it knows no volume of this pool at all, so it may be another backend, or one that was set up afresh" : string.Empty);
        await Db.InsertAsync(
            new AlertRow
            {
                Id = new AlertId(Turn.NewId()),
                Type = AlertTypes.StorageMisc,
                Name = AlertTypes.VolumesMissingName,
                Description = text,
                ResourceId = pool.Id.Value,
                Created = Now,
            },
            token: cancellationToken);
        if (fresh.Count > NamedOneByOne)
        {
            await TellPoolAsync(pool, EventTypes.VolumeMissing, EventLevel.Error, text, cancellationToken);
        }
        else
        {
            await Turn.Part<VolumeEvents>().TellOfVolumesAsync(
                EventTypes.VolumeMissing,
                EventLevel.Error,
                fresh,
                v => $"The backend of storage pool {pool.Name} ({pool.Id}) does not know {Name(v)} any more. It is not made anew",
                cancellationToken);
        }

        Db.AfterCommit(() => LogVolumesMissing(pool.Name, pool.Id, fresh.Count, text));
        return inventory with { Told = Now };
    }

    private async Task NoteUnclaimedAsync(
        StoragePoolRow pool, DateTimeOffset asked, bool isFirst, Func<VolumeId, bool> isSpokenOf, IReadOnlyList<KnownVolume> known, VolumeListing listing, CancellationToken cancellationToken)
    {
        var named = known.Select(k => k.Id).ToHashSet();
        var candidates = listing.Volumes.Where(v => !named.Contains(v.VolumeId)).ToList();
        named.UnionWith(await NamedAsync(candidates.Select(v => v.VolumeId), asked, cancellationToken));
        var now = candidates.Where(v => !named.Contains(v.VolumeId))
            .Select(v => new UnclaimedVolumeRow { PoolId = pool.Id, Name = v.BackendName, VolumeId = v.VolumeId, Generation = v.Generation, SizeBytes = v.SizeBytes, Since = Now })
            .Concat(listing.Strays.Select(s => new UnclaimedVolumeRow { PoolId = pool.Id, Name = s.Name, Why = s.Why, Since = Now }))
            .DistinctBy(u => u.Name)
            .ToDictionary(u => u.Name);
        var before = await Db.UnclaimedVolumes.Where(u => u.PoolId == pool.Id).ToListAsync(cancellationToken);
        foreach (var row in before.Where(u => u.VolumeId is { } id ? isSpokenOf(id) : isFirst))
        {
            if (!now.Remove(row.Name, out var seen))
            {
                await Db.UnclaimedVolumes.Where(u => u.PoolId == row.PoolId && u.Name == row.Name).DeleteAsync(cancellationToken);
            }
            else if ((seen.VolumeId, seen.Generation, seen.SizeBytes, seen.Why) != (row.VolumeId, row.Generation, row.SizeBytes, row.Why))
            {
                await Db.UpdateAsync(row with { VolumeId = seen.VolumeId, Generation = seen.Generation, SizeBytes = seen.SizeBytes, Why = seen.Why }, token: cancellationToken);
            }
        }

        var fresh = now.Values.Where(u => before.TrueForAll(b => b.Name != u.Name)).ToList();
        if (fresh.Count > 0)
        {
            await Db.InsertAllAsync(fresh, cancellationToken);
            var names = string.Join(", ", fresh.Take(NamedOneByOne).Select(u => u.Name)) + (fresh.Count > NamedOneByOne ? $" and {fresh.Count - NamedOneByOne} more" : string.Empty);
            await TellPoolAsync(
                pool,
                EventTypes.UnclaimedFound,
                EventLevel.Warn,
                $"The backend of storage pool {pool.Name} ({pool.Id}) has {fresh.Count} {(fresh.Count == 1 ? "volume that belongs" : "volumes that belong")} to nobody: {names}. Nothing is removed by itself; see listUnclaimedVolumes",
                cancellationToken);
        }
    }

    /// <summary>Which of these volumes something on record speaks of, or spoke of after a time: a row, a task, an obligation.</summary>
    public async Task<HashSet<VolumeId>> NamedAsync(IEnumerable<VolumeId> volumes, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var named = new HashSet<VolumeId>();
        foreach (var part in volumes.Chunk(500))
        {
            named.UnionWith(await Db.Volumes.Where(v => part.Contains(v.Id) && (v.Removed == null || v.Removed >= since)).Select(v => v.Id).ToListAsync(cancellationToken));
            named.UnionWith(await Db.TemplateCopies.Where(c => part.Contains(c.Id) && (c.Removed == null || c.Removed >= since)).Select(c => c.Id).ToListAsync(cancellationToken));
            named.UnionWith(await Db.Leases.Where(l => part.Contains(l.VolumeId)).Select(l => l.VolumeId).ToListAsync(cancellationToken));
            named.UnionWith(await Db.Tasks
                .Where(t => t.VolumeId != null && part.Contains(t.VolumeId.Value) && (t.State == WorkState.Pending || t.State == WorkState.Owed) && !Db.UnclaimedVolumes.Any(u => u.TaskId == t.Id))
                .Select(t => t.VolumeId!.Value)
                .ToListAsync(cancellationToken));
            named.UnionWith(await Db.Obligations
                .Where(o => part.Contains(o.VolumeId) && (o.State == ObligationState.Owed || o.Settled >= since) && !Db.UnclaimedVolumes.Any(u => u.VolumeId == o.VolumeId && u.TaskId != null))
                .Select(o => o.VolumeId)
                .ToListAsync(cancellationToken));
        }

        return named;
    }

    // The task that was to delete something that belongs to nobody is over.
    private async Task UnclaimedDeletedAsync(TaskRow task, WorkState state, string? error, CancellationToken cancellationToken)
    {
        if (state is WorkState.Pending or WorkState.Owed || await Db.UnclaimedVolumes.FirstOrDefaultAsync(u => u.TaskId == task.Id, cancellationToken) is not { } row)
        {
            return;
        }

        var pool = await Db.StoragePools.SingleAsync(p => p.Id == row.PoolId, cancellationToken);
        if (state == WorkState.Done)
        {
            await Db.UnclaimedVolumes.Where(u => u.PoolId == row.PoolId && u.Name == row.Name).DeleteAsync(cancellationToken);
        }
        else
        {
            await Db.UpdateAsync(row with { TaskId = null, Error = error }, token: cancellationToken);
        }

        await TellPoolAsync(
            pool,
            EventTypes.UnclaimedDelete,
            state == WorkState.Done ? EventLevel.Info : EventLevel.Warn,
            state == WorkState.Done
                ? $"{row.Name}, which belonged to nobody, is deleted from storage pool {pool.Name} ({pool.Id}), as {row.RemovedBy} had asked: {row.Reason}"
                : $"{row.Name}, which belongs to nobody, is still on storage pool {pool.Name} ({pool.Id}): {error}",
            cancellationToken);
    }

    private Task TellPoolAsync(StoragePoolRow pool, string type, EventLevel level, string text, CancellationToken cancellationToken) =>
        Turn.TellSystemAsync(type, level, text, ResourceTypes.StoragePool, pool.Id.Value, pool.Name, cancellationToken);

    private async Task InventoryDueAsync(PoolId pool, TimeSpan afterTheLast, CancellationToken cancellationToken)
    {
        var inventory = await Db.Inventories.FirstOrDefaultAsync(i => i.PoolId == pool, cancellationToken);
        if (inventory is null)
        {
            await Db.InsertAsync(NewInventory(pool, Now), token: cancellationToken);
            return;
        }

        var due = inventory.Completed is { } completed && completed + afterTheLast > Now ? completed + afterTheLast : Now;
        await Db.Inventories.Where(i => i.PoolId == pool && i.Due > due).Set(i => i.Due, due).UpdateAsync(cancellationToken);
    }

    private static InventoryRow NewInventory(PoolId pool, DateTimeOffset due) =>
        new() { PoolId = pool, Generation = Generation.None, Due = due, SecondLook = false, Suspects = "[]", Found = 0, Lacking = 0 };

    private TimeSpan Spread(TimeSpan period, double from, double to) => period * (from + ((to - from) * Turn.NextRandom(1000) / 1000));

    private static DateTimeOffset Min(DateTimeOffset left, DateTimeOffset right) => left < right ? left : right;

    private static TaskId InventoryTask(PoolId pool) => new(pool.Value);

    // Ids are compared as the text that the host has ordered them by.
    private static Func<VolumeId, bool> PartOf(VolumeId? after, VolumeId? through)
    {
        var (from, to) = (after?.ToString(), through?.ToString());
        return id => (from is null || string.CompareOrdinal(id.ToString(), from) > 0) && (to is null || string.CompareOrdinal(id.ToString(), to) <= 0);
    }

    [LoggerMessage(EventId = 2112, Level = LogLevel.Error, Message = "Storage pool {Pool} ({PoolId}), {Count} missing: {Text}")]
    private partial void LogVolumesMissing(string pool, PoolId poolId, int count, string text);
}
