using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using LinqToDB;

namespace Holdfast.Server.Store;

/// <summary>What a storage pool has promised to one volume or one template.</summary>
internal sealed record StoragePromise
{
    /// <summary>The pool.</summary>
    public required PoolId PoolId { get; init; }

    /// <summary>The template that it is a copy of; null for a volume.</summary>
    public TemplateId? TemplateId { get; init; }

    /// <summary>Its size; the larger one while it is being resized.</summary>
    public required long Bytes { get; init; }

    /// <summary>All promises: the only place that says what counts. What is on its way to a backend counts already, what is being deleted counts until it is gone.</summary>
    public static IQueryable<StoragePromise> All(StoreConnection db) => Of(db.Volumes, db.TemplateCopies);

    /// <summary>The promises of some pools; the same rule.</summary>
    public static IQueryable<StoragePromise> Of(StoreConnection db, IReadOnlyCollection<PoolId> pools) =>
        Of(db.Volumes.Where(v => pools.Contains(v.PoolId!.Value)), db.TemplateCopies.Where(c => pools.Contains(c.PoolId)));

    private static IQueryable<StoragePromise> Of(IQueryable<VolumeRow> volumes, IQueryable<TemplateCopyRow> copies) =>
        volumes
            .Where(v => v.Removed == null && v.PoolId != null && v.State != VolumeState.Expunged)
            .Select(v => new StoragePromise { PoolId = v.PoolId!.Value, TemplateId = Sql.AsSql<TemplateId?>(null), Bytes = v.WantedSizeBytes ?? v.SizeBytes })
            .Concat(copies
                .Where(c => c.Removed == null && c.State != TemplateCopyState.Failed && c.State != TemplateCopyState.Gone)
                .Select(c => new StoragePromise { PoolId = c.PoolId, TemplateId = c.TemplateId, Bytes = c.SizeBytes ?? 0 }));
}
