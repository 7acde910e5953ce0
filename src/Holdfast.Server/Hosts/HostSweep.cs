using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Sweeps;
using LinqToDB.Async;

namespace Holdfast.Server.Hosts;

/// <summary>
/// Hosts that have fallen silent: only those that this node could have heard. A node that has just started, or that stood still, was not listening, and by the reports of before
/// every host would be lost at once. Other nodes that did listen judge by themselves. Called by one sweeper at a time.
/// </summary>
internal sealed class HostSweep : ISweep
{
    // Sweeps further apart than this are those of a node that stood still: a host's last report may be a heartbeat old, and the rest of what makes it late would be this node's own.
    private static readonly TimeSpan Standstill = HostPlanner.Late - TimeSpan.FromSeconds(AgentGateway.HeartbeatSeconds);
    private DateTimeOffset _listeningSince;
    private DateTimeOffset? _latest;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        // HostPlanner's rule in SQL, so that only those are read whose state changes; the turn asks the planner.
        if (_latest is not { } latest || moment.Now - latest > Standstill)
        {
            _listeningSince = moment.Now;
        }

        _latest = moment.Now;
        var hasListened = moment.Now - _listeningSince >= HostPlanner.Late;
        var (late, missing) = (moment.Now - HostPlanner.Late, moment.Now - HostPlanner.Missing);
        var changing = await moment.Db.Hosts
            .Where(h => h.Removed == null && h.State != HostState.Removed && h.LastReport != null
                && ((h.LastReport > late && h.State != HostState.Up)
                    || (hasListened && h.LastReport <= late && h.LastReport > missing && h.State != HostState.Disconnected)
                    || (hasListened && h.LastReport <= missing && h.State != HostState.Alert)))
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
