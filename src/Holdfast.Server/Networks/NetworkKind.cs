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
    protected override IQueryable<NetworkId> Find(StoreConnection db, NetworkId[] ids, EntityViewer viewer) =>
        db.Networks.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
