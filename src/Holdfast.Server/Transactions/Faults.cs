using Holdfast.Core.States;

namespace Holdfast.Server.Transactions;

/// <summary>Every error the operations give: code, CloudStack's code and text, as data in one place.</summary>
internal static class Faults
{
    private const int CloudRuntime = 4250;
    private const int ConcurrentOperation = 4300;
    private const int InsufficientServerCapacity = 4335;
    private const int InvalidParameterValue = 4350;
    private const int PermissionDeniedCode = 4365;
    private const int ResourceAllocation = 4370;
    private const int ResourceInUse = 4375;
    private const int StorageUnavailableCode = 4385;
    private const int OperationTimedOut = 4560;
    private const int Generic = 9999;

    /// <summary>A required parameter is missing (431/9999).</summary>
    public static ApiFault Missing(string command, string parameter) =>
        new(431, Generic, $"Unable to execute API command {command.ToLowerInvariant()} due to missing parameter {parameter}");

    /// <summary>The id names nothing that the caller may see (431/9999). Same text for "not there" and "not yours".</summary>
    public static ApiFault NoSuchEntity(string command, string parameter, object? value) =>
        new(431, Generic, $"Unable to execute API command {command.ToLowerInvariant()} due to invalid value. Invalid parameter {parameter} value={value} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.");

    /// <summary>A parameter has a wrong value (431/4350).</summary>
    public static ApiFault Invalid(string text) => new(431, InvalidParameterValue, text);

    /// <summary>Anything CloudStack answers with CloudRuntimeException (530/4250).</summary>
    public static ApiFault Runtime(string text) => new(530, CloudRuntime, text);

    /// <summary>Another operation on the same object is under way (530/4300).</summary>
    public static ApiFault Concurrent(string text) => new(530, ConcurrentOperation, text);

    /// <summary>Not allowed (531/4365).</summary>
    public static ApiFault PermissionDenied(string text) => new(531, PermissionDeniedCode, text);

    /// <summary>No host or pool fits (533/4335).</summary>
    public static ApiFault NoCapacity(string text) => new(533, InsufficientServerCapacity, text);

    /// <summary>A storage pool that is needed does not serve (534/4385).</summary>
    public static ApiFault StorageUnavailable(string text) => new(534, StorageUnavailableCode, text);

    /// <summary>An account, or a domain with all below it, would have more than it may (535/4370).</summary>
    public static ApiFault LimitReached(string type, string who, string what, long most, long used, long more) =>
        new(535, ResourceAllocation, $"Maximum amount of resources of Type = '{type}' for {who} is exceeded: it may have {most} {what}, has {used}, and {more} more are asked for");

    /// <summary>Something still uses it (536/4375).</summary>
    public static ApiFault InUse(string text) => new(536, ResourceInUse, text);

    /// <summary>A job reached its deadline (530/4560).</summary>
    public static ApiFault TimedOut(string text) => new(530, OperationTimedOut, text);

    /// <summary>Something new in a zone that is disabled, for others than root administrators.</summary>
    public static ApiFault ZoneDisabled(object zone, string name) => PermissionDenied($"Cannot perform this operation, Zone is currently disabled: {name} ({zone})");

    // Virtual machines.

    /// <summary>start of a running VM.</summary>
    public static ApiFault AlreadyRunning(object vm, string name) => Invalid($"The virtual machine {vm} ({name}) is already running");

    /// <summary>start of a VM that runs and whose guest stands still.</summary>
    public static ApiFault RunningButPaused(object vm, string name, string? why) =>
        Invalid($"The virtual machine {vm} ({name}) is already running, and stands still: {why ?? "its host does not say why"}");

    /// <summary>start of a VM whose guest may run on a host that is not heard of.</summary>
    public static ApiFault NotStartableElsewhere(object vm, string name, object state, string silence) =>
        Runtime($"Unable to start the virtual machine {vm} ({name}), which is in state {state}: {silence}, and as long as it may run there it is started nowhere else");

    /// <summary>stop of a VM whose host is not heard of. The stop stands.</summary>
    public static ApiFault StopNotConfirmed(object vm, string name, string silence) =>
        Runtime($"The stop of the virtual machine {vm} ({name}) is not confirmed: {silence}. It is stopped when the host reports again, and stays in state Stopping until then");

