using Holdfast.Core.Ids;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB;

namespace Holdfast.Server.Templates;

/// <summary>Details of templates: notes.</summary>
internal sealed class TemplateDetails : DetailedKind<TemplateId>
{
    /// <summary>Made once.</summary>
    public TemplateDetails()
        : base("Template")
    {
    }

    /// <inheritdoc/>
    public override IQueryable<DetailedEntity> Entities(StoreConnection db) =>
        db.Templates.Where(r => r.Removed == null).Select(r => new DetailedEntity { Id = StoreSql.Plain(r.Id), Owner = r.AccountId, Shown = r.Details, Hidden = r.HiddenDetails });

    /// <inheritdoc/>
    protected override Task WriteAsync(Turn turn, TemplateId id, string shown, string hidden, CancellationToken cancellationToken) =>
        turn.Db.Templates.Where(r => r.Id == id).Set(r => r.Details, shown).Set(r => r.HiddenDetails, hidden).UpdateAsync(cancellationToken);
}
