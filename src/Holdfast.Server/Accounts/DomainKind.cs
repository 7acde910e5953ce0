using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Domains: a node in the tree of accounts.</summary>
internal sealed class DomainKind : EntityKind<DomainId>
{
    /// <summary>Made once.</summary>
    public DomainKind()
        : base(ResourceTypes.Domain, "listDomains", EntityReach.Everybody)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "DOMAIN";

    /// <inheritdoc/>
    public override string IconType => "Domain";

    /// <inheritdoc/>
    public override IQueryable<Guid> There(StoreConnection db) => db.Domains.Where(r => r.Removed == null).Select(r => StoreSql.Plain(r.Id));

    /// <inheritdoc/>
    protected override IQueryable<DomainId> Find(StoreConnection db, DomainId[] ids, EntityViewer viewer) =>
        Ownership.VisibleDomains(db, viewer.Caller).Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
