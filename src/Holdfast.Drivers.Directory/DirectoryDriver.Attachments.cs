using Holdfast.Core.Ids;
using Holdfast.DriverKit;
using Holdfast.Drivers.Directory.Host;
using Holdfast.Drivers.Directory.Images;
using Holdfast.Drivers.Directory.Records;
using Holdfast.Protocol.Driver;

namespace Holdfast.Drivers.Directory;

// What guests of this host have of the pool.
internal sealed partial class DirectoryDriver
{
    /// <inheritdoc/>
    public Task<DriverResult<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, DriverCall call, CancellationToken cancellationToken) =>
        GuardAsync<AttachmentReply>(volume, async () =>
        {
            switch (Existing(volume, request.Generation))
            {
                case DriverResult<Found>.Failed failed:
                    return failed.Error;
                case DriverResult<Found>.Ok { Value: var found }:
                    return await AttachAsync(found, request, cancellationToken);
                default:
                    throw new InvalidOperationException("The hierarchy is closed.");
            }
        });

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> ReleaseAsync(VolumeId volume, ReleaseRequest request, DriverCall call, CancellationToken cancellationToken) =>
        GuardAsync<DriverAck>(volume, () => Task.FromResult(Release(volume, request)));

    /// <inheritdoc/>
    /// <remarks>A file system fails as a whole or not at all: to make it fail would take the I/O of other volumes' guests, too.</remarks>
    public Task<DriverResult<DriverAck>> CutAsync(VolumeId volume, CutRequest request, DriverCall call, CancellationToken cancellationToken) =>
        Task.FromResult<DriverResult<DriverAck>>(DriverFailure.Unsupported(
            $"Storage pool '{_pool}': I/O of one volume cannot be cut off on a file system. Its I/O ends when the file system of {_settings.Path} goes on (frozen: 'fsfreeze --unfreeze'; a server that is away: when it is back) or is made to fail as a whole (NFS: 'umount -f')."));

    /// <inheritdoc/>
    public Task<DriverResult<DriverAck>> ResumeAsync(VolumeId volume, ResumeRequest request, DriverCall call, CancellationToken cancellationToken) =>
        Task.FromResult<DriverResult<DriverAck>>(new DriverAck(DriverOutcome.AlreadySo));

    /// <inheritdoc/>
    public Task<DriverResult<AttachmentList>> ListAttachmentsAsync(DriverCall call, CancellationToken cancellationToken) =>
        GuardAsync<AttachmentList>(null, () => Task.FromResult<DriverResult<AttachmentList>>(Inventory()));

    private async Task<DriverResult<AttachmentReply>> AttachAsync(Found found, AttachRequest request, CancellationToken cancellationToken)
    {
        var record = found.Record!;
        var image = found.Image!;
        if (request.Generation != record.Generation)
        {
            return DriverFailure.Invalid(
                $"Storage pool '{_pool}': volume {record.VolumeId} is recorded with generation {record.Generation}, not {request.Generation}.");
        }

        if (record.Sealed && !request.ReadOnly)
        {
            return DriverFailure.Invalid($"Storage pool '{_pool}': volume {record.VolumeId} is sealed and can only be attached read-only.");
        }

        var others = _attachments.Of(record.VolumeId);
        if (others.FirstOrDefault(other => other.Mode == AttachMode.Copy != (request.Mode == AttachMode.Copy) && !(other.ReadOnly && request.ReadOnly)) is { } conflict)
        {
            return DriverFailure.Busy($"Storage pool '{_pool}': volume {record.VolumeId} is attached on this host for something else ({conflict.Mode}).");
        }

        if (Chain(record) is not DriverResult<IReadOnlyList<BackingImage>>.Ok { Value: var chain } told)
        {
            return Chain(record).Then<AttachmentReply>(static _ => throw new InvalidOperationException());
        }

        if (!record.Sealed && await GrowAsync(record, image, record, cancellationToken) is DriverResult<VolumeReply>.Failed notGrown)
        {
            return notGrown.Error;
        }

        var wanted = new AttachmentRecord(record.VolumeId, request.Mode, request.Generation, request.ReadOnly, image);
        var outcome = DriverOutcome.AlreadySo;
        if (!others.Contains(wanted))
        {
            _attachments.Write(wanted);
            outcome = DriverOutcome.Done;
        }

        if (request.Mode != AttachMode.Copy && GiveAccess(image, chain, !request.ReadOnly && !record.Sealed) is { } refused)
        {
            if (outcome == DriverOutcome.Done)
            {
                _attachments.Remove(wanted);
            }

            return refused;
        }

        return new AttachmentReply
        {
            Outcome = outcome,
            Source = new DiskSource.File(
                image,
                QemuImg.NameOf(record.Format),
                chain.Count > 0 ? chain : null,
                LibC.TryOpen(image, LibC.OpenReadOnly | LibC.OpenDirect) == 0),
            SizeBytes = record.SizeBytes,
            BackendName = PoolFolder.NameOf(record.VolumeId),
        };
    }

    private DriverError? GiveAccess(string image, IReadOnlyList<BackingImage> chain, bool write)
    {
        foreach (var behind in chain)
        {
            if (_access.Give(behind.Path, write: false) is { } refused)
            {
                return refused;
            }
        }

        return _access.Give(image, write);
    }

    /// <summary>The images behind a volume, by the records: headers are written by copy programs and, in raw images, by guests.</summary>
    private DriverResult<IReadOnlyList<BackingImage>> Chain(VolumeRecord record)
    {
        List<BackingImage> chain = [];
        while (record.Backing is { } backing)
        {
            if (chain.Count >= LongestChain)
            {
                return DriverFailure.Invalid($"Storage pool '{_pool}': volume {record.VolumeId} stands on more than {LongestChain} images.");
            }

            switch (Existing(backing))
            {
                case DriverResult<Found>.Ok { Value: { Record: { } behind, Image: { } image } }:
                    chain.Add(new BackingImage(image, QemuImg.NameOf(behind.Format)));
                    record = behind;
                    break;
                case DriverResult<Found>.Failed { Error: { Code: DriverErrorCode.NotFound } }:
                    return DriverFailure.Invalid(
                        $"Storage pool '{_pool}': the image of sealed volume {backing}, on which volume {record.VolumeId} stands, is gone; the volume cannot be used.");
                case DriverResult<Found>.Failed failed:
                    return failed.Error;
            }
        }

        return chain;
    }

    private DriverResult<DriverAck> Release(VolumeId volume, ReleaseRequest request)
    {
        var attachments = _attachments.Of(volume);
        var attachment = attachments.FirstOrDefault(attachment => attachment.Mode == request.Mode);
        if (attachment is null)
        {
            return new DriverAck(DriverOutcome.AlreadySo);
        }

        if (request.Generation < attachment.Generation)
        {
            return DriverFailure.Invalid(
                $"Storage pool '{_pool}': volume {volume} is attached with generation {attachment.Generation}; a release of generation {request.Generation} comes too late.");
        }

        var last = attachments.Count == 1;
        if (last && File.Exists(attachment.Path))
        {
            if (IsOpenHere(attachment.Path))
            {
                return DriverFailure.Busy($"Storage pool '{_pool}': volume {volume} is still open on this host.");
            }

            // On a shared pool the guest may by now run on another host, which asks the file's owner with every write.
            if (!_settings.Shared && attachment is { Mode: not AttachMode.Copy, ReadOnly: false })
            {
                _access.Take(attachment.Path);
            }
        }

        _attachments.Remove(attachment);
        return new DriverAck(DriverOutcome.Done);
    }

    /// <summary>What was attached here and not released, and what is open for writing all the same. Answered without touching the pool's file system.</summary>
    private AttachmentList Inventory()
    {
        var open = OpenImages.Below(_settings.Path);
        var recorded = _attachments.All();
        List<AttachmentInfo> list =
        [
            .. recorded.Select(attachment => new AttachmentInfo(
                attachment.VolumeId,
                PoolFolder.NameOf(attachment.VolumeId),
                attachment.Path,
                open.ContainsKey(attachment.Path),
                attachment.Mode,
                attachment.Generation)),
        ];
        var known = recorded.Select(static attachment => attachment.VolumeId).ToHashSet();

        // What is open in a folder that was never this pool's belongs to whoever's it is.
        var isOurs = _folder.WasSeen();
        foreach (var (path, writes) in open)
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (isOurs
                && writes
                && name.StartsWith("hf-", StringComparison.Ordinal)
                && Path.GetDirectoryName(path) == _settings.Path
                && Guid.TryParseExact(name.AsSpan(3), "D", out var id)
                && known.Add(VolumeId.From(id)))
            {
                LogUnrecorded(_pool, VolumeId.From(id), path);
                list.Add(new AttachmentInfo(VolumeId.From(id), name, path, InUse: true));
            }
        }

        return new AttachmentList(list);
    }

    private bool IsInUse(VolumeId volume, string image) => _attachments.Of(volume).Count > 0 || IsOpen(image);

    /// <summary>Whether anybody, on any host, has an image open with QEMU's locks.</summary>
    private bool IsOpen(string image)
    {
        _calls.Count("ask for locks");
        using var file = File.OpenHandle(image, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return LibC.IsLockedByQemu(file);
    }

    /// <summary>The same for this host alone.</summary>
    private bool IsOpenHere(string image) => IsOpen(image) && (!_settings.Shared || OpenImages.Below(_settings.Path).ContainsKey(image));
}
