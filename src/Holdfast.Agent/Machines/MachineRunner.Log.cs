using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Machines;

internal sealed partial class MachineRunner
{
    [LoggerMessage(EventId = 1600, Level = LogLevel.Information, Message = "Machine '{Name}' ({Machine}) generation {Generation} started in {Seconds:0.00} s")]
    private partial void LogStarted(string name, VmId machine, Generation generation, double seconds);

    [LoggerMessage(EventId = 1601, Level = LogLevel.Warning, Message = "Machine '{Name}' ({Machine}) generation {Generation} was not started; what was done is undone or owed: {Reason}")]
    private partial void LogNotStarted(string name, VmId machine, Generation generation, string reason);

    [LoggerMessage(EventId = 1602, Level = LogLevel.Information, Message = "The guest of machine '{Name}' ({Machine}) generation {Generation} is gone, {How}; {Count} volumes are to be released")]
    private partial void LogGone(string name, VmId machine, Generation generation, string how, int count);

    [LoggerMessage(EventId = 1603, Level = LogLevel.Information, Message = "Machine '{Name}' ({Machine}) generation {Generation} was removed from this host")]
    private partial void LogForgotten(string name, VmId machine, Generation generation);

    [LoggerMessage(EventId = 1604, Level = LogLevel.Critical, Message = "QEMU process {Pid} of machine '{Name}' ({Machine}) cannot be killed: {Detail}. Its volumes must not be opened elsewhere without fencing this host")]
    private partial void LogUninterruptible(string name, VmId machine, int? pid, string detail);

    [LoggerMessage(EventId = 1621, Level = LogLevel.Warning, Message = "I/O of volume {Volume} on storage pool '{PoolName}' ({Pool}) was cut off to end machine '{Name}' ({Machine}): what its guest was never told is written is lost")]
    private partial void LogCut(string name, VmId machine, VolumeId volume, string poolName, PoolId pool);

    [LoggerMessage(EventId = 1622, Level = LogLevel.Warning, Message = "I/O of volume {Volume} on storage pool '{PoolName}' ({Pool}) was not cut off to end machine '{Name}' ({Machine}): {Code}: {Reason}")]
    private partial void LogNotCut(string name, VmId machine, VolumeId volume, string poolName, PoolId pool, DriverErrorCode code, string reason);

    [LoggerMessage(EventId = 1623, Level = LogLevel.Information, Message = "Machine '{Name}' ({Machine}): volume {Volume} on storage pool '{PoolName}' ({Pool}) was cut off before and is released before it is attached again")]
    private partial void LogReleasesCut(string name, VmId machine, VolumeId volume, string poolName, PoolId pool);

    [LoggerMessage(EventId = 1605, Level = LogLevel.Warning, Message = "Machine '{Name}' ({Machine}) could not be ended: {Reason}. It is tried again")]
    private partial void LogDestroyFailed(string name, VmId machine, string reason);

    [LoggerMessage(EventId = 1606, Level = LogLevel.Warning, Message = "The power button of machine '{Name}' ({Machine}) could not be pressed: {Reason}")]
    private partial void LogShutdownFailed(string name, VmId machine, string reason);

    [LoggerMessage(EventId = 1607, Level = LogLevel.Warning, Message = "Machine '{Name}' ({Machine}): storage pool '{PoolName}' ({Pool}) did not attach volume {Volume}: {Code}: {Reason}")]
    private partial void LogAttachFailed(string name, VmId machine, string poolName, PoolId pool, VolumeId volume, DriverErrorCode code, string reason);

    [LoggerMessage(EventId = 1608, Level = LogLevel.Warning, Message = "The hypervisor did not start machine '{Name}' ({Machine}): {Reason}")]
    private partial void LogStartFailed(string name, VmId machine, string reason);

    [LoggerMessage(EventId = 1609, Level = LogLevel.Error, Message = "Machine '{Name}' ({Machine}) came up without volume {Volume}; it is ended again")]
    private partial void LogNotVerified(string name, VmId machine, string volume);

    [LoggerMessage(EventId = 1610, Level = LogLevel.Information, Message = "Machine '{Name}' ({Machine}) runs as generation {Generation} says")]
    private partial void LogRunning(string name, VmId machine, Generation generation);

    [LoggerMessage(EventId = 1611, Level = LogLevel.Warning, Message = "Machine '{Name}' ({Machine}) runs with {Count} volumes that the ledger did not know; they are written down now")]
    private partial void LogAdopted(string name, VmId machine, int count);

