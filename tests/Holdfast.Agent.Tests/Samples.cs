using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Tests;

/// <summary>Small valid objects to start from.</summary>
internal static class Samples
{
    public static readonly PoolId Pool = new(Id(0xA1));
    public static readonly PoolId OtherPool = new(Id(0xA2));
    public static readonly VmId Vm = new(Id(0xB1));
    public static readonly VolumeId Volume = new(Id(0xC1));
    public static readonly VolumeId Volume2 = new(Id(0xC2));
    public static readonly DateTimeOffset Then = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static Guid Id(int number) => new($"00000000-0000-7000-8000-{number:x12}");

    public static HostItem Binding(PoolId pool, long generation = 1, Desired desired = Desired.Attached, string name = "fast", string driver = "directory") => new()
    {
        Revision = generation,
        Kind = ItemKind.Binding,
        Id = pool.Value,
        Generation = new Generation(generation),
        Desired = desired,
        Binding = desired == Desired.Absent ? null : new BindingSpec
        {
            PoolId = pool,
            PoolName = name,
            Driver = driver,
            Config = new Dictionary<string, string> { ["path"] = "/pool" },
            Secrets = new Dictionary<string, Secret> { ["token"] = new("very-secret") },
        },
    };

    public static MachineDisk Disk(VolumeId volume, PoolId pool, int device = 0, long size = 1 << 30, string poolName = "fast") => new()
    {
        VolumeId = volume,
        PoolId = pool,
        PoolName = poolName,
        DeviceId = device,
        SizeBytes = size,
        VolumeGeneration = Generation.First,
        LeaseGeneration = Generation.First,
    };

    public static HostItem Machine(Desired desired, long generation = 1, VmId? vm = null, long? expiresInMs = null, Func<MachineSpec, MachineSpec>? change = null, params MachineDisk[] disks)
    {
        var spec = new MachineSpec
        {
            VmId = vm ?? Vm,
            Name = "web",
            InstanceName = "i-2-17-VM",
            Cpus = 1,
            MemoryMiB = 128,
            Disks = disks,
            GraceSeconds = 30,
        };
        return new HostItem
        {
            Revision = 100 + generation,
            Kind = ItemKind.Machine,
            Id = (vm ?? Vm).Value,
            Generation = new Generation(generation),
            Desired = desired,
            ExpiresInMs = expiresInMs,
            Machine = desired == Desired.Absent ? null : change is null ? spec : change(spec),
        };
    }

    public static GuestTold Told(long told = 1, VmId? vm = null) => new()
    {
        VmId = vm ?? Vm,
        Told = told,
        HostName = "web",
        InstanceName = "i-2-17-VM",
        ZoneName = "zone \"one\"",
        ZoneId = new ZoneId(Id(0x9)),
        OfferingName = "small",
    };

    public static HostItem Task(Guid id, TaskSpec? spec, long generation = 1, long? expiresInMs = null) => new()
    {
        Revision = 200 + generation,
        Kind = ItemKind.Task,
        Id = id,
        Generation = new Generation(generation),
        Desired = spec is null ? Desired.Absent : Desired.Done,
        ExpiresInMs = expiresInMs,
        Task = spec,
    };

    public static AttachmentRow Attachment(VolumeId volume, Guid? owner = null, AttachMode mode = AttachMode.Run, PoolId? pool = null) => new()
    {
        Volume = volume,
        Owner = owner ?? Vm.Value,
        Mode = mode,
        Machine = mode == AttachMode.Run ? new VmId(owner ?? Vm.Value) : null,
        Pool = pool ?? Pool,
        PoolName = "fast",
        Driver = "directory",
        Generation = Generation.First,
        LeaseGeneration = Generation.First,
        State = AttachmentState.Attached,
        BackendName = $"hf-{volume}",
        Source = new DiskSource.File("/pool/x", "qcow2"),
        SizeBytes = 1 << 30,
    };

    public static ObligationRow Obligation(int id, VolumeId volume, ObligationKind kind = ObligationKind.ReleaseAttachment, PoolId? pool = null) => new()
    {
        Id = new ObligationId(Id(id)),
        Kind = kind,
        State = ObligationState.Owed,
        Pool = pool ?? Pool,
        PoolName = "fast",
        Volume = volume,
        Mode = AttachMode.Run,
        Machine = Vm,
        Generation = Generation.First,
        Cause = "the guest is gone",
        CreatedAt = Then,
    };
}
