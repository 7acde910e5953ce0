using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Operations;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Reconcile;

/// <summary>What hosts say.</summary>
internal sealed partial class Turn
{
    /// <summary>Takes what a host says about an item.</summary>
    public async Task ObserveAsync(HostRow host, IncarnationId incarnation, ItemReport report, CancellationToken cancellationToken)
    {
        var item = await Db.HostItems.FirstOrDefaultAsync(i => i.IncarnationId == incarnation && i.Kind == report.Kind && i.Id == report.Id, cancellationToken);
        if (item is null)
        {
            if (!IsAbsent(report))
            {
                Db.AfterCommit(() => LogUnknownItem(host.Name, incarnation, report.Kind, report.Id));
            }

            return;
        }

        // What the backend does not know any more shows first where it is used.
        foreach (var pool in report.Conditions.Where(c => c is { Code: DriverErrorCode.NotFound, PoolId: not null }).Select(c => c.PoolId!.Value).Distinct())
        {
            if (await Db.Bindings.AnyAsync(b => b.IncarnationId == incarnation && b.PoolId == pool && b.Absent == null, cancellationToken))
            {
                await WantInventoryAsync(pool, cancellationToken);
            }
        }

        var isConfirmedAbsent = item.Desired == Desired.Absent && report.Generation >= item.Generation && IsAbsent(report);
        if (isConfirmedAbsent)
        {
            await Db.HostItems.Where(i => i.IncarnationId == incarnation && i.Kind == report.Kind && i.Id == report.Id).DeleteAsync(cancellationToken);
        }
        else
        {
            await Db.HostItems.Where(i => i.IncarnationId == incarnation && i.Kind == report.Kind && i.Id == report.Id)
                .Set(i => i.ObservedGeneration, report.Generation)
                .Set(i => i.Observed, JsonSerializer.Serialize(report.Task is { Listing: not null } task ? report with { Task = task with { Listing = null } } : report, HostJson.Default.ItemReport))
                .Set(i => i.Reported, Now)
                .UpdateAsync(cancellationToken);
        }

        switch (report)
        {
            case { Kind: ItemKind.Binding, Binding: { } binding }:
                await ObserveBindingAsync(host, incarnation, report, binding, isConfirmedAbsent, cancellationToken);
                break;
            case { Kind: ItemKind.Machine, Machine: { } machine }:
                await ObserveMachineAsync(item, report, machine, cancellationToken);
                break;
            case { Kind: ItemKind.Task, Task: { } task }:
                await ObserveTaskAsync(item, report, task, cancellationToken);
                break;
            default:
                break;
        }
    }

