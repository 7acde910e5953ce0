using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;

namespace Holdfast.Server.Jobs;

/// <summary>Async jobs.</summary>
internal sealed class JobEntityKind : EntityKind<JobId>
{
    /// <summary>Made once.</summary>
    public JobEntityKind()
        : base("AsyncJob", "listAsyncJobs", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<JobId> Find(StoreConnection db, JobId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.Jobs.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
