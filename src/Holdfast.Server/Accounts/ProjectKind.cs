using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>Projects.</summary>
internal sealed class ProjectKind : EntityKind<ProjectId>
{
    /// <summary>Made once.</summary>
    public ProjectKind()
        : base(ResourceTypes.Project, "listProjects", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    public override string TagType => "Project";

    /// <inheritdoc/>
    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken) =>
        await ProjectEntry.FindAsync(db, new ProjectId(id), cancellationToken) is { } entry ? ProjectCommands.View.ToJson(ProjectCommands.Key, entry, viewer) : null;

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, AccountId>> OwnersAsync(StoreConnection db, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        var wanted = ids.Select(id => new AccountId(id)).ToList();
        return await db.Accounts.Where(a => wanted.Contains(a.Id) && a.Type == AccountRow.Project && a.Removed == null).ToDictionaryAsync(a => a.Id.Value, a => a.Id, cancellationToken);
    }

    /// <inheritdoc/>
    public override string IconType => "Project";

    /// <inheritdoc/>
    public override IQueryable<Guid> There(StoreConnection db) => db.Accounts.Where(r => r.Removed == null && r.Type == AccountRow.Project).Select(r => StoreSql.Plain(r.Id));

    /// <inheritdoc/>
    protected override IQueryable<ProjectId> Find(StoreConnection db, ProjectId[] ids, EntityViewer viewer)
    {
        var accounts = ids.Select(id => new AccountId(id.Value)).ToArray();
        return viewer.Owners.Where(a => accounts.Contains(a.Id) && a.Type == AccountRow.Project).Select(a => new ProjectId(a.Id.Value));
    }
}
