using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Hosts;

/// <summary>Hosts that were asked to connect anew.</summary>
internal sealed class HostReconnection : TurnPart, ITurnPart<HostReconnection>
{
    private HostReconnection(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static HostReconnection Of(Turn turn) => new(turn);

    /// <summary>A host has told its properties, as agents do when a watch of theirs begins: what was asked of it is done.</summary>
    public async Task IntroducedAsync(HostId host, CancellationToken cancellationToken)
    {
        var (id, kind) = (host.Value, HostJobs.ReconnectHost);
        foreach (var job in await Db.Jobs.Where(j => j.InstanceId == id && j.Kind == kind && j.State == JobState.Pending).Select(j => j.Id).ToListAsync(cancellationToken))
        {
            await Turn.CompleteJobAsync(job, cancellationToken);
        }
    }
}
