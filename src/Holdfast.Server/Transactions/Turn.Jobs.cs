using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Transactions;

/// <summary>Jobs.</summary>
internal sealed partial class Turn
{
    /// <summary>Makes a job and its Scheduled event.</summary>
    public async Task<JobRow> AddJobAsync(
        AccountId account,
        UserId user,
        JobKind kind,
        string instanceType,
        Guid instanceId,
        string what,
        TimeSpan deadline,
        CancellationToken cancellationToken)
    {
        var (job, scheduled) = NewJob(new JobToAdd(account, user, kind, instanceType, instanceId, what, deadline));
        await Db.InsertAsync(scheduled, token: cancellationToken);
        await Db.InsertAsync(job, token: cancellationToken);
        Db.IsStep = true;
        return job;
    }

    /// <summary>Makes jobs and their Scheduled events. The same two statements for one and for many.</summary>
    public async Task AddJobsAsync(IEnumerable<JobToAdd> jobs, CancellationToken cancellationToken)
    {
        var rows = jobs.Select(NewJob).ToList();
        await Db.InsertAllAsync([.. rows.Select(r => r.Scheduled)], cancellationToken);
        await Db.InsertAllAsync([.. rows.Select(r => r.Job)], cancellationToken);
        Db.IsStep |= rows.Count > 0;
    }

    /// <summary>Ends a job well. Its result is rendered when the turn settles. A job that has ended stays as it is.</summary>
    public async Task CompleteJobAsync(JobId id, CancellationToken cancellationToken)
    {
        if (await EndJobAsync(id, JobState.Succeeded, 0, null, cancellationToken) is { } job)
        {
            _succeeded.Add(job);
            await TellEndAsync(job, EventLevel.Info, $"Completed: {job.Description}", cancellationToken);
        }
    }

    /// <summary>Ends a job badly. A job that has ended stays as it is.</summary>
    public async Task FailJobAsync(JobId id, PlanFault fault, CancellationToken cancellationToken)
    {
        var shown = ApiFaultOf(fault);
        if (await EndJobAsync(id, JobState.Failed, shown.ErrorCode, JobFailure.Render(shown), cancellationToken) is { } job)
        {
            await TellEndAsync(job, EventLevel.Error, $"Failed: {job.Description}: {shown.Text}", cancellationToken);
            Db.AfterCommit(() => LogJobFailed(job.Kind, job.InstanceType, job.InstanceId, job.Id, shown.Text));
        }
    }

    /// <summary>Ends a job that fails at acceptance, for CloudStack's wrong-state errors that arrive as a failed job.</summary>
    public async Task FailJobAsync(JobId id, ApiFault fault, CancellationToken cancellationToken)
    {
        if (await EndJobAsync(id, JobState.Failed, fault.ErrorCode, JobFailure.Render(fault), cancellationToken) is { } job)
        {
            await TellEndAsync(job, EventLevel.Error, $"Failed: {job.Description}: {fault.Text}", cancellationToken);
        }
    }

    private (JobRow Job, EventRow Scheduled) NewJob(JobToAdd job)
    {
        var scheduled = NewEvent(_services.Jobs.Of(job.Kind).EventType, EventLevel.Info, EventState.Scheduled, job.What, job.Account, job.User, job.InstanceType, job.InstanceId, null, null);
        var row = new JobRow
        {
            Id = new JobId(NewId()),
            Kind = job.Kind,
            AccountId = job.Account,
            UserId = job.User,
            InstanceType = job.InstanceType,
            InstanceId = job.InstanceId,
            State = JobState.Pending,
            ResultCode = 0,
            Description = job.What,
            StartEventId = scheduled.Id,
            Created = Now,
            Deadline = Now + job.Deadline,
        };
        return (row, scheduled);
    }

    /// <summary>A planner's refusal as the API answers it.</summary>
    public static ApiFault ApiFaultOf(PlanFault fault) => fault.Kind switch
    {
        PlanFaultKind.NoCapacity => Faults.NoCapacity(fault.Text),
        PlanFaultKind.StorageUnavailable => Faults.StorageUnavailable(fault.Text),
        PlanFaultKind.TimedOut => Faults.TimedOut(fault.Text),
        PlanFaultKind.Overtaken => Faults.Concurrent(fault.Text),
        PlanFaultKind.WrongState => Faults.Invalid(fault.Text),
        _ => Faults.Runtime(fault.Text),
    };

    private async Task<JobRow?> EndJobAsync(JobId id, JobState state, int code, string? result, CancellationToken cancellationToken)
    {
        var ended = await Db.Jobs
            .Where(j => j.Id == id && j.State == JobState.Pending)
            .Set(j => j.State, state)
            .Set(j => j.ResultCode, code)
            .Set(j => j.Result, result)
            .Set(j => j.Completed, Now)
            .UpdateAsync(cancellationToken);
        if (ended == 0)
        {
            return null;
        }

        Db.IsStep = true;
        return await Db.Jobs.SingleAsync(j => j.Id == id, cancellationToken);
    }

    private Task TellEndAsync(JobRow job, EventLevel level, string text, CancellationToken cancellationToken) =>
        TellAsync(_services.Jobs.Of(job.Kind).EventType, level, EventState.Completed, text, job.AccountId, job.UserId, job.InstanceType, job.InstanceId, null, job.StartEventId, cancellationToken);

    /// <summary>What planners need to know of a job.</summary>
    public static JobFacts JobFactsOf(JobRow job) => new(job.Id, job.Kind, job.Created, job.Deadline, job.Generation);
}
