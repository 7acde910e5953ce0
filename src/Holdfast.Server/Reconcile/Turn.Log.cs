using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Server.Reconcile;

internal sealed partial class Turn
{
    [LoggerMessage(EventId = 2100, Level = LogLevel.Warning, Message = "Job {Kind} of {InstanceType} {InstanceId} failed (job {JobId}): {Reason}")]
    private partial void LogJobFailed(JobKind kind, string instanceType, Guid instanceId, JobId jobId, string reason);

    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "VM {Name} ({VmId}): {From} -> {To} {Condition}")]
    private partial void LogVmMoved(string name, VmId vmId, VmState from, VmState to, string? condition);

    [LoggerMessage(EventId = 2102, Level = LogLevel.Information, Message = "VM {Name} ({VmId}) is expunged")]
    private partial void LogVmRemoved(string name, VmId vmId);

    [LoggerMessage(EventId = 2103, Level = LogLevel.Information, Message = "Volume {Name} ({VolumeId}) is expunged: {Why}")]
    private partial void LogVolumeExpunged(string name, VolumeId volumeId, string why);

    [LoggerMessage(EventId = 2104, Level = LogLevel.Information, Message = "Storage pool {Name} ({PoolId}): {From} -> {To}")]
    private partial void LogPoolMoved(string name, PoolId poolId, PoolState from, PoolState to);

    [LoggerMessage(EventId = 2105, Level = LogLevel.Warning, Message = "Storage pool {Name} ({PoolId}) could not be added: {Why}")]
    private partial void LogPoolUndone(string name, PoolId poolId, string why);

    [LoggerMessage(EventId = 2106, Level = LogLevel.Information, Message = "Storage pool {Name} ({PoolId}) is gone: every host confirmed")]
    private partial void LogPoolGone(string name, PoolId poolId);
}
