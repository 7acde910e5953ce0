using Holdfast.Core.Ids;
using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Linstor;

internal sealed partial class LinstorDriver
{
    [LoggerMessage(3001, LogLevel.Information, "Volume {Volume} was begun by an earlier call (source {Source}) and is finished now.")]
    private partial void LogFinishing(VolumeId volume, string source);

    [LoggerMessage(3002, LogLevel.Warning, "Volume {Volume}: LINSTOR's answer did not come ({Reason}), but what was asked for is there, and is used.")]
    private partial void LogAdopting(VolumeId volume, string reason);

    [LoggerMessage(3003, LogLevel.Warning, "Volume {Volume} could not be made ({Reason}); what was made of it is deleted again.")]
    private partial void LogRollingBack(VolumeId volume, string reason);

    [LoggerMessage(3004, LogLevel.Warning, "Volume {Volume} of storage pool {Pool} is attached at {Device} without LINSTOR, which does not answer: {Reason}")]
    private partial void LogWithoutControlPlane(VolumeId volume, string pool, string device, string reason);

    [LoggerMessage(3005, LogLevel.Warning, "Device {Device} could not be taken back from the guests' user: {Reason}.")]
    private partial void LogNotTakenBack(string device, string reason);

    [LoggerMessage(3006, LogLevel.Warning, "The state of DRBD resource {Resource} is not known ({Reason}); whether its device opens decides.")]
    private partial void LogDrbdSilent(string resource, string reason);

    [LoggerMessage(3007, LogLevel.Information, "Volume {Volume}: its revert to snapshot {Snapshot} (generation {Generation}) was begun earlier and is finished now.")]
    private partial void LogFinishingRevert(VolumeId volume, SnapshotId snapshot, Generation generation);

    [LoggerMessage(3008, LogLevel.Warning, "Volume {Volume}: no resource is left of a rollback that was cut off; snapshot {Snapshot} is restored into its definition.")]
    private partial void LogRestoringInPlace(VolumeId volume, SnapshotId snapshot);

    [LoggerMessage(3009, LogLevel.Warning, "Resource {Resource}: what was changed reaches {Nodes} when that is back; it was not needed for the change. LINSTOR says: {Warnings}")]
    private partial void LogWithoutNodes(string resource, string nodes, string warnings);

    [LoggerMessage(3010, LogLevel.Information, "This host, {Host}, is LINSTOR's node {Node} (whose own name is {Uname}).")]
    private partial void LogNode(string host, string node, string uname);

    [LoggerMessage(3011, LogLevel.Warning, "What the pool is at LINSTOR has changed: it was {Before} and is {Now}. The controller was installed anew or restored, or its address leads to another cluster.")]
    private partial void LogIdentityChanged(string before, string now);

    [LoggerMessage(3021, LogLevel.Warning, "I/O of volume {Volume} of storage pool {Pool} is cut off on this host.")]
    private partial void LogCut(VolumeId volume, string pool);

    [LoggerMessage(3022, LogLevel.Warning, "I/O of volume {Volume} of storage pool {Pool} was suspended and goes on again.")]
    private partial void LogResumed(VolumeId volume, string pool);

    [LoggerMessage(3023, LogLevel.Warning, "I/O of volume {Volume} of storage pool {Pool} was suspended and goes on again on this host, by DRBD alone: {Reason}")]
    private partial void LogResumedApart(VolumeId volume, string pool, string reason);

    [LoggerMessage(3024, LogLevel.Warning, "Snapshot {Snapshot} of volume {Volume} was never finished and is deleted.")]
    private partial void LogDroppingLeft(VolumeId volume, string snapshot);

    [LoggerMessage(3025, LogLevel.Warning, "That I/O of volume {Volume} goes on on this host after LINSTOR was asked to suspend it is not seen: {Reason}")]
    private partial void LogResumptionUnseen(VolumeId volume, string reason);
}
