using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Obligations;

/// <summary>What hosts owe to backends, as they say it.</summary>
internal sealed partial class ObligationDesk : TurnPart, ITurnPart<ObligationDesk>
{
    private readonly ILogger _logger;

    private ObligationDesk(Turn turn)
        : base(turn) => _logger = turn.LoggerOf<ObligationDesk>();

    /// <inheritdoc/>
    public static ObligationDesk Of(Turn turn) => new(turn);

    /// <summary>Takes what a host says about something owed: the host's ledger is the truth, this is its mirror.</summary>
    /// <returns>Why it is not this host's to say; null: it is taken.</returns>
    public async Task<string?> ObserveObligationAsync(HostRow host, IncarnationId incarnation, ObligationReport report, CancellationToken cancellationToken)
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
            foreach (var follower in Turn.Parts<IObligationFollower>())
            {
                await follower.DeletionChangedAsync(row, cancellationToken);
            }
        }

        return null;
    }

    /// <summary>
    /// What an installation that is no more owed about a volume is void once another host has deleted the volume. Of an active installation only its own ledger says what is owed.
    /// </summary>
    public async Task SupersedeOfRetiredAsync(VolumeId volume, CancellationToken cancellationToken)
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
                Id = new AlertId(Turn.NewId()),
                Type = AlertTypes.StorageMisc,
                Name = AlertTypes.StorageMiscName,
                Description = DescribeObligation(row, what),
                ResourceId = id.Value,
                Created = Now,
            },
            token: cancellationToken);
        await TellObligationAsync(EventTypes.ObligationOld, EventLevel.Warn, row, what, cancellationToken);
    }

    /// <summary>An obligation in the words of events and alerts.</summary>
    public static string DescribeObligation(ObligationRow row, string what) =>
        $"{row.Kind} of volume {row.VolumeId} on storage pool {row.PoolName} ({row.PoolId}), obligation {row.Id}, {what}";

    private Task TellObligationAsync(string type, EventLevel level, ObligationRow row, string what, CancellationToken cancellationToken) =>
        Turn.TellSystemAsync(
            type,
            level,
            DescribeObligation(row, what),
            ResourceTypes.Obligation,
            row.Id.Value,
            null,
            cancellationToken);

    /// <summary>
    /// What an installation that is no more owes to a removed pool will be done by nobody: it becomes an orphan, listed by its name at the backend.
    /// </summary>
    public async Task OrphanOfRetiredAsync(PoolId pool, CancellationToken cancellationToken)
    {
        var rows = await (from o in Db.Obligations
                          join i in Db.Incarnations on o.IncarnationId equals i.Id
                          where o.PoolId == pool && o.State == ObligationState.Owed && i.State == IncarnationState.Retired
                          select o).ToListAsync(cancellationToken);
        await OrphanAsync(rows, "will be done by nobody: its storage pool was removed and the installation that owed it was retired", cancellationToken);
    }

    /// <summary>Obligations that nobody will do any more.</summary>
    public async Task OrphanAsync(IReadOnlyList<ObligationRow> rows, string why, CancellationToken cancellationToken)
    {
        foreach (var row in rows)
        {
            var orphan = row with { State = ObligationState.Orphaned, Settled = Now, Updated = Now, NextTry = null };
            await Db.UpdateAsync(orphan, token: cancellationToken);
            await TellObligationAsync(EventTypes.ObligationOrphaned, EventLevel.Warn, orphan, $"{why}; what is left at the backend is {row.BackendName ?? "not known"}", cancellationToken);
        }
    }

    [LoggerMessage(EventId = 2109, Level = LogLevel.Warning, Message = "Owed to storage pool {Pool} ({PoolId}): {Kind} of volume {VolumeId} ({BackendName}) by host {Host}, obligation {ObligationId}: {Cause}; next try {NextTry}")]
    private partial void LogObligationOwed(string pool, PoolId poolId, Holdfast.Protocol.Host.ObligationKind kind, VolumeId volumeId, string? backendName, string host, ObligationId obligationId, string cause, DateTimeOffset? nextTry);

    [LoggerMessage(EventId = 2110, Level = LogLevel.Information, Message = "Obligation {ObligationId} ({Kind} of volume {VolumeId} on storage pool {Pool} ({PoolId})) is {State} after {Tries} tries")]
    private partial void LogObligationEnded(ObligationId obligationId, Holdfast.Protocol.Host.ObligationKind kind, VolumeId volumeId, string pool, PoolId poolId, Holdfast.Protocol.Host.ObligationState state, int tries);
}
