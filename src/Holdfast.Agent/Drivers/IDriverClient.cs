using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.Drivers;

/// <summary>
/// Calls to one driver process. Every call ends within its deadline and a small margin; expected failures are answers. Calls may overlap; order between calls
/// about one volume is the caller's affair (the lane keeps it).
/// </summary>
internal interface IDriverClient : IDisposable
{
    /// <summary>What the driver last learnt about its backend. Never waits for the backend.</summary>
    Task<DriverAnswer<PoolStatus>> StatusAsync(TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>What the driver learns about its backend now.</summary>
    Task<DriverAnswer<PoolStatus>> ProbeAsync(TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Makes a volume exist.</summary>
    Task<DriverAnswer<VolumeReply>> EnsureVolumeAsync(VolumeId volume, EnsureVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Reads a volume.</summary>
    Task<DriverAnswer<VolumeReply>> GetVolumeAsync(VolumeId volume, TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>All volumes of the pool that the backend has.</summary>
    Task<DriverAnswer<VolumeList>> ListVolumesAsync(TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Deletes a volume.</summary>
    Task<DriverAnswer<DriverAck>> DeleteVolumeAsync(VolumeId volume, Generation generation, TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Grows a volume.</summary>
    Task<DriverAnswer<VolumeReply>> ResizeVolumeAsync(VolumeId volume, ResizeVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Seals a volume.</summary>
    Task<DriverAnswer<VolumeReply>> SealVolumeAsync(VolumeId volume, SealVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Attaches a volume on this host.</summary>
    Task<DriverAnswer<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Releases an attachment.</summary>
    Task<DriverAnswer<DriverAck>> ReleaseAsync(VolumeId volume, AttachMode mode, Generation generation, TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Cuts the I/O of an attachment off on this host.</summary>
    Task<DriverAnswer<DriverAck>> CutAsync(VolumeId volume, CutRequest request, TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>Lets I/O go on that a snapshot or a rollback held back.</summary>
    Task<DriverAnswer<DriverAck>> ResumeAsync(VolumeId volume, ResumeRequest request, TimeSpan deadline, CancellationToken cancellationToken);

    /// <summary>What is attached on this host.</summary>
    Task<DriverAnswer<AttachmentList>> AttachmentsAsync(TimeSpan deadline, CancellationToken cancellationToken);
}
