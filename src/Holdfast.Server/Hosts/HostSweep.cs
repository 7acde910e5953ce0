using Holdfast.Core.Planning;
using Holdfast.Server.Sweeps;
using LinqToDB.Async;

namespace Holdfast.Server.Hosts;

/// <summary>Hosts that have fallen silent.</summary>
internal sealed class HostSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        foreach (var host in await moment.Db.Hosts.Where(h => h.Removed == null).ToListAsync(cancellationToken))
        {
            if (HostPlanner.Plan(host.State, host.LastReport, moment.Now) != host.State)
            {
                finds.Add(new SweepFind($"host {host.Id}", async (turn, ct) => await turn.Part<HostStates>().SetHostStateAsync(await turn.Db.Hosts.SingleAsync(h => h.Id == host.Id, ct), ct)));
            }
        }

        return finds;
    }
}
