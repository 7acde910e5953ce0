using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>Domains that are being deleted: one is gone when no account and no domain is in it any more.</summary>
internal sealed class DomainSettler : TurnPart, ITurnPart<DomainSettler>, ISettler<DomainId>
{
    private DomainSettler(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static DomainSettler Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public string ResourceType => ResourceTypes.Domain;

    /// <inheritdoc/>
    public void Mark(Guid id) => Turn.Mark(new DomainId(id));

    /// <inheritdoc/>
    public async Task SettleAsync(DomainId id, CancellationToken cancellationToken)
    {
        var domain = await Db.Domains.FirstOrDefaultAsync(d => d.Id == id && d.Deleted != null && d.Removed == null, cancellationToken);
        if (domain is null
            || await Db.Accounts.AnyAsync(a => a.DomainId == id && a.Removed == null, cancellationToken)
            || await Db.Domains.AnyAsync(d => d.ParentId == id && d.Removed == null, cancellationToken))
        {
            return;
        }

        await Db.UpdateAsync(domain with { Removed = Now }, token: cancellationToken);
        await Turn.Part<IconRows>().DropAsync(id.Value, cancellationToken);
        await Db.ResourceLimits.Where(l => l.DomainId == id).DeleteAsync(cancellationToken);
        foreach (var job in await Db.Jobs.Where(j => j.State == JobState.Pending && j.InstanceId == id.Value && j.Kind == AccountJobs.DeleteDomain).Select(j => j.Id).ToListAsync(cancellationToken))
        {
            await Turn.CompleteJobAsync(job, cancellationToken);
        }

        if (domain.ParentId is { } parent)
        {
            Turn.Mark(parent);
        }
    }
}
