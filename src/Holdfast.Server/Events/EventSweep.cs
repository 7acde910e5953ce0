using Holdfast.Server.Settings;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Events;

/// <summary>Events and alerts that have been kept long enough.</summary>
internal sealed class EventSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        if (moment.Before(Setting.EventPurge) is { } told)
        {
            var events = await moment.Db.Events.Where(e => e.Created <= told).OrderBy(e => e.Created).Take(SweepMoment.Batch).Select(e => e.Id).ToListAsync(cancellationToken);
            if (events.Count > 0)
            {
                finds.Add(new SweepFind("old events", (turn, ct) => turn.Db.Events.Where(e => events.Contains(e.Id)).DeleteAsync(ct)));
            }
        }

        if (moment.Before(Setting.AlertPurge) is { } alarmed)
        {
            var alerts = await moment.Db.Alerts.Where(a => a.Created <= alarmed).OrderBy(a => a.Created).Take(SweepMoment.Batch).Select(a => a.Id).ToListAsync(cancellationToken);
            if (alerts.Count > 0)
            {
                finds.Add(new SweepFind("old alerts", (turn, ct) => turn.Db.Alerts.Where(a => alerts.Contains(a.Id)).DeleteAsync(ct)));
            }
        }

        return finds;
    }
}
