using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Machines;

/// <summary>A further data disk of a new VM.</summary>
/// <param name="DiskOfferingId">Its offering.</param>
/// <param name="SizeGib">Its size when the offering is customized.</param>
internal sealed record DeployDataDisk(DiskOfferingId DiskOfferingId, long? SizeGib);

/// <summary>What a VM is to be.</summary>
internal sealed record DeployVirtualMachine
{
    public string? Name { get; init; }

    public string? DisplayName { get; init; }

    public required ServiceOfferingId ServiceOfferingId { get; init; }

    /// <summary>For a custom offering.</summary>
    public GivenSize Size { get; init; } = GivenSize.None;

    public required ZoneId ZoneId { get; init; }

    public required TemplateId TemplateId { get; init; }

    /// <summary>Data disks (diskofferingid with size comes first, then datadiskofferinglist).</summary>
    public IReadOnlyList<DeployDataDisk> DataDisks { get; init; } = [];

    /// <summary>GiB.</summary>
    public long? RootDiskGib { get; init; }

    /// <summary>Empty: the default network.</summary>
    public IReadOnlyList<NetworkId> NetworkIds { get; init; } = [];

    public string? MacAddress { get; init; }

    /// <summary>Root administrators may name a host.</summary>
    public HostId? HostId { get; init; }

    public ClusterId? ClusterId { get; init; }

    public bool StartVm { get; init; } = true;

    /// <summary>Whether it may be given another size while it runs.</summary>
    public bool DynamicallyScalable { get; init; } = true;

    /// <summary>What it boots by.</summary>
    public MachineFirmware Firmware { get; init; }

    public string? Hypervisor { get; init; }

    public GivenUserData UserData { get; init; } = GivenUserData.None;

    /// <summary>For templates that take one; null: one is made.</summary>
    public Secret? Password { get; init; }

    public string? Group { get; init; }

    /// <summary>Affinity groups of its owner.</summary>
    public GivenAffinity Affinity { get; init; } = GivenAffinity.None;

    /// <summary>Names of SSH key pairs of its owner.</summary>
    public IReadOnlyList<string> KeyPairs { get; init; } = [];

    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();
}

/// <summary>A VM that is to have a new root disk.</summary>
internal sealed record RestoreVirtualMachine
{
    public required VmId Id { get; init; }

    /// <summary>Its template; null: the VM's.</summary>
    public TemplateId? TemplateId { get; init; }

    /// <summary>Its size in GiB; null: that of the present one, or of the template where that is larger.</summary>
    public long? RootDiskGib { get; init; }

    /// <summary>Whether the present one is deleted at once, and not kept to be recovered.</summary>
    public bool Expunge { get; init; }
}

/// <summary>What to change of a VM; null leaves a field.</summary>
internal sealed record UpdateVirtualMachine
{
    public required VmId Id { get; init; }

    /// <summary>Its name, which is its host name.</summary>
    public string? Name { get; init; }

    public string? DisplayName { get; init; }

    /// <summary>Empty: none.</summary>
    public string? Group { get; init; }

    /// <summary>As it has it: it is changed together with its offering.</summary>
    public GivenSize Size { get; init; } = GivenSize.None;

    /// <summary>All its details.</summary>
    public IReadOnlyDictionary<string, string>? Details { get; init; }

    public bool? DeleteProtection { get; init; }

    public bool? DynamicallyScalable { get; init; }

    /// <summary>From the next start on.</summary>
    public GivenUserData? UserData { get; init; }
}

/// <summary>
/// Virtual machines. Every method answers after its transaction; what follows is the reconciler's. "Unknown id" is 431 <see cref="Faults.NoSuchEntity"/>, also
/// for somebody else's VM. One job a VM that changes its power runs at a time; colliding ones are refused 530/4300 unless noted.
/// </summary>
internal interface IVirtualMachineOperations
{
    /// <summary>
    /// deployVirtualMachine. The VM row exists at once (Stopped or Starting). Errors at once: 431 unknown or unusable offering, a size that it does not give, template, zone, network, name
    /// taken or malformed, rootdisksize below the template. Errors of the job: 533 no host fits, 534 no pool serves (each names the reason), 530 the host's
    /// words. A failed first start ends in Error with nothing left on hosts but what obligations say.
    /// </summary>
    Task<JobOutcome> DeployAsync(Caller caller, DeployVirtualMachine request, CancellationToken cancellationToken);

    /// <summary>startVirtualMachine. 531 at once: its account is disabled or locked. Job errors: 431 already running; 431 not startable; 534/4385 a pool of its volumes is in maintenance or does not serve; 533 no host.</summary>
    Task<JobOutcome> StartAsync(Caller caller, VmId vmId, HostId? hostId, CancellationToken cancellationToken);

    /// <summary>
    /// stopVirtualMachine. Done when its host reported the guest gone; storage has no say. Of a stopped, destroyed or expunging VM: success at once. Of a starting
    /// one: 530/4300 unless forced. Of a stopping one: joins it (forced hastens it).
    /// </summary>
    Task<JobOutcome> StopAsync(Caller caller, VmId vmId, bool forced, CancellationToken cancellationToken);