    [LoggerMessage(EventId = 1612, Level = LogLevel.Information, Message = "Volume {Volume} of storage pool '{PoolName}' was attached to running machine '{Name}' ({Machine})")]
    private partial void LogHotAttached(string name, VmId machine, VolumeId volume, string poolName);

    [LoggerMessage(EventId = 1613, Level = LogLevel.Warning, Message = "It is not clear whether volume {Volume} was attached to running machine '{Name}' ({Machine}): {Reason}")]
    private partial void LogHotAttachUnclear(string name, VmId machine, VolumeId volume, string reason);

    [LoggerMessage(EventId = 1614, Level = LogLevel.Information, Message = "Volume {Volume} was detached from running machine '{Name}' ({Machine})")]
    private partial void LogHotDetached(string name, VmId machine, VolumeId volume);

    [LoggerMessage(EventId = 1615, Level = LogLevel.Warning, Message = "The guest of machine '{Name}' ({Machine}) does not let go of volume {Volume} ({Target}) yet")]
    private partial void LogGuestHolds(string name, VmId machine, VolumeId volume, string target);

    [LoggerMessage(EventId = 1616, Level = LogLevel.Warning, Message = "Volume {Volume} was not detached from running machine '{Name}' ({Machine}): {Reason}. It is tried again")]
    private partial void LogHotDetachFailed(string name, VmId machine, VolumeId volume, string reason);

    [LoggerMessage(EventId = 1617, Level = LogLevel.Information, Message = "The guest of machine '{Name}' ({Machine}) was told that volume {Volume} has {Bytes} bytes now")]
    private partial void LogHotResized(string name, VmId machine, VolumeId volume, long bytes);

    [LoggerMessage(EventId = 1618, Level = LogLevel.Information, Message = "Machine '{Name}' ({Machine}) was rebooted, number {Sequence}, forced: {Forced}")]
    private partial void LogRebooted(string name, VmId machine, long sequence, bool forced);

    [LoggerMessage(EventId = 1619, Level = LogLevel.Warning, Message = "Running machine '{Name}' ({Machine}) could not be brought in line with generation {Generation}: {Reason}")]
    private partial void LogAdjustmentFailed(string name, VmId machine, Generation generation, string reason);

    [LoggerMessage(EventId = 1620, Level = LogLevel.Information, Message = "Machine '{Name}' ({Machine}) generation {Generation} should be {Desired}; that waits until the server has confirmed this host's ledger")]
    private partial void LogAwaitsServer(string name, VmId machine, Generation generation, Desired desired);

    [LoggerMessage(EventId = 1624, Level = LogLevel.Warning, Message = "The guest of machine '{Name}' ({Machine}) stands still: {Why}")]
    private partial void LogStandsStill(string name, VmId machine, string why);

    [LoggerMessage(EventId = 1625, Level = LogLevel.Information, Message = "The guest of machine '{Name}' ({Machine}), which stands still ({Why}), is let go on: {Cause}")]
    private partial void LogLetsGoOn(string name, VmId machine, string why, string cause);

    [LoggerMessage(EventId = 1626, Level = LogLevel.Warning, Message = "The guest of machine '{Name}' ({Machine}) could not be let go on: {Reason}")]
    private partial void LogNotLetGoOn(string name, VmId machine, string reason);

    [LoggerMessage(EventId = 1627, Level = LogLevel.Information, Message = "The guest of machine '{Name}' ({Machine}) goes on, after {Tries} tries of this agent")]
    private partial void LogGoesOn(string name, VmId machine, int tries);

    [LoggerMessage(EventId = 1628, Level = LogLevel.Warning, Message = "The guest of machine '{Name}' ({Machine}) stands still ({Why}) and cannot hear that it is to shut down; it is ended at once")]
    private partial void LogCannotHear(string name, VmId machine, string why);

    [LoggerMessage(EventId = 1629, Level = LogLevel.Error, Message = "The configuration drive of machine '{Name}' ({Machine}) could not be made, so it is not started: {Reason}")]
    private partial void LogNoDrive(string name, VmId machine, string reason);

    [LoggerMessage(EventId = 1630, Level = LogLevel.Information, Message = "The guest of machine '{Name}' ({Machine}) was given {What}")]
    private partial void LogGrown(string name, VmId machine, string what);

    [LoggerMessage(EventId = 1631, Level = LogLevel.Warning, Message = "It is not clear whether the guest of machine '{Name}' ({Machine}) was given {What}: {Reason}")]
    private partial void LogGrowthUnclear(string name, VmId machine, string what, string reason);
}
