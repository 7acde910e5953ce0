using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Bindings;

internal sealed partial class BindingSupervisor
{
    [LoggerMessage(EventId = 1430, Level = LogLevel.Warning, Message = "I/O of volume {Volume} on storage pool '{PoolName}' ({Pool}) does not go on: {Reason}. Can be resumed: {CanResume}")]
    private partial void LogSuspended(VolumeId volume, string poolName, PoolId pool, string reason, bool canResume);

    [LoggerMessage(EventId = 1431, Level = LogLevel.Information, Message = "I/O of volume {Volume} on storage pool '{PoolName}' ({Pool}) goes on")]
    private partial void LogGoesOn(VolumeId volume, string poolName, PoolId pool);

    [LoggerMessage(EventId = 1400, Level = LogLevel.Information, Message = "Driver {Driver} {Version} serves storage pool '{PoolName}' ({Pool}) generation {Generation} as process {Pid}")]
    private partial void LogServing(string driver, string version, string poolName, PoolId pool, Generation generation, int pid);

    [LoggerMessage(EventId = 1401, Level = LogLevel.Warning, Message = "The driver of storage pool '{PoolName}' ({Pool}), process {Pid}, ended: {How}. It is started again; no guest is touched")]
    private partial void LogEnded(string poolName, PoolId pool, int pid, string how);

    [LoggerMessage(EventId = 1402, Level = LogLevel.Warning, Message = "The driver of storage pool '{PoolName}' ({Pool}), process {Pid}, has not answered for {Seconds:0} s: it is killed and started again")]
    private partial void LogHung(string poolName, PoolId pool, int pid, double seconds);

    [LoggerMessage(EventId = 1403, Level = LogLevel.Error, Message = "The driver of storage pool '{PoolName}' ({Pool}), process {Pid}, cannot be killed: it sleeps in the kernel. No other is started for this pool until it is gone")]
    private partial void LogStuck(string poolName, PoolId pool, int pid);

    [LoggerMessage(EventId = 1404, Level = LogLevel.Warning, Message = "Storage pool '{PoolName}' ({Pool}) is not served: {Reason}")]
    private partial void LogDown(string poolName, PoolId pool, string reason);

    [LoggerMessage(EventId = 1405, Level = LogLevel.Warning, Message = "The backend of storage pool '{PoolName}' ({Pool}) is not healthy: {Reason}")]
    private partial void LogUnhealthy(string poolName, PoolId pool, string reason);

    [LoggerMessage(EventId = 1406, Level = LogLevel.Information, Message = "The backend of storage pool '{PoolName}' ({Pool}) is healthy again")]
    private partial void LogHealthy(string poolName, PoolId pool);

    [LoggerMessage(EventId = 1407, Level = LogLevel.Information, Message = "Driver of storage pool '{PoolName}' ({Pool}) generation {Generation} ended for maintenance: process {Pid}, {How}, took {Seconds:0.0} s")]
    private partial void LogQuiesced(string poolName, PoolId pool, Generation generation, int pid, string how, double seconds);

    [LoggerMessage(EventId = 1408, Level = LogLevel.Information, Message = "Driver of storage pool '{PoolName}' ({Pool}) unloaded because the pool was removed, generation {Generation}: {How}, socket and state folder are gone, took {Seconds:0.0} s, {Orphans} obligations orphaned")]
    private partial void LogUnloaded(string poolName, PoolId pool, Generation generation, string how, double seconds, int orphans);

    [LoggerMessage(EventId = 1409, Level = LogLevel.Warning, Message = "Storage pool '{PoolName}' ({Pool}) was removed before {Kind} {Obligation} could be settled: volume {Volume}, backend object {BackendName}, last failure: {LastError}")]
    private partial void LogOrphaned(string poolName, PoolId pool, ObligationKind kind, ObligationId obligation, VolumeId volume, string? backendName, string? lastError);

    [LoggerMessage(EventId = 1410, Level = LogLevel.Information, Message = "The driver of storage pool '{PoolName}' ({Pool}), process {Pid}, is started again with the configuration of generation {Generation}")]
    private partial void LogReconfigured(string poolName, PoolId pool, int pid, Generation generation);

    [LoggerMessage(EventId = 1411, Level = LogLevel.Information, Message = "A driver of storage pool '{PoolName}' ({Pool}) was left over from an earlier agent process: {Pid}; it was ended")]
    private partial void LogReaped(string poolName, PoolId pool, int pid);

    [LoggerMessage(EventId = 1412, Level = LogLevel.Error, Message = "The folder of removed storage pool '{PoolName}' ({Pool}) cannot be removed: {Obstacle}")]
    private partial void LogFoldersStay(string poolName, PoolId pool, string obstacle);

    [LoggerMessage(EventId = 1413, Level = LogLevel.Information, Message = "Another build of the driver of storage pool '{PoolName}' ({Pool}) is installed, {Build}: it is tried out")]
    private partial void LogTryingOut(string poolName, PoolId pool, string build);

    [LoggerMessage(EventId = 1414, Level = LogLevel.Information, Message = "The driver of storage pool '{PoolName}' ({Pool}), process {Pid}, is replaced by the build that is installed now, which starts")]
    private partial void LogReplaced(string poolName, PoolId pool, int pid);

    [LoggerMessage(EventId = 1415, Level = LogLevel.Warning, Message = "The driver of storage pool '{PoolName}' ({Pool}) is not upgraded: build {Build} {How}. The one before it serves")]
    private partial void LogNotUpgraded(string poolName, PoolId pool, string build, string how);

    [LoggerMessage(EventId = 1416, Level = LogLevel.Warning, Message = "It cannot be written down that this build of the driver of storage pool '{PoolName}' ({Pool}) serves well: {Obstacle}")]
    private partial void LogNotProven(string poolName, PoolId pool, string obstacle);
}
