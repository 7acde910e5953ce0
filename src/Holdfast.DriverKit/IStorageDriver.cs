using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;

namespace Holdfast.DriverKit;

/// <summary>
/// What a driver author writes: one storage pool on one host. The kit has already checked the request's form (ids, sizes above zero, generations above zero), and
/// calls with at most <c>workers</c> calls at a time. Calls that change one volume (or its snapshots and attachment) never overlap; a clone's source is
/// shared between clones, and excluded from being changed meanwhile. Every call is idempotent: the same call again answers <see cref="DriverOutcome.AlreadySo"/>.
/// <para>
/// The token is cancelled shortly before the caller's deadline. A driver that knows that nothing happened then returns <see cref="DriverErrorCode.Unreachable"/>;
/// when it lets the cancellation escape, the kit answers <see cref="DriverErrorCode.Unknown"/> for calls that change something and
/// <see cref="DriverErrorCode.Unreachable"/> for calls that only read. A call that does not come back keeps its worker until it does.
/// Exceptions are bugs: they are logged and answered as <see cref="DriverErrorCode.Unknown"/>.
/// </para>
/// </summary>
public interface IStorageDriver : IAsyncDisposable
{
    /// <summary>
    /// What this driver can do on its backend, as far as it knows now; must not touch the backend. Read again for every info and status, from any thread: a driver
    /// whose backend can be changed under it learns by its probe, and what it learnt is told with the next status.
    /// </summary>
    DriverCapabilities Capabilities { get; }

    /// <summary>
    /// Asks the backend how it is. Called in the background every <c>probeSeconds</c>, one at a time and outside the workers. Failure of the backend is a value:
    /// planes that are down, with an error. A control plane counts as down when nothing new can be made or attached from this host, whoever is the cause:
    /// the agent then asks for nothing new here but what may be found locally, and the server makes new volumes elsewhere. Capacity may be null when it could not be learnt; the kit then keeps the last known one with its time.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled at the probe's deadline.</param>
    /// <returns>The status.</returns>
    Task<PoolStatus> ProbeAsync(DriverCall call, CancellationToken cancellationToken);

    /// <summary>
    /// Makes a volume exist. An older generation than the recorded one is <see cref="DriverErrorCode.Invalid"/>; so is the same one with another size or
    /// source, a size below the source's, and a source that is not sealed. A newer generation is recorded (and a bigger size grown to).
    /// </summary>
    /// <param name="volume">The volume.</param>
    /// <param name="request">What it should be.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The volume.</returns>
    Task<DriverResult<VolumeReply>> EnsureVolumeAsync(VolumeId volume, EnsureVolumeRequest request, DriverCall call, CancellationToken cancellationToken);

    /// <summary>Reads a volume; outcome is always <see cref="DriverOutcome.AlreadySo"/>. Absent: <see cref="DriverErrorCode.NotFound"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The volume.</returns>
    Task<DriverResult<VolumeReply>> GetVolumeAsync(VolumeId volume, DriverCall call, CancellationToken cancellationToken);

    /// <summary>All volumes of this pool that the backend has, and only those that are proven ours.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The volumes.</returns>
    Task<DriverResult<VolumeList>> ListVolumesAsync(DriverCall call, CancellationToken cancellationToken);

    /// <summary>
    /// Grows a volume to an absolute size. The same size is <see cref="DriverOutcome.AlreadySo"/>; a smaller one, a sealed volume or an older generation
    /// <see cref="DriverErrorCode.Invalid"/>. Allowed while a guest runs.
    /// </summary>
    /// <param name="volume">The volume.</param>
    /// <param name="request">The size.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The volume.</returns>
    Task<DriverResult<VolumeReply>> ResizeVolumeAsync(VolumeId volume, ResizeVolumeRequest request, DriverCall call, CancellationToken cancellationToken);

