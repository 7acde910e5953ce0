using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;

namespace Holdfast.Server.Networks;

/// <summary>Networks.</summary>
internal sealed class NetworkKind : EntityKind<NetworkId>
{
    /// <summary>Made once.</summary>
    public NetworkKind()
        : base("Network", "listNetworks", EntityReach.Everybody)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "NETWORK";

    /// <inheritdoc/>
    public override string IconType => "Network";

    /// <inheritdoc/>
    public override IQueryable<Guid> There(StoreConnection db) => db.Networks.Where(r => r.Removed == null).Select(r => StoreSql.Plain(r.Id));

    /// <inheritdoc/>
    protected override IQueryable<NetworkId> Find(StoreConnection db, NetworkId[] ids, EntityViewer viewer) =>
        db.Networks.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
