using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Directory;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Thawing;

/// <summary>Makes it.</summary>
internal sealed class ThawingDriverFactory : IDriverFactory
{
    private readonly DirectoryDriverFactory _directory = new();

    /// <inheritdoc/>
    public string Name => _directory.Name;

    /// <inheritdoc/>
    public DriverResult<IStorageDriver> Create(DriverContext context) =>
        _directory.Create(context).Then<IStorageDriver>(driver => new ThawingDriver(driver, context));
}

/// <summary>
/// The directory driver for tests, with a cut: it thaws the file system that the pool is on. On real storage a cut makes I/O fail; what both have in common is that a killed
/// process that waits for it can end, and that it is told by the host alone.
/// </summary>
internal sealed class ThawingDriver(IStorageDriver inner, DriverContext context) : IStorageDriver
{
    /// <inheritdoc/>
    public DriverCapabilities Capabilities => inner.Capabilities with { CanCut = true };

    /// <inheritdoc/>
    public Task<PoolStatus> ProbeAsync(DriverCall call, CancellationToken cancellationToken) => inner.ProbeAsync(call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<VolumeReply>> EnsureVolumeAsync(VolumeId volume, EnsureVolumeRequest request, DriverCall call, CancellationToken cancellationToken) =>
        inner.EnsureVolumeAsync(volume, request, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<VolumeReply>> GetVolumeAsync(VolumeId volume, DriverCall call, CancellationToken cancellationToken) => inner.GetVolumeAsync(volume, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<VolumeList>> ListVolumesAsync(DriverCall call, CancellationToken cancellationToken) => inner.ListVolumesAsync(call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<VolumeReply>> ResizeVolumeAsync(VolumeId volume, ResizeVolumeRequest request, DriverCall call, CancellationToken cancellationToken) =>
        inner.ResizeVolumeAsync(volume, request, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<VolumeReply>> SealVolumeAsync(VolumeId volume, SealVolumeRequest request, DriverCall call, CancellationToken cancellationToken) =>
        inner.SealVolumeAsync(volume, request, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> DeleteVolumeAsync(VolumeId volume, Generation generation, DriverCall call, CancellationToken cancellationToken) =>
        inner.DeleteVolumeAsync(volume, generation, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> EnsureSnapshotAsync(
        VolumeId volume, SnapshotId snapshot, EnsureSnapshotRequest request, DriverCall call, CancellationToken cancellationToken) =>
        inner.EnsureSnapshotAsync(volume, snapshot, request, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> DeleteSnapshotAsync(VolumeId volume, SnapshotId snapshot, DriverCall call, CancellationToken cancellationToken) =>
        inner.DeleteSnapshotAsync(volume, snapshot, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> RevertAsync(VolumeId volume, SnapshotId snapshot, RevertRequest request, DriverCall call, CancellationToken cancellationToken) =>
        inner.RevertAsync(volume, snapshot, request, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, DriverCall call, CancellationToken cancellationToken) =>
        inner.AttachAsync(volume, request, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> ReleaseAsync(VolumeId volume, ReleaseRequest request, DriverCall call, CancellationToken cancellationToken) =>
        inner.ReleaseAsync(volume, request, call, cancellationToken);

    /// <inheritdoc/>
    public async Task<DriverResult<DriverAck>> CutAsync(VolumeId volume, CutRequest request, DriverCall call, CancellationToken cancellationToken)
    {
        var thawed = await context.Processes.RunAsync("fsfreeze", ["--unfreeze", context.Startup.Config["path"]], cancellationToken);
        return thawed is ProcessOutcome.Exited { ExitCode: 0 } ? new DriverAck(DriverOutcome.Done) : DriverFailure.Unknown($"The file system was not thawed: {thawed}");
    }

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> ResumeAsync(VolumeId volume, ResumeRequest request, DriverCall call, CancellationToken cancellationToken) =>
        inner.ResumeAsync(volume, request, call, cancellationToken);

    /// <inheritdoc/>
    public Task<DriverResult<AttachmentList>> ListAttachmentsAsync(DriverCall call, CancellationToken cancellationToken) => inner.ListAttachmentsAsync(call, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