    /// <summary>start of a VM that is Destroyed, Expunging or in Error.</summary>
    public static ApiFault NotStartable(object vm, string name, object state) => Invalid($"Unable to start the virtual machine {vm} ({name}): it is in state {state}");

    /// <summary>reboot of a VM that does not run.</summary>
    public static ApiFault NotRunning(object vm, string name) => Invalid($"The Instance {vm} ({name}) is not running, unable to reboot it");

    /// <summary>recover of a VM that is not Destroyed.</summary>
    public static ApiFault NotRecoverable(object vm) => Invalid($"Vm with id {vm} is not in the right state");

    /// <summary>recover of a VM whose root volume went with its storage pool.</summary>
    public static ApiFault RootVolumeGone(object vm, string name) => Invalid($"The virtual machine {vm} ({name}) cannot be recovered: its root volume is gone, it went with its storage pool");

    /// <summary>expunge of a VM that is neither Destroyed nor in Error.</summary>
    public static ApiFault NotExpungeable(object vm, string name, object state) => Invalid($"Unable to expunge the virtual machine {vm} ({name}): it is in state {state}, please destroy it first");

    /// <summary>An operation collides with one under way.</summary>
    public static ApiFault VmBusy(object vm, string name, object state) => Concurrent($"Unable to work on the virtual machine {vm} ({name}): another operation on it is under way, it is in state {state}");

    /// <summary>deploy or start found no place.</summary>
    public static ApiFault NoDeployment(object vm, string name, string reason) => NoCapacity($"Unable to create a deployment for VM {name} ({vm}): {reason}");

    /// <summary>A VM is not in a state to be changed.</summary>
    public static ApiFault VmNotRunningOrStopped() => Invalid("Please specify a VM that is on of the following states: [Running, Stopped].");

    /// <summary>destroy of a VM that is protected.</summary>
    public static ApiFault DeleteProtected(object vm, string name) =>
        Invalid($"Instance [{vm}, {name}] has delete protection enabled and cannot be deleted.");

    // Volumes.

    /// <summary>attach of an attached volume, delete of an attached volume.</summary>
    public static ApiFault VolumeAttached() => Invalid("Please specify a volume that is not attached to any VM.");

    /// <summary>attach of a destroyed volume.</summary>
    public static ApiFault VolumeDestroyed() => Invalid("Please specify a volume that is not destroyed.");

    /// <summary>attach of a volume in a wrong state.</summary>
    public static ApiFault VolumeNotAttachable() => Invalid("Volume state must be in Allocated, Ready or in Uploaded state");

    /// <summary>detach of a volume that is attached nowhere.</summary>
    public static ApiFault VolumeNotAttached() => Invalid("The specified volume is not attached to a VM.");

    /// <summary>Two places were named, and one is not in the other.</summary>
    public static ApiFault NotWithin(string inner, string outer) =>
        Invalid($"{inner} is not in {outer}");

    /// <summary>resize of a volume in a wrong state.</summary>
    public static ApiFault VolumeNotResizable(object volume, string name, object state) =>
        Invalid($"Volume should be in ready or allocated state before attempting a resize. Volume {name} ({volume}) is in state {state}.");

    /// <summary>Another operation on the volume is under way.</summary>
    public static ApiFault VolumeBusy(object volume, string name, object state) =>
        Concurrent($"Another operation on volume {name} ({volume}) is under way, it is in state {state}");

    // Storage pools.

    /// <summary>createStoragePool: the driver or the backend said no; nothing of the pool is left.</summary>
    public static ApiFault PoolNotAdded(string why) => Runtime($"Failed to add data store: {why}");

    /// <summary>deleteStoragePool outside of maintenance.</summary>
    public static ApiFault PoolNotInMaintenance(object pool, string name, object state) =>
        Invalid($"Unable to delete storage due to it is not in Maintenance state, pool: {name} ({pool}), state: {state}"
            + (state is PoolState.PrepareForMaintenance ? "; forced=true does not wait for its maintenance" : string.Empty));

