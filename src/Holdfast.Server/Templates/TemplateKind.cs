using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Templates;

/// <summary>Templates; others' public ones can be seen.</summary>
internal sealed class TemplateKind : EntityKind<TemplateId>
{
    /// <summary>Made once.</summary>
    public TemplateKind()
        : base(ResourceTypes.Template, "listTemplates", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "TEMPLATE";

    /// <inheritdoc/>
    public override string TagType => "Template";

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, AccountId>> OwnersAsync(StoreConnection db, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        var wanted = ids.Select(id => new TemplateId(id)).ToList();
        return await db.Templates.Where(r => wanted.Contains(r.Id) && r.Removed == null).ToDictionaryAsync(r => r.Id.Value, r => r.AccountId, cancellationToken);
    }

    /// <inheritdoc/>
    public override string IconType => "Template";

    /// <inheritdoc/>
    public override IQueryable<Guid> There(StoreConnection db) => db.Templates.Where(r => r.Removed == null).Select(r => StoreSql.Plain(r.Id));

    /// <inheritdoc/>
    protected override IQueryable<TemplateId> Find(StoreConnection db, TemplateId[] ids, EntityViewer viewer)
    {
        var (owners, sees) = (viewer.Owners, !viewer.IsToChange);
        return db.Templates.Where(r => ids.Contains(r.Id) && ((sees && r.IsPublic) || owners.Any(a => a.Id == r.AccountId))).Select(r => r.Id);
    }
}