    /// <summary>rebootVirtualMachine. Job error: 431 not running.</summary>
    Task<JobOutcome> RebootAsync(Caller caller, VmId vmId, bool forced, CancellationToken cancellationToken);

    /// <summary>updateVirtualMachine. Errors: 431 unknown id, a name that is taken or malformed, or while the VM is not stopped; 530 a VM that is being destroyed.</summary>
    Task<Outcome<VmId>> UpdateAsync(Caller caller, UpdateVirtualMachine request, CancellationToken cancellationToken);

    /// <summary>
    /// changeServiceForVirtualMachine: another service offering, or another size by a custom one, from the next start on; volumes stay where and as they are. Errors: 431 unknown id or
    /// offering, a size that the offering does not give, a VM that is not stopped.
    /// </summary>
    Task<Outcome<VmId>> ChangeServiceAsync(Caller caller, VmId vmId, ServiceOfferingId offeringId, GivenSize size, CancellationToken cancellationToken);

    /// <summary>
    /// scaleVirtualMachine: the same with a job, done at once. A running VM is given more while it runs, and the job is done when its host says that the guest has it; when the guest is not
    /// given it, the VM has the size of before. Errors: 431 something does not allow it, less than it has, more than its guest has room for; 530 a silent host, a scaling under way; 533 no
    /// room on its host; 535 its owner's limits.
    /// </summary>
    Task<JobOutcome> ScaleAsync(Caller caller, VmId vmId, ServiceOfferingId offeringId, GivenSize size, CancellationToken cancellationToken);

    /// <summary>
    /// destroyVirtualMachine. Refused of one that is protected: 431. Stops first when it runs. With expunge it goes on to Expunging. Volumes named in volumeIds go with it, other data disks are
    /// detached. Idempotent.
    /// </summary>
    Task<JobOutcome> DestroyAsync(Caller caller, VmId vmId, bool expunge, IReadOnlyList<VolumeId> volumeIds, bool forced, CancellationToken cancellationToken);

    /// <summary>
    /// resetSSHKeyForVirtualMachine: other SSH keys, from the next start on. 431 a VM that is not stopped, a key pair that the account has not. The job is done at once.
    /// </summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="vmId">The VM.</param>
    /// <param name="keyPairs">Names of key pairs.</param>
    /// <param name="owner">Whose key pairs; null: those of the VM's owner.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<JobOutcome> ResetSshKeyAsync(Caller caller, VmId vmId, IReadOnlyList<string> keyPairs, AccountId? owner, CancellationToken cancellationToken);

    /// <summary>resetUserDataForVirtualMachine: other user data, or none, from the next start on. 431 a VM that is not stopped, user data that is not there.</summary>
    Task<Outcome<VmId>> ResetUserDataAsync(Caller caller, VmId vmId, GivenUserData given, CancellationToken cancellationToken);

    /// <summary>resetPasswordForVirtualMachine: another password, from the next start on; null: one is made. 431 a VM that is not stopped, a template that takes none. The job is done at once.</summary>
    Task<JobOutcome> ResetPasswordAsync(Caller caller, VmId vmId, Secret? password, CancellationToken cancellationToken);

    /// <summary>updateVMAffinityGroup: other affinity groups of its owner in place of those that it is in. 431 a VM that is not stopped, a group that is not there. The job is done at once.</summary>
    Task<JobOutcome> UpdateAffinityAsync(Caller caller, VmId vmId, GivenAffinity affinity, CancellationToken cancellationToken);

    /// <summary>
    /// assignVirtualMachine: a stopped VM with its volumes belongs to another account, which the caller may see; its groups and key pairs stay behind. 431 a VM that is not stopped, a name
    /// that the account has, a template that it may not use; 530 a volume that is busy; 531 an account that has ended; 535 its limits.
    /// </summary>
    Task<Outcome<VmId>> AssignAsync(Caller caller, VmId vmId, AccountId ownerId, CancellationToken cancellationToken);

    /// <summary>
    /// restoreVirtualMachine: a new root disk is made from a template, while the VM goes on; then it takes the place of the present one, for which a running guest is stopped and started
    /// again. What fails before that leaves the VM as it was. 431 a VM that is neither running nor stopped, a template that cannot be used; 530 a root disk that is busy; 535 its owner's limits.
    /// </summary>
    Task<JobOutcome> RestoreAsync(Caller caller, RestoreVirtualMachine request, CancellationToken cancellationToken);

    /// <summary>expungeVirtualMachine. 431 unless Destroyed or Error. Done when the host forgot the VM; its volumes stay Expunging while a backend owes them.</summary>
    Task<JobOutcome> ExpungeAsync(Caller caller, VmId vmId, CancellationToken cancellationToken);

    /// <summary>recoverVirtualMachine (synchronous). 431 unless Destroyed.</summary>
    Task<Outcome<VmRow>> RecoverAsync(Caller caller, VmId vmId, CancellationToken cancellationToken);
}