    /// <summary>deleteStoragePool while volumes are on it; names every volume and VM.</summary>
    public static ApiFault PoolHasVolumes(object pool, string name, string holders) =>
        Runtime($"Cannot delete pool {name} ({pool}) as there are non-destroyed volumes associated to this pool. {holders}");

    /// <summary>enableStorageMaintenance in a wrong state.</summary>
    public static ApiFault PoolNotReadyForMaintenance(object pool, string name, object state) =>
        Invalid($"Primary storage {name} ({pool}) is not ready for migration, as the status is:{state}");

    /// <summary>enableStorageMaintenance twice.</summary>
    public static ApiFault PoolMaintenanceUnderWay(object pool, string name) =>
        Runtime($"There is already a job running for preparation for maintenance of the storage pool {name} ({pool})");

    /// <summary>cancelStorageMaintenance in a wrong state.</summary>
    public static ApiFault PoolNotReadyToCancel(object pool, string name, object state) =>
        StorageUnavailable($"Primary storage {name} ({pool}) is not ready to complete migration, as the status is:{state}");

    /// <summary>updateStoragePool enabled=false in a wrong state.</summary>
    public static ApiFault PoolNotDisablable(object pool, string name, object state) =>
        Invalid($"Primary storage {name} ({pool}) cannot be disabled. Storage pool state : {state}");

    /// <summary>updateStoragePool enabled=true in a wrong state.</summary>
    public static ApiFault PoolNotEnablable(object pool, string name, object state) =>
        Invalid($"Primary storage {name} ({pool}) cannot be enabled. Storage pool state : {state}");

    // Users.

    /// <summary>updateUser with a current password that is not.</summary>
    public static ApiFault WrongCurrentPassword() => Invalid("Current password is incorrect.");

    /// <summary>updateUser with a name that another user of the domain has.</summary>
    public static ApiFault UserNameTaken(string name) => Invalid($"A user with name {name} already exists in the domain");

    // Settings.

    /// <summary>A setting that does not exist.</summary>
    public static ApiFault NoSuchSetting(string name) => Invalid($"Config parameter with name {name} doesn't exist");

    // Hosts.

    /// <summary>prepareHostForMaintenance in a wrong state.</summary>
    public static ApiFault HostNotReadyForMaintenance(object host, string name, object state) =>
        Runtime($"Host {name} ({host}) is already in state {state}. Cannot recall for maintenance until resolved.");

    /// <summary>updateHost allocationstate in a wrong state.</summary>
    public static ApiFault HostNotSwitchable(object host, string name, object state) =>
        Runtime($"Host {name} ({host}) is in resource state {state}, and is neither enabled nor disabled until its maintenance is ended");

    /// <summary>A name that a host of the zone has.</summary>
    public static ApiFault HostNameTaken(string name, object host) => Invalid($"There is a host named {name} in the zone already: {host}");

    /// <summary>reconnectHost of a host that is not heard of.</summary>
    public static ApiFault HostNotReconnectable(object host, string name, object state) =>
        Runtime($"Unable to reconnect host {name} ({host}), which is not heard of: it is {state}, and connects by itself as soon as it can");

    /// <summary>cancelHostMaintenance in a wrong state.</summary>
    public static ApiFault HostNotInMaintenance(object host, string name, object state) =>
        Runtime($"Cannot perform cancelMaintenance when resource state is {state}, host: {name} ({host})");

    /// <summary>deleteHost of a host that is in use.</summary>
    public static ApiFault HostNotDeletable(object host, string name) =>
        Runtime($"Host with UUID [{host}] ({name}) is not in maintenance mode and no forced deletion was requested.");

    /// <summary>deleteHost of a host that is up and has guests.</summary>
    public static ApiFault HostHasGuests(object host, string name, string guests) =>
        Runtime($"Host {name} ({host}) is up and has guests, which would go on writing to their volumes; stop them first: {guests}");

    /// <summary>deleteHost of a host that alone has storage pools.</summary>
    public static ApiFault HostHasPools(object host, string name, string pools) =>
        Runtime($"Host {name} ({host}) is the only one that has: {pools}. Delete them first.");
}
