using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;

namespace Holdfast.Server.Annotations;

/// <summary>Comments: one's own, and for root administrators all.</summary>
internal sealed class AnnotationKind : EntityKind<AnnotationId>
{
    /// <summary>Made once.</summary>
    public AnnotationKind()
        : base("Annotation", "listAnnotations", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<AnnotationId> Find(StoreConnection db, AnnotationId[] ids, EntityViewer viewer)
    {
        var (all, user) = (viewer.Caller.IsRootAdmin, viewer.Caller.UserId);
        return db.Annotations.Where(r => ids.Contains(r.Id) && (all || r.UserId == user)).Select(r => r.Id);
    }
}
