using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.AffinityGroups;

/// <summary>Affinity groups.</summary>
internal sealed class AffinityGroupKind : EntityKind<AffinityGroupId>
{
    /// <summary>Made once.</summary>
    public AffinityGroupKind()
        : base(ResourceTypes.AffinityGroup, "listAffinityGroups", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken)
    {
        var wanted = new AffinityGroupId(id);
        return await AffinityGroupView.Entries(db, db.Accounts).FirstOrDefaultAsync(e => e.Group.Id == wanted, cancellationToken) is { } entry
            ? AffinityGroupView.View.ToJson(AffinityGroupView.Key, (await AffinityGroupView.WithVmsAsync(db, [entry], cancellationToken))[0], viewer)
            : null;
    }

    /// <inheritdoc/>
    protected override IQueryable<AffinityGroupId> Find(StoreConnection db, AffinityGroupId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.AffinityGroups.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
