using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Server.Transactions;

internal sealed partial class Turn
{
    [LoggerMessage(EventId = 2100, Level = LogLevel.Warning, Message = "Job {Kind} of {InstanceType} {InstanceId} failed (job {JobId}): {Reason}")]
    private partial void LogJobFailed(JobKind kind, string instanceType, Guid instanceId, JobId jobId, string reason);
}
