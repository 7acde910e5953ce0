using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Volumes;

/// <summary>The kinds of job about volumes.</summary>
internal static class VolumeJobs
{
    /// <summary>A volume is called otherwise.</summary>
    public static JobKind UpdateVolume { get; } = new(nameof(UpdateVolume));

    /// <summary>A volume is destroyed, and can be recovered for a while.</summary>
    public static JobKind DestroyVolume { get; } = new(nameof(DestroyVolume));

    /// <summary>The kinds.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(JobKind.CreateVolume, "VOLUME.CREATE", "org.apache.cloudstack.api.command.user.volume.CreateVolumeCmd"),
        new(JobKind.AttachVolume, "VOLUME.ATTACH", "org.apache.cloudstack.api.command.user.volume.AttachVolumeCmd"),
        new(JobKind.DetachVolume, "VOLUME.DETACH", "org.apache.cloudstack.api.command.user.volume.DetachVolumeCmd"),
        new(JobKind.ResizeVolume, "VOLUME.RESIZE", "org.apache.cloudstack.api.command.user.volume.ResizeVolumeCmd"),
        new(DestroyVolume, "VOLUME.DESTROY", "org.apache.cloudstack.api.command.user.volume.DestroyVolumeCmd"),
        new(UpdateVolume, "VOLUME.UPDATE", "org.apache.cloudstack.api.command.user.volume.UpdateVolumeCmd"),
    ];
}
