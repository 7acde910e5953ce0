using Holdfast.Protocol.Host;
using Holdfast.Server.Settings;
using Holdfast.Server.Sweeps;
using LinqToDB.Async;

namespace Holdfast.Server.Obligations;

/// <summary>What has been owed for too long.</summary>
internal sealed class ObligationSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        var oldest = moment.Now - moment.Settings[Setting.ObligationAlertAge];
        foreach (var obligation in await moment.Db.Obligations.Where(o => o.State == ObligationState.Owed && o.Alerted == null && o.Created <= oldest).OrderBy(o => o.Created).Take(SweepMoment.Batch).Select(o => o.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind($"obligation {obligation}", (turn, ct) => turn.Part<ObligationDesk>().AlertAsync(obligation, oldest, ct)));
        }

        return finds;
    }
}
