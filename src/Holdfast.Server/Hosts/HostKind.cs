using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Hosts;

/// <summary>Hosts.</summary>
internal sealed class HostKind : EntityKind<HostId>
{
    /// <summary>What comments call hosts.</summary>
    internal const string CommentType = "HOST";

    /// <summary>Made once.</summary>
    public HostKind()
        : base(ResourceTypes.Host, "listHosts", EntityReach.Infrastructure)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => CommentType;

    /// <inheritdoc/>
    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken) =>
        await HostCommands.FindAsync(db, new HostId(id), cancellationToken) is { } entry ? HostCommands.HostView.ToJson(HostCommands.HostKey, entry, viewer) : null;

    /// <inheritdoc/>
    protected override IQueryable<HostId> Find(StoreConnection db, HostId[] ids, EntityViewer viewer) =>
        db.Hosts.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
