using System.Text.Json.Nodes;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Jobs;

/// <summary>Commands about async jobs.</summary>
internal static class JobCommands
{
    private static readonly ValueParameter<JobId> Job = Id<JobId>("jobid", "the id of the job");
    private static readonly ValueParameter<Guid> ResourceId = AnyId("resourceid", "the id of the object that the job is about; with resourcetype, its newest job");
    private static readonly TextParameter ResourceType = Text("resourcetype", "the type of that object: VirtualMachine, Volume, StoragePool or Template");
    private static readonly ValueParameter<DateTimeOffset> StartDate = Date("startdate", "jobs that began at this time or later");

    private static readonly View<JobEntry> View = Api.Commands.View<JobEntry>.Build(v => v
        .OptionalId("accountid", "the id of the account that asked, or that something is made for", e => e.Account.ShownId)
        .Include(OwnerView.View, e => e.Account)
        .Id("domainid", "the id of that account's domain", e => e.Domain.Id)
        .Text("domainpath", "the path of that domain", e => e.Domain.Path)
        .Id("userid", "the id of the user who asked", e => e.Job.UserId)
        .Text("cmd", "what was asked for", e => e.Type!.Command)
        .Int("jobstatus", "0 under way, 1 done, 2 failed", e => (int)e.Job.State)
        .Int("jobprocstatus", "always 0", _ => 0)
        .Int("jobresultcode", "0, or the error code of a job that failed", e => e.Job.ResultCode)
        .Text("jobresulttype", "the type of the result", e => e.Job.Result is null ? null : "object")
        .Json("jobresult", "the result: one object under its key, or the error of a job that failed", e => e.Job.Result)
        .Text("jobinstancetype", "the type of the object it is about", e => e.Job.InstanceType)
        .Uuid("jobinstanceid", "the id of the object it is about", e => e.Job.InstanceId)
        .Date("created", "when it began", e => e.Job.Created)
        .Date("completed", "when it ended", e => e.Job.Completed)
        .Id("jobid", "the id of the job", e => e.Job.Id));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "queryAsyncJobResult",
            Description = "Answers with the state of a job, and with its result once it has ended",
            Roles = Roles.Authenticated,
            Parameters = [Job, ResourceId, ResourceType],
            Response = ResponseShape.Bare(View),
            Handler = QueryAsync,
        },
        new()
        {
            Name = "listAsyncJobs",
            Description = "Lists jobs",
            Roles = Roles.Authenticated,
            Parameters = [StartDate, ResourceId, ResourceType, .. CommonParameters.OwnedList],
            Response = ResponseShape.Of("asyncjobs", View),
            Handler = ListAsync,
        },
    ];

    private static async Task<ApiResult> QueryAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var jobId = call.Get(Job);
        var resource = call.Get(ResourceId);
        var type = call.Get(ResourceType)?.ToLowerInvariant();
        if (jobId is null && (resource is null || type is null))
        {
            return ApiError.Missing(call.Command.Name, Job.Name);
        }

        var job = await call.Services.Database.ReadAsync(
            (db, ct) =>
            {
                var jobs = Entries(db, Ownership.Visible(db, call.Caller));
                jobs = jobId is { } id
                    ? jobs.Where(e => e.Job.Id == id)
                    : jobs.Where(e => e.Job.InstanceId == resource && e.Job.InstanceType.ToLower() == type);
                return jobs.OrderByDescending(e => e.Job.Created).ThenByDescending(e => e.Job.Id).FirstOrDefaultAsync(ct);
            },
            cancellationToken);
        return job is not null
            ? ApiResult.Bare(View, await WithSecretAsync(call, Shown(call, job), cancellationToken))
            : jobId is { } missing ? call.UnknownEntity(Job, missing) : call.UnknownEntity(ResourceId, resource!.Value);
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var start = call.Get(StartDate);
        var resource = call.Get(ResourceId);
        var type = call.Get(ResourceType)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                Entries(db, Ownership.AskedFor(db, call, namesIds: false))
                    .Where(e => (start == null || e.Job.Created >= start)
                        && (resource == null || e.Job.InstanceId == resource)
                        && (type == null || e.Job.InstanceType.ToLower() == type))
                    .OrderBy(e => e.Job.Created)
                    .ThenBy(e => e.Job.Id),
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List("asyncjobs", View, [.. listing.Rows.Select(e => Shown(call, e))], listing.Total);
    }

    // Not in the row: what is kept of a job is shown to all who may see it, and for long.
    private static async Task<JobEntry> WithSecretAsync(CommandCall call, JobEntry entry, CancellationToken cancellationToken)
    {
        if (entry is not { Type.HasSecret: true, Job: { State: JobState.Succeeded, Result: { } result } job }
            || job.UserId != call.Caller.UserId
            || call.Services.Of<EntityKinds>().Named(job.InstanceType) is not { } kind
            || await call.Services.Database.ReadAsync((db, ct) => kind.SecretAsync(db, job.InstanceId, job.Id, call.Services.Secrets, ct), cancellationToken) is not { } secret
            || JsonNode.Parse(result) is not JsonObject { Count: 1 } shown
            || shown.First().Value is not JsonObject entity)
        {
            return entry;
        }

        entity[secret.Field] = secret.Value.Reveal();
        return entry with { Job = job with { Result = shown.ToJsonString() } };
    }

    private static IQueryable<JobEntry> Entries(StoreConnection db, IQueryable<AccountRow> owners) =>
        from job in db.Jobs
        join account in owners on job.AccountId equals account.Id
        join domain in db.Domains on account.DomainId equals domain.Id
        select new JobEntry { Job = job, Account = account, Domain = domain };

    private static JobEntry Shown(CommandCall call, JobEntry entry) => entry with { Type = call.Services.Of<JobTypes>().Of(entry.Job.Kind) };

    private sealed record JobEntry
    {
        public required JobRow Job { get; init; }

        public required AccountRow Account { get; init; }

        public required DomainRow Domain { get; init; }

        public JobType? Type { get; init; }
    }
}