    /// <summary>Takes what a host says about something owed: the host's ledger is the truth, this is its mirror.</summary>
    /// <returns>Why it is not this host's to say; null: it is taken.</returns>
    public async Task<string?> ObserveAsync(HostRow host, IncarnationId incarnation, ObligationReport report, CancellationToken cancellationToken)
    {
        var known = await Db.Obligations.FirstOrDefaultAsync(o => o.Id == report.Id, cancellationToken);

        // A host that was installed anew and kept its ledger goes on with what it owed. Nobody else can speak for it: the installation before was retired.
        if (known is not null && known.HostId != host.Id)
        {
            return $"obligation {report.Id} is another host's";
        }

        if (known is not null && (known.Kind, known.PoolId, known.VolumeId) != (report.Kind, report.PoolId, report.VolumeId))
        {
            return $"obligation {report.Id} was told as {known.Kind} of volume {known.VolumeId} on storage pool {known.PoolId}, and now as {report.Kind} of volume {report.VolumeId} on storage pool {report.PoolId}";
        }

        if (known is null && !await Db.Bindings.AnyAsync(b => b.HostId == host.Id && b.PoolId == report.PoolId, cancellationToken))
        {
            return $"obligation {report.Id} is owed to storage pool {report.PoolName} ({report.PoolId}), which host {host.Name} never had";
        }

        var isOpen = report.State == ObligationState.Owed;
        var row = new ObligationRow
        {
            Id = report.Id,
            IncarnationId = incarnation,
            HostId = host.Id,
            Kind = report.Kind,
            State = report.State,
            PoolId = report.PoolId,
            PoolName = report.PoolName,
            VolumeId = report.VolumeId,
            VmId = report.VmId,
            BackendName = report.BackendName,
            Generation = report.Generation,
            Cause = report.Cause,
            LastError = report.LastError,
            Tries = report.Tries,
            HostCreated = report.CreatedAt,
            NextTry = isOpen ? report.NextTryAt : null,
            Created = known?.Created ?? Now,
            Updated = Now,
            Settled = isOpen ? null : known?.Settled ?? Now,
            ForgottenBy = known?.ForgottenBy,
            Reason = known?.Reason,
            Alerted = known?.Alerted,
        };
        if (known is null)
        {
            await Db.InsertAsync(row, token: cancellationToken);
        }
        else if (known.State == ObligationState.Owed)
        {
            await Db.UpdateAsync(row, token: cancellationToken);
        }
        else
        {
            return null; // Final states stay: a repeated or late report of an older one changes nothing.
        }

        // A settled release is everyday work; what stays owed, and what nobody will do any more, is somebody's business.
        var wasTold = known is { Tries: > 0 };
        if (isOpen && report.Tries > 0 && !wasTold)
        {
            Db.AfterCommit(() => LogObligationOwed(row.PoolName, row.PoolId, row.Kind, row.VolumeId, row.BackendName, host.Name, row.Id, row.LastError ?? row.Cause, row.NextTry));
            await TellObligationAsync(EventTypes.ObligationCreated, EventLevel.Warn, row, $"is owed by host {host.Name}: {row.LastError ?? row.Cause}", cancellationToken);
        }
        else if (!isOpen)
        {
            if (wasTold || report.State is ObligationState.Orphaned or ObligationState.Forgotten)
            {
                Db.AfterCommit(() => LogObligationEnded(row.Id, row.Kind, row.VolumeId, row.PoolName, row.PoolId, row.State, row.Tries));
            }

            switch (report.State)
            {
                case ObligationState.Settled when wasTold:
                    await TellObligationAsync(EventTypes.ObligationSettled, EventLevel.Info, row, $"was settled by host {host.Name} after {row.Tries} tries", cancellationToken);
                    break;
                case ObligationState.Superseded when wasTold:
                    await TellObligationAsync(EventTypes.ObligationSuperseded, EventLevel.Info, row, $"is void on host {host.Name}: {row.LastError ?? "something newer wants the volume"}", cancellationToken);
                    break;
                case ObligationState.Orphaned:
                    await TellObligationAsync(EventTypes.ObligationOrphaned, EventLevel.Warn, row, $"was given up with its storage pool; what is left at the backend is {row.BackendName ?? "not known"}: {row.LastError ?? row.Cause}", cancellationToken);
                    break;
                case ObligationState.Forgotten:
                    await TellObligationAsync(EventTypes.ObligationForgotten, EventLevel.Warn, row, $"was written off by {row.ForgottenBy ?? "an operator on the host"}: {row.Reason ?? "no reason recorded"}", cancellationToken);
                    break;
                default:
                    break;
            }
        }

        if (report.Kind == ObligationKind.DeleteVolume)
        {
            await ObserveDeletionAsync(row, cancellationToken);
        }

        return null;
    }

    private static bool IsAbsent(ItemReport report) => report switch
    {
        { Binding: { } binding } => binding.State == BindingState.Absent,
        { Machine: { } machine } => machine.State == MachineState.Absent,
        { Task: { } task } => task.State == TaskState.Absent,
        _ => false,
    };

