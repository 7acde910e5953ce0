using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Volumes;

/// <summary>What a volume is to be.</summary>
internal sealed record CreateVolume
{
    public string? Name { get; init; }

    public required DiskOfferingId DiskOfferingId { get; init; }

    /// <summary>GiB, for customized offerings.</summary>
    public long? SizeGib { get; init; }

    public required ZoneId ZoneId { get; init; }

    /// <summary>Attach it to this VM when made.</summary>
    public VmId? VmId { get; init; }

    /// <summary>Whether the owner was asked for; else a volume that is made for a VM is its account's.</summary>
    public bool IsOwnerNamed { get; init; }
}

/// <summary>What is to change of a volume's size.</summary>
/// <param name="VolumeId">The volume.</param>
/// <param name="SizeGib">New size; null: the offering's.</param>
/// <param name="DiskOfferingId">New offering.</param>
/// <param name="ShrinkOk">Accepted for compatibility; shrinking is refused all the same.</param>
internal sealed record ResizeVolume(VolumeId VolumeId, long? SizeGib, DiskOfferingId? DiskOfferingId, bool ShrinkOk);

/// <summary>Which volume to detach: by its id, or by VM and device id. All that is named must be so.</summary>
/// <param name="VolumeId">The volume.</param>
/// <param name="VmId">The VM.</param>
/// <param name="DeviceId">The device.</param>
internal sealed record DetachVolume(VolumeId? VolumeId, VmId? VmId, int? DeviceId);

/// <summary>Volumes. "Unknown id" is 431 <see cref="Faults.NoSuchEntity"/>, also for somebody else's.</summary>
internal interface IVolumeOperations
{
    /// <summary>createVolume. Stays Allocated, without a pool, until it is attached first. 431 unknown offering or zone, missing or superfluous size, a VM of another zone.</summary>
    Task<JobOutcome> CreateAsync(Caller caller, CreateVolume request, CancellationToken cancellationToken);

    /// <summary>
    /// attachVolume. 431 attached already, destroyed, wrong state, device id taken or out of range (1, 2, 4-15), VM neither Running nor Stopped. The job is done
    /// when the running guest has it, or at once for a stopped one (after the backend made it). Job errors: 533/534/530 as for deploy.
    /// </summary>
    Task<JobOutcome> AttachAsync(Caller caller, VolumeId volumeId, VmId vmId, int? deviceId, CancellationToken cancellationToken);

    /// <summary>detachVolume. 431 not attached, attached to another VM or as another device than was named, a root disk, VM neither Running nor Stopped. Done when the guest gave it up.</summary>
    Task<JobOutcome> DetachAsync(Caller caller, DetachVolume request, CancellationToken cancellationToken);

    /// <summary>deleteVolume (synchronous, at once): the deletion goes through a host's ledger; the volume stays Expunging while owed. 431 attached, wrong state.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, VolumeId volumeId, CancellationToken cancellationToken);

    /// <summary>
    /// destroyVolume: kept, and to be recovered, until <c>storage.cleanup.delay</c> is over; with expunge deleted at once, as <see cref="DeleteAsync"/> does. 431 attached, or nothing to keep;
    /// 530 busy. Idempotent; the job is done at once.
    /// </summary>
    Task<JobOutcome> DestroyAsync(Caller caller, VolumeId volumeId, bool expunge, CancellationToken cancellationToken);

    /// <summary>recoverVolume (synchronous). 431 unless destroyed by itself; 535 the owner's limits.</summary>
    Task<Outcome<VolumeId>> RecoverAsync(Caller caller, VolumeId volumeId, CancellationToken cancellationToken);

    /// <summary>updateVolume: another name, which no backend knows it by; null leaves it. Done at once. 431 a volume that is given up, a name that will not do.</summary>
    Task<JobOutcome> UpdateAsync(Caller caller, VolumeId volumeId, string? name, CancellationToken cancellationToken);

    /// <summary>resizeVolume. 431 wrong state, shrinking, size missing, a size beside a fixed offering; 533 no room. Done when the backend confirmed, and a running guest sees it.</summary>
    Task<JobOutcome> ResizeAsync(Caller caller, ResizeVolume request, CancellationToken cancellationToken);
}
