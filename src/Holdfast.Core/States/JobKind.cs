namespace Holdfast.Core.States;

/// <summary>
/// What an asynchronous job waits for. Open: whoever adds a kind of entity names the kinds of its jobs. Those that planners here know are named here.
/// </summary>
/// <param name="Name">Its name, as it is kept.</param>
public readonly record struct JobKind(string Name)
{
    /// <summary>A new VM runs (or is merely allocated).</summary>
    public static JobKind DeployVm { get; } = new(nameof(DeployVm));

    /// <summary>The guest runs.</summary>
    public static JobKind StartVm { get; } = new(nameof(StartVm));

    /// <summary>The guest is gone.</summary>
    public static JobKind StopVm { get; } = new(nameof(StopVm));

    /// <summary>The guest was rebooted.</summary>
    public static JobKind RebootVm { get; } = new(nameof(RebootVm));

    /// <summary>The guest is gone and the VM is destroyed.</summary>
    public static JobKind DestroyVm { get; } = new(nameof(DestroyVm));

    /// <summary>The host forgot the VM and its root volume's deletion is in a ledger.</summary>
    public static JobKind ExpungeVm { get; } = new(nameof(ExpungeVm));

    /// <summary>A VM has a new root disk, and runs if it did.</summary>
    public static JobKind RestoreVm { get; } = new(nameof(RestoreVm));

    /// <summary>A VM has another size; of one that runs, so has its guest.</summary>
    public static JobKind ScaleVm { get; } = new(nameof(ScaleVm));

    /// <summary>A volume is allocated.</summary>
    public static JobKind CreateVolume { get; } = new(nameof(CreateVolume));

    /// <summary>A volume is attached to a VM.</summary>
    public static JobKind AttachVolume { get; } = new(nameof(AttachVolume));

    /// <summary>A volume is detached.</summary>
    public static JobKind DetachVolume { get; } = new(nameof(DetachVolume));

    /// <summary>A volume has its new size.</summary>
    public static JobKind ResizeVolume { get; } = new(nameof(ResizeVolume));

    /// <summary>A template is deleted.</summary>
    public static JobKind DeleteTemplate { get; } = new(nameof(DeleteTemplate));

    /// <summary>No host calls the backend any more.</summary>
    public static JobKind EnableStorageMaintenance { get; } = new(nameof(EnableStorageMaintenance));

    /// <summary>Hosts serve the pool again.</summary>
    public static JobKind CancelStorageMaintenance { get; } = new(nameof(CancelStorageMaintenance));

    /// <summary>A host takes no more VMs; its guests need not be gone yet.</summary>
    public static JobKind PrepareHostForMaintenance { get; } = new(nameof(PrepareHostForMaintenance));

    /// <summary>A host takes VMs again.</summary>
    public static JobKind CancelHostMaintenance { get; } = new(nameof(CancelHostMaintenance));

    /// <inheritdoc/>
    public override string ToString() => Name;
}