    /// <summary>Makes a volume read-only for ever, so that it can be a clone's source. Attached for anything that writes: <see cref="DriverErrorCode.Busy"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="request">The generation.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The volume.</returns>
    Task<DriverResult<VolumeReply>> SealVolumeAsync(VolumeId volume, SealVolumeRequest request, DriverCall call, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes a volume. Absent: <see cref="DriverOutcome.AlreadySo"/>. Recorded with a newer generation: <see cref="DriverErrorCode.Invalid"/>. In use, or
    /// the source of clones that need it: <see cref="DriverErrorCode.Busy"/>. Done only when the backend has confirmed that it is gone.
    /// </summary>
    /// <param name="volume">The volume.</param>
    /// <param name="generation">The newest generation that may be deleted.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The outcome.</returns>
    Task<DriverResult<DriverAck>> DeleteVolumeAsync(VolumeId volume, Generation generation, DriverCall call, CancellationToken cancellationToken);

    /// <summary>Makes a snapshot exist.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="request">The generation.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The outcome.</returns>
    Task<DriverResult<DriverAck>> EnsureSnapshotAsync(
        VolumeId volume,
        SnapshotId snapshot,
        EnsureSnapshotRequest request,
        DriverCall call,
        CancellationToken cancellationToken);

    /// <summary>Deletes a snapshot. Absent, or the volume absent: <see cref="DriverOutcome.AlreadySo"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The outcome.</returns>
    Task<DriverResult<DriverAck>> DeleteSnapshotAsync(VolumeId volume, SnapshotId snapshot, DriverCall call, CancellationToken cancellationToken);

    /// <summary>Puts a volume back to a snapshot. Attached anywhere: <see cref="DriverErrorCode.Busy"/>.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="request">The generation.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The outcome.</returns>
    Task<DriverResult<DriverAck>> RevertAsync(
        VolumeId volume,
        SnapshotId snapshot,
        RevertRequest request,
        DriverCall call,
        CancellationToken cancellationToken);

    /// <summary>
    /// Attaches a volume on this host and gives <see cref="DriverStartup.GuestUser"/> access to it when the mode is <see cref="AttachMode.Run"/> or
    /// <see cref="AttachMode.MigrateIn"/>. The answer's source can be opened now. A sealed volume can only be attached read-only. Another generation than the
    /// recorded one is <see cref="DriverErrorCode.Invalid"/>.
    /// </summary>
    /// <param name="volume">The volume.</param>
    /// <param name="request">What for.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>What QEMU needs.</returns>
    Task<DriverResult<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, DriverCall call, CancellationToken cancellationToken);

    /// <summary>
    /// Releases an attachment on this host. Not attached, or the volume absent: <see cref="DriverOutcome.AlreadySo"/>. Still open:
    /// <see cref="DriverErrorCode.Busy"/>. An attachment made with a newer generation is left alone: <see cref="DriverErrorCode.Invalid"/>.
    /// </summary>
    /// <param name="volume">The volume.</param>
    /// <param name="request">Which attachment.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The outcome.</returns>
    Task<DriverResult<DriverAck>> ReleaseAsync(VolumeId volume, ReleaseRequest request, DriverCall call, CancellationToken cancellationToken);

    /// <summary>
    /// Cuts a volume's I/O off on this host: all of it, under way and later, fails from now on. From the host alone, in a lane of its own, so that it is done while the
    /// workers wait for a sick backend; it may overlap with a call about the same volume that hangs. The volume is not handed out again before it was released. Cut
    /// already: <see cref="DriverOutcome.AlreadySo"/>. Not attached: <see cref="DriverErrorCode.NotFound"/>. Attached with a newer generation:
    /// <see cref="DriverErrorCode.Invalid"/>. <see cref="DriverErrorCode.Unsupported"/> says why the I/O waits, where that can be told, and what an operator can do by hand.
    /// </summary>
    /// <param name="volume">The volume.</param>
    /// <param name="request">The generation.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The outcome.</returns>
    Task<DriverResult<DriverAck>> CutAsync(VolumeId volume, CutRequest request, DriverCall call, CancellationToken cancellationToken);

    /// <summary>
    /// Lets I/O of a volume go on that a snapshot or a rollback held back and nobody resumed. Goes on already: <see cref="DriverOutcome.AlreadySo"/>; done only when the
    /// host says that it goes on. While a snapshot of the volume is really under way: <see cref="DriverErrorCode.Busy"/>.
    /// </summary>
    /// <param name="volume">The volume.</param>
    /// <param name="request">The generation.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The outcome.</returns>
    Task<DriverResult<DriverAck>> ResumeAsync(VolumeId volume, ResumeRequest request, DriverCall call, CancellationToken cancellationToken);

    /// <summary>
    /// What is really attached on this host, from the host alone where possible (kernel, files). Runs in a lane of its own, so that it answers while the
    /// workers wait for a sick backend.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled shortly before the deadline.</param>
    /// <returns>The attachments.</returns>
    Task<DriverResult<AttachmentList>> ListAttachmentsAsync(DriverCall call, CancellationToken cancellationToken);
}