    private static string? ErrorOf(ItemReport report, BindingStatus binding)
    {
        if (binding is { State: BindingState.Attached, Status.ControlPlane: PlaneHealth.Up })
        {
            return null;
        }

        var condition = TextOf(
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

    private async Task TellHealthAsync(HostRow host, StoragePoolRow pool, bool isWorse, BindingState? state, string? error, CancellationToken cancellationToken)
    {
        var since = Now - FlapRule.Window;
        var told = pool.Flapping is not null ? 0 : await Db.Events.CountAsync(
            e => e.ResourceId == pool.Id.Value && e.Created > since && (e.Type == EventTypes.BindingDegraded || e.Type == EventTypes.BindingRecovered),
            cancellationToken);
        switch (FlapRule.Change(pool.Flapping, told))
        {
            case FlapVerdict.TellChange:
                await TellSystemAsync(
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
                await TellSystemAsync(
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
        await TellSystemAsync(
            EventTypes.PoolSteady,
            serving == bindings.Count ? EventLevel.Info : EventLevel.Warn,
            $"Storage pool {pool.Name} ({pool.Id}) has been steady for {FlapRule.Steady.TotalMinutes:0} minutes: it serves on {serving} of {bindings.Count} hosts",
            ResourceTypes.StoragePool,
            id.Value,
            pool.Name,
            cancellationToken);
    }

    private async Task ObserveBindingAsync(HostRow host, IncarnationId incarnation, ItemReport report, BindingStatus status, bool isConfirmedAbsent, CancellationToken cancellationToken)
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
            await TellSystemAsync(EventTypes.BindingAbsent, EventLevel.Info, $"Host {host.Name} ({host.Id}) confirmed that the driver of storage pool {pool.Name} ({pool.Id}) is gone: {status.Unload ?? "nothing was running"}", ResourceTypes.StoragePool, poolId.Value, pool.Name, cancellationToken);
        }
        else if (changed.Desired == Desired.Attached && changed.Observed != binding.Observed && BindingState.Degraded is var degraded && (changed.Observed == degraded || binding.Observed == degraded))
        {
            await TellHealthAsync(host, pool, changed.Observed == degraded, changed.Observed, error, cancellationToken);
        }

        await TellDriverAsync(host, pool, binding, changed, cancellationToken);
        await TellSuspendedAsync(host, pool, binding, changed, cancellationToken);
        await TellSharingAsync(host, pool, binding, changed, cancellationToken);
        if (status.Status?.Capacity is { } capacity && (capacity.TotalBytes != pool.CapacityBytes || capacity.UsedBytes != pool.UsedBytes))
        {
            await Db.StoragePools.Where(p => p.Id == poolId)
                .Set(p => p.CapacityBytes, capacity.TotalBytes)
                .Set(p => p.UsedBytes, capacity.UsedBytes)
                .Set(p => p.CapacityAsOf, Now)
                .UpdateAsync(cancellationToken);
        }

        Mark(poolId);
        if (changed is { Observed: BindingState.Attached, ControlPlane: PlaneHealth.Up } && binding.Observed != BindingState.Attached)
        {
            await SeedTemplatesAsync(cancellationToken);
            if (binding.Observed == BindingState.Degraded && await ServingAsync(poolId, cancellationToken) is [var only] && only == incarnation)
            {
                // A backend that was away for everybody may have come back as it was before.
                await WantInventoryAsync(poolId, cancellationToken);
            }
        }
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
        await TellSystemAsync(
            EventTypes.BindingAbsent,
            EventLevel.Info,
            $"Host {host.Name} ({host.Id}), which was absolved of storage pool {pool}, confirmed after all that its driver is gone: {status.Unload ?? "nothing was running"}",
            ResourceTypes.StoragePool,
            pool.Value,
            null,
            cancellationToken);
    }

    // Once each: the agent tries a build that does not start again and again, with the same words.
    private async Task TellDriverAsync(HostRow host, StoragePoolRow pool, BindingRow before, BindingRow now, CancellationToken cancellationToken)
    {
        var (served, serves) = (Remark(before), Remark(now));
        if (serves is not null && served is null)
        {
            await TellAsync(EventTypes.DriverNotUpgraded, EventLevel.Warn, $"Host {host.Name} ({host.Id}): {serves}");
        }

        if (now.DriverVersion is { } version && before.DriverVersion is { } former && version != former)
        {
            await TellAsync(
                EventTypes.DriverUpgraded,
                EventLevel.Info,
                $"Storage pool {pool.Name} ({pool.Id}) is served on host {host.Name} ({host.Id}) by version {version} of driver {pool.Driver}; before it was {former}");
        }

        Task TellAsync(string type, EventLevel level, string text) =>
            TellSystemAsync(type, level, text, ResourceTypes.StoragePool, pool.Id.Value, pool.Name, cancellationToken);

        static string? Remark(BindingRow binding) => JsonSerializer.Deserialize(binding.Conditions, HostJson.Default.IReadOnlyListCondition)
            ?.FirstOrDefault(static condition => condition.Type == ConditionType.DriverNotUpgraded)?.Text;
    }

    private async Task TellSuspendedAsync(HostRow host, StoragePoolRow pool, BindingRow before, BindingRow now, CancellationToken cancellationToken)
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
            await TellSystemAsync(EventTypes.IoSuspended, EventLevel.Warn, told, ResourceTypes.Volume, volume.Value, null, cancellationToken);
            await Db.InsertAsync(
                new AlertRow
                {
                    Id = new AlertId(NewId()), Type = AlertTypes.StorageMisc, Name = AlertTypes.StorageMiscName, Description = told, ResourceId = volume.Value, Created = Now,
                },
                token: cancellationToken);
        }

        // A driver that is being started anew, or a host that says nothing, tells nothing about I/O.
        foreach (var volume in waited.Keys.Where(volume => over.Contains(volume) && here.Contains(volume)))
        {
            await TellSystemAsync(
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

    // Once for the pool, whose backend was changed, not for each of its hosts. One that is being added is refused instead.
    private async Task TellSharingAsync(HostRow host, StoragePoolRow pool, BindingRow before, BindingRow now, CancellationToken cancellationToken)
    {
        var (was, becomes) = (ScopeRule.Objection(pool.Scope, before.NotShared), ScopeRule.Objection(pool.Scope, now.NotShared));
        if ((was is null) == (becomes is null)
            || pool.State is PoolState.Initialized or PoolState.Removed
            || await Db.Bindings.AnyAsync(b => b.PoolId == pool.Id && b.Absent == null && b.IncarnationId != now.IncarnationId && b.NotShared != null, cancellationToken))
        {
            return;
        }

        await TellSystemAsync(
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

    /// <summary>Looks whether templates that wait for a pool can be imported now.</summary>
    public async Task SeedTemplatesAsync(CancellationToken cancellationToken)
    {
        var waiting = await Db.Templates.Where(t => t.State == TemplateState.Pending && t.Removed == null).ToListAsync(cancellationToken);
        foreach (var template in waiting)
        {
            await SeedTemplateAsync(template, cancellationToken);
        }
    }

    private async Task ObserveMachineAsync(HostItemRow item, ItemReport report, MachineStatus machine, CancellationToken cancellationToken)
    {
        var id = new VmId(report.Id);
        if (machine.State == MachineState.Running && report.Generation >= item.Generation && item.Desired == Desired.Running)
        {
            // What the running guest gave up, and is not to have again, others may write. What it is only not seen to have it may have. What the VM has on
            // another host is that host's to say.
            var here = item.IncarnationId;
            var wanted = SpecOf(item)?.Disks.Select(d => d.VolumeId).ToHashSet() ?? [];
            var seen = machine.Disks.Select(d => d.VolumeId).Concat(machine.Unclear).ToHashSet();
            var leases = await Db.Leases.Where(l => l.VmId == id && l.IncarnationId == here).Select(l => l.VolumeId).ToListAsync(cancellationToken);
            foreach (var volume in leases.Where(v => !wanted.Contains(v) && !seen.Contains(v)))
            {
                await Db.Leases.Where(l => l.VolumeId == volume && l.VmId == id && l.IncarnationId == here).DeleteAsync(cancellationToken);
            }

            await ObserveSizesAsync(id, [.. machine.Disks.Where(d => wanted.Contains(d.VolumeId) && leases.Contains(d.VolumeId))], cancellationToken);
            var networks = JsonSerializer.Serialize([.. machine.Networks], StoredText.Default.ListString);
            await Db.Vms.Where(v => v.Id == id && v.IncarnationId == here && v.Networks != networks).Set(v => v.Networks, networks).UpdateAsync(cancellationToken);
        }

        Mark(id);
    }

    // A volume is as large as its guest sees it: backends round up, and what is copied or moved by less than that loses its end. One that is being resized is told by that.
    private async Task ObserveSizesAsync(VmId vm, IReadOnlyList<MachineDiskStatus> disks, CancellationToken cancellationToken)
    {
        var volumes = await Db.Volumes.Where(v => v.VmId == vm && v.Removed == null && v.State == VolumeState.Ready).Select(v => new { v.Id, v.SizeBytes }).ToListAsync(cancellationToken);
        foreach (var volume in volumes)
        {
            if (disks.FirstOrDefault(d => d.VolumeId == volume.Id) is { } disk && disk.SizeBytes > volume.SizeBytes)
            {
                await Db.Volumes.Where(v => v.Id == volume.Id).Set(v => v.SizeBytes, disk.SizeBytes).UpdateAsync(cancellationToken);
            }
        }
    }

    private async Task ObserveTaskAsync(HostItemRow item, ItemReport report, TaskStatus status, CancellationToken cancellationToken)
    {
        var id = new TaskId(report.Id);
        var task = await Db.Tasks.FirstOrDefaultAsync(t => t.Id == id && t.IncarnationId == item.IncarnationId, cancellationToken);
        if (task is not { State: WorkState.Pending or WorkState.Owed } || item.Desired == Desired.Absent || report.Generation < item.Generation)
        {
            return;
        }

        var state = status.State switch
        {
            TaskState.Done => WorkState.Done,
            TaskState.Failed => WorkState.Failed,
            TaskState.Owed => WorkState.Owed,
            TaskState.Absent => WorkState.Withdrawn,
            _ => WorkState.Pending,
        };
        var error = TextOf(report.Conditions, ConditionType.Failed, ConditionType.Conflict, ConditionType.LedgerUnwritable, ConditionType.BackendUnhealthy, ConditionType.DriverMissing)
            ?? (report.Conditions.Any(c => c.Type == ConditionType.Expired) ? "its time to begin had passed" : (report.Conditions is [var first, ..] ? first.Text : null));
        var code = report.Conditions.FirstOrDefault(c => c.Code is not null)?.Code;
        await TaskEndedAsync(
            task with { ErrorCode = code is { } known ? JsonNamingPolicy.KebabCaseLower.ConvertName(known.ToString()) : task.ErrorCode },
            state,
            state is WorkState.Failed or WorkState.Withdrawn ? error ?? "no reason given" : error,
            status,
            cancellationToken);
    }

    // A deletion that a person wrote off, or that went with its pool, will not be confirmed by anybody. One that another host has, or will get, may be.
    private async Task ObserveDeletionAsync(ObligationRow obligation, CancellationToken cancellationToken)
    {
        if (obligation.State is ObligationState.Forgotten or ObligationState.Orphaned)
        {
            var volume = await Db.Volumes.FirstOrDefaultAsync(
                v => v.Id == obligation.VolumeId && v.PoolId == obligation.PoolId && v.State == VolumeState.Expunging && v.Removed == null, cancellationToken);
            if (volume is not null && !await IsAnothersAsync(volume.TaskId))
            {
                if (volume.TaskId is { } task)
                {
                    await WithdrawTaskAsync(task, $"obligation {obligation.Id} is {obligation.State}", cancellationToken);
                }

                await ExpungedAsync(volume, $"its deletion is {obligation.State}; see obligation {obligation.Id} for what is left at the backend", cancellationToken);
            }

            var copy = await Db.TemplateCopies.FirstOrDefaultAsync(
                c => c.Id == obligation.VolumeId && c.PoolId == obligation.PoolId && c.State == TemplateCopyState.Deleting && c.Removed == null, cancellationToken);
            if (copy is not null && !await IsAnothersAsync(copy.TaskId))
            {
                await Db.UpdateAsync(copy with { State = TemplateCopyState.Gone, Removed = Now, TaskId = null }, token: cancellationToken);
            }
        }

        Mark(obligation.VolumeId);

        async Task<bool> IsAnothersAsync(TaskId? id) => id is { } task && await Db.Tasks.AnyAsync(
            t => t.Id == task && t.IncarnationId != obligation.IncarnationId && (t.State == WorkState.Pending || t.State == WorkState.Owed), cancellationToken);
    }

    // What an installation that is no more owed about a volume is void once another host has deleted the volume. Of an active installation only its own ledger
    // says what is owed.
    private async Task SupersedeOfRetiredAsync(VolumeId volume, CancellationToken cancellationToken)
    {
        var rows = await (from o in Db.Obligations
                          join i in Db.Incarnations on o.IncarnationId equals i.Id
                          where o.VolumeId == volume && o.State == ObligationState.Owed && i.State == IncarnationState.Retired
                          select o).ToListAsync(cancellationToken);
        foreach (var row in rows)
        {
            var ended = row with { State = ObligationState.Superseded, Settled = Now, Updated = Now, NextTry = null };
            await Db.UpdateAsync(ended, token: cancellationToken);
            await TellObligationAsync(EventTypes.ObligationSuperseded, EventLevel.Info, ended, "is void: its installation was retired, and another host has deleted the volume", cancellationToken);
        }
    }

    /// <summary>Tells once that an obligation has been owed for too long. Settled, orphaned, forgotten or told meanwhile: nothing follows.</summary>
    public async Task AlertAsync(ObligationId id, DateTimeOffset oldest, CancellationToken cancellationToken)
    {
        var row = await Db.Obligations.FirstOrDefaultAsync(o => o.Id == id && o.State == ObligationState.Owed && o.Alerted == null && o.Created <= oldest, cancellationToken);
        if (row is null)
        {
            return;
        }

        var host = await Db.Hosts.Where(h => h.Id == row.HostId).Select(h => h.Name).FirstOrDefaultAsync(cancellationToken);
        var age = Now - row.Created;
        var what = $"has been owed by host {host} for {(long)age.TotalMinutes} minutes: {row.LastError ?? row.Cause}";
        await Db.Obligations.Where(o => o.Id == id).Set(o => o.Alerted, Now).UpdateAsync(cancellationToken);
        await Db.InsertAsync(
            new AlertRow
            {
                Id = new AlertId(NewId()),
                Type = AlertTypes.StorageMisc,
                Name = AlertTypes.StorageMiscName,
                Description = DescribeObligation(row, what),
                ResourceId = id.Value,
                Created = Now,
            },
            token: cancellationToken);
        await TellObligationAsync(EventTypes.ObligationOld, EventLevel.Warn, row, what, cancellationToken);
    }

    private static string DescribeObligation(ObligationRow row, string what) =>
        $"{row.Kind} of volume {row.VolumeId} on storage pool {row.PoolName} ({row.PoolId}), obligation {row.Id}, {what}";

    private Task TellObligationAsync(string type, EventLevel level, ObligationRow row, string what, CancellationToken cancellationToken) =>
        TellSystemAsync(
            type,
            level,
            DescribeObligation(row, what),
            ResourceTypes.Obligation,
            row.Id.Value,
            null,
            cancellationToken);
}
