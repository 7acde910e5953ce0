using Holdfast.Protocol.Host;
using Holdfast.Server.Settings;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Obligations;

/// <summary>What has been owed for too long.</summary>
internal sealed class ObligationSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        if (!moment.IsThorough)
        {
            return finds;
        }

        var oldest = moment.Now - moment.Settings[Setting.ObligationAlertAge];
        foreach (var obligation in await moment.Db.Obligations.Where(o => o.State == ObligationState.Owed && o.Alerted == null && o.Created <= oldest).OrderBy(o => o.Created).Take(SweepMoment.Batch).Select(o => o.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind($"obligation {obligation}", (turn, ct) => turn.Part<ObligationDesk>().AlertAsync(obligation, oldest, ct)));
        }

        if (moment.Before(Setting.StorageHistoryPurge) is { } old)
        {
            // An orphan is the only word of what is left at a backend.
            var over = await moment.Db.Obligations
                .Where(o => o.Settled <= old && (o.State == ObligationState.Settled || o.State == ObligationState.Superseded || o.State == ObligationState.Forgotten))
                .OrderBy(o => o.Settled)
                .Take(SweepMoment.Batch)
                .Select(o => o.Id)
                .ToListAsync(cancellationToken);
            if (over.Count > 0)
            {
                finds.Add(new SweepFind("old obligations", (turn, ct) => turn.Db.Obligations.Where(o => over.Contains(o.Id)).DeleteAsync(ct)));
            }
        }

        return finds;
    }
}
