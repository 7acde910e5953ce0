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

    [LoggerMessage(EventId = 2106, Level = LogLevel.Information, Message = "Storage pool {Name} ({PoolId}) is gone from every host")]
    private partial void LogPoolGone(string name, PoolId poolId);

    [LoggerMessage(EventId = 2107, Level = LogLevel.Warning, Message = "Host {Name} ({HostId}): {From} -> {To}")]
    private partial void LogHostMoved(string name, HostId hostId, HostState from, HostState to);

    [LoggerMessage(EventId = 2108, Level = LogLevel.Information, Message = "Driver of storage pool {Pool} ({PoolId}) is unloaded on host {Host} ({IncarnationId}), generation {Generation}: {Unload}")]
    private partial void LogBindingAbsent(string pool, PoolId poolId, string host, IncarnationId incarnationId, Generation generation, string? unload);

    [LoggerMessage(EventId = 2109, Level = LogLevel.Warning, Message = "Owed to storage pool {Pool} ({PoolId}): {Kind} of volume {VolumeId} ({BackendName}) by host {Host}, obligation {ObligationId}: {Cause}; next try {NextTry}")]
    private partial void LogObligationOwed(string pool, PoolId poolId, Holdfast.Protocol.Host.ObligationKind kind, VolumeId volumeId, string? backendName, string host, ObligationId obligationId, string cause, DateTimeOffset? nextTry);

    [LoggerMessage(EventId = 2110, Level = LogLevel.Information, Message = "Obligation {ObligationId} ({Kind} of volume {VolumeId} on storage pool {Pool} ({PoolId})) is {State} after {Tries} tries")]
    private partial void LogObligationEnded(ObligationId obligationId, Holdfast.Protocol.Host.ObligationKind kind, VolumeId volumeId, string pool, PoolId poolId, Holdfast.Protocol.Host.ObligationState state, int tries);

    [LoggerMessage(EventId = 2112, Level = LogLevel.Error, Message = "Storage pool {Pool} ({PoolId}), {Count} missing: {Text}")]
    private partial void LogVolumesMissing(string pool, PoolId poolId, int count, string text);

    [LoggerMessage(EventId = 2111, Level = LogLevel.Warning, Message = "Host {Host} ({IncarnationId}) reports {Kind} {Id}, which it was never given or has given up; nothing is changed")]
    private partial void LogUnknownItem(string host, IncarnationId incarnationId, Holdfast.Protocol.Host.ItemKind kind, Guid id);

    [LoggerMessage(EventId = 2113, Level = LogLevel.Error, Message = "What host {Host} ({HostId}) says of {Subject} {Id} is not taken and is set aside: {Why}")]
    private partial void LogSetAside(string host, HostId hostId, ReportSubject subject, Guid id, string why);
}
