using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Hosts;

/// <summary>Hosts that are heard of, and hosts that are not.</summary>
internal sealed partial class HostStates : TurnPart, ITurnPart<HostStates>
{
    private readonly ILogger _logger;

    private HostStates(Turn turn)
        : base(turn) => _logger = turn.LoggerOf<HostStates>();

    /// <inheritdoc/>
    public static HostStates Of(Turn turn) => new(turn);

    /// <summary>Gives a host the state that its reports make, and has looked at what depends on it.</summary>
    public async Task<HostRow> SetHostStateAsync(HostRow host, CancellationToken cancellationToken)
    {
        var (changed, dependents) = await MoveHostAsync(host, cancellationToken);
        dependents.ForEach(mark => mark(Turn));
        return changed;
    }

    /// <summary>Gives a host the state that its reports make.</summary>
    /// <returns>The host, and what is to be looked at because of it, each of which can be marked in any turn.</returns>
    public async Task<(HostRow Host, List<Action<Turn>> Dependents)> MoveHostAsync(HostRow host, CancellationToken cancellationToken)
    {
        var state = HostPlanner.Plan(host.State, host.LastReport, Now);
        if (state == host.State)
        {
            return (host, []);
        }

        var changed = host with { State = state, Disconnected = state == HostState.Up ? null : host.Disconnected ?? Now };
        await Db.UpdateAsync(changed, token: cancellationToken);
        Db.AfterCommit(() => LogHostMoved(host.Name, host.Id, host.State, state));
        await Turn.TellSystemAsync(
            state == HostState.Up ? EventTypes.HostUp : EventTypes.HostLost,
            state == HostState.Up ? EventLevel.Info : EventLevel.Warn,
            state == HostState.Up ? $"Host {host.Name} ({host.Id}) is up" : $"Host {host.Name} ({host.Id}) has not reported since {host.LastReport:O}; it is {state}",
            ResourceTypes.Host,
            host.Id.Value,
            host.Name,
            cancellationToken);

        // Pools that wait for hosts count only those that are up; guests keep their state until their host says otherwise.
        var waiting = await Db.StoragePools
            .Where(p => p.Removed == null && (p.State == PoolState.Initialized || p.State == PoolState.PrepareForMaintenance || p.State == PoolState.CancelMaintenance))
            .Select(p => p.Id)
            .ToListAsync(cancellationToken);
        var stopping = await Db.Vms.Where(v => v.HostId == host.Id && v.State == VmState.Stopping && v.Removed == null).Select(v => v.Id).ToListAsync(cancellationToken);
        return (changed, [.. waiting.Select(pool => (Action<Turn>)(turn => turn.Mark(pool))), .. stopping.Select(vm => (Action<Turn>)(turn => turn.Mark(vm)))]);
    }

    [LoggerMessage(EventId = 2107, Level = LogLevel.Warning, Message = "Host {Name} ({HostId}): {From} -> {To}")]
    private partial void LogHostMoved(string name, HostId hostId, HostState from, HostState to);
}
