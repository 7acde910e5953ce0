using Holdfast.Server.Sweeps;
using LinqToDB.Async;

namespace Holdfast.Server.Reports;

/// <summary>What could not be taken before.</summary>
internal sealed class ReportSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        foreach (var aside in await moment.Db.SetAside.Where(s => s.NextTry <= moment.Now).OrderBy(s => s.NextTry).Take(SweepMoment.Batch).Select(s => new { s.IncarnationId, s.Subject, s.Id }).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind($"what installation {aside.IncarnationId} says of {aside.Subject} {aside.Id}", (turn, ct) => turn.Part<ReportDesk>().TakeAgainAsync(aside.IncarnationId, aside.Subject, aside.Id, ct))
            {
                Failed = (turn, e, ct) => turn.Part<ReportDesk>().RestAsync(aside.IncarnationId, aside.Subject, aside.Id, $"{e.GetType().Name}: {e.Message}", ct),
            });
        }

        return finds;
    }
}
