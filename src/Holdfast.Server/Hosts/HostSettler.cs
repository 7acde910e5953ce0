using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Hosts;

/// <summary>Hosts: the maintenance of one begins once no guest is on it.</summary>
internal sealed class HostSettler : TurnPart, ITurnPart<HostSettler>, ISettler<HostId>
{
    private HostSettler(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static HostSettler Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public string ResourceType => ResourceTypes.Host;

    /// <inheritdoc/>
    public void Mark(Guid id) => Turn.Mark(new HostId(id));

    /// <inheritdoc/>
    public async Task SettleAsync(HostId id, CancellationToken cancellationToken)
    {
        var host = await Db.Hosts.FirstOrDefaultAsync(h => h.Id == id && h.Removed == null && h.ResourceState == ResourceState.PrepareForMaintenance, cancellationToken);
        if (host is null)
        {
            return;
        }

        var active = await Db.Vms.CountAsync(v => v.HostId == id && v.Removed == null, cancellationToken);
        var state = HostPlanner.Plan(host.ResourceState, active);
        if (state != host.ResourceState)
        {
            await Db.Hosts.Where(h => h.Id == id).Set(h => h.ResourceState, state).UpdateAsync(cancellationToken);
            await Turn.TellSystemAsync(EventTypes.HostMaintenance, EventLevel.Info, $"Host {host.Name} ({host.Id}) is in maintenance: no guest is on it", ResourceTypes.Host, id.Value, host.Name, cancellationToken);
        }
    }
}
