using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Jobs;

/// <summary>Writes the result of a job: the object it was about, as the account that asked may see it.</summary>
internal sealed class JobResultRenderer : IJobResultRenderer
{
    private const string Success = """{"success":true}""";

    private readonly JobTypes _jobs;
    private readonly EntityKinds _kinds;

    /// <summary>Made once per node.</summary>
    public JobResultRenderer(JobTypes jobs, EntityKinds kinds) => (_jobs, _kinds) = (jobs, kinds);

    /// <inheritdoc/>
    public async Task<string> RenderAsync(StoreConnection db, JobRow job, CancellationToken cancellationToken)
    {
        if (_jobs.Of(job.Kind).EndsObject || _kinds.Named(job.InstanceType) is not { } kind)
        {
            return Success;
        }

        var type = await db.Accounts.Where(a => a.Id == job.AccountId).Select(a => (int?)a.Type).FirstOrDefaultAsync(cancellationToken);
        return await kind.RenderAsync(db, job.InstanceId, UserDirectory.RoleOf(type ?? 0), cancellationToken) ?? Success;
    }
}
