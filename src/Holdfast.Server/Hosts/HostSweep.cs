using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Sweeps;
using LinqToDB.Async;

namespace Holdfast.Server.Hosts;

/// <summary>Hosts that have fallen silent.</summary>
internal sealed class HostSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        // HostPlanner's rule in SQL, so that only those are read whose state changes; the turn asks the planner.
        var (late, missing) = (moment.Now - HostPlanner.Late, moment.Now - HostPlanner.Missing);
        var changing = await moment.Db.Hosts
            .Where(h => h.Removed == null && h.State != HostState.Removed && h.LastReport != null
                && ((h.LastReport > late && h.State != HostState.Up)
                    || (h.LastReport <= late && h.LastReport > missing && h.State != HostState.Disconnected)
                    || (h.LastReport <= missing && h.State != HostState.Alert)))
            .OrderBy(h => h.LastReport)
            .Take(SweepMoment.Batch)
            .Select(h => h.Id)
            .ToListAsync(cancellationToken);
        return
        [
            .. changing.Select(id => new SweepFind(
                $"host {id}",
                async (turn, ct) => await turn.Part<HostStates>().SetHostStateAsync(await turn.Db.Hosts.SingleAsync(h => h.Id == id, ct), ct))),
        ];
    }
}
