using System.Security.Cryptography;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.SshKeyPairs;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Tests.Api;

/// <summary>Rows with all that must be there.</summary>
internal static class Rows
{
    public static readonly DateTimeOffset Now = new(2026, 1, 30, 10, 39, 29, TimeSpan.Zero);

    public static DiskOfferingRow DiskOffering(string name = "small") => new()
    {
        Id = new DiskOfferingId(Guid.NewGuid()),
        Name = name,
        DisplayText = name,
        SizeBytes = 5L << 30,
        Customized = false,
        StorageType = "shared",
        ProvisioningType = "thin",
        Tags = "",
        DisplayOffering = true,
        CacheMode = "none",
        Details = "{}",
        Created = Now,
    };

    public static ServiceOfferingRow ServiceOffering(string name = "tiny") => new()
    {
        Id = new ServiceOfferingId(Guid.NewGuid()),
        Name = name,
        DisplayText = name,
        Cpus = 1,
        CpuMhz = 500,
        MemoryMib = 256,
        StorageType = "shared",
        ProvisioningType = "thin",
        StorageTags = "",
        HostTags = "",
        OfferHa = false,
        LimitCpuUse = false,
        IsVolatile = false,
        CacheMode = "none",
        Details = "{}",
        Created = Now,
    };

    public static TemplateRow Template(TestUser owner, string name = "tmpl", bool isPublic = false, bool isFeatured = false, ZoneId? zone = null) => new()
    {
        Id = new TemplateId(Guid.NewGuid()),
        AccountId = owner.Account.Id,
        ZoneId = zone,
        Name = name,
        DisplayText = name,
        Url = "http://example.org/image.qcow2",
        Format = "qcow2",
        Hypervisor = "KVM",
        IsPublic = isPublic,
        IsFeatured = isFeatured,
        IsExtractable = false,
        PasswordEnabled = false,
        SshKeyEnabled = false,
        RequiresHvm = true,
        Bits = 64,
        Details = "{}",
        State = TemplateState.Ready,
        Status = "Download Complete",
        SizeBytes = 1L << 30,
        Created = Now,
    };

    public static VmRow Vm(TestUser owner, ZoneId zone, ServiceOfferingRow offering, string name = "vm", TemplateRow? template = null, HostRow? host = null)
    {
        var id = Guid.NewGuid();
        return new()
        {
            Id = new VmId(id),
            Number = 7,
            Name = name,
            DisplayName = name,
            InstanceName = $"i-2-{id:N}-VM",
            AccountId = owner.Account.Id,
            UserId = owner.Row.Id,
            ZoneId = zone,
            State = host is null ? VmState.Stopped : VmState.Running,
            StateSince = Now,
            HostId = host?.Id,
            TemplateId = template?.Id,
            ServiceOfferingId = offering.Id,
            Cpus = offering.Cpus,
            CpuMhz = offering.CpuMhz,
            MemoryMib = offering.MemoryMib,
            Generation = Generation.First,
            RebootSequence = 0,
            ForcedReboot = false,
            ForcedStop = false,
            GraceSeconds = 60,
            EverRan = true,
            Removal = VmRemoval.None,
            Networks = "[]",
            Details = "{}",
            Created = Now,
        };
    }

    public static VolumeRow Volume(TestUser owner, ZoneId zone, string name = "vol", VmRow? vm = null, StoragePoolRow? pool = null, VolumeType type = VolumeType.DataDisk) => new()
    {
        Id = new VolumeId(Guid.NewGuid()),
        Name = name,
        Type = type,
        AccountId = owner.Account.Id,
        ZoneId = zone,
        VmId = vm?.Id,
        DeviceId = vm is null ? null : type == VolumeType.Root ? 0 : 1,
        Attached = vm is null ? null : Now,
        Attaching = false,
        Detaching = false,
        GoesWithVm = false,
        PoolId = pool?.Id,
        State = pool is null ? VolumeState.Allocated : VolumeState.Ready,
        StateSince = Now,
        Generation = Generation.First,
        SizeBytes = 8L << 30,
        StorageTags = "",
        LeaseGeneration = Generation.None,
        Created = Now,
    };

    public static StoragePoolRow Pool(ZoneId zone, string name = "lin1") => new()
    {
        Id = new PoolId(Guid.NewGuid()),
        ZoneId = zone,
        Name = name,
        Scope = PoolScope.Zone,
        Provider = "Linstor",
        Driver = "linstor",
        Type = "Linstor",
        Url = "http://10.0.0.1:3370",
        Address = "http://10.0.0.1:3370",
        Path = "acs-basic",
        Config = "{}",
        Details = """{"resourceGroup":"acs-basic"}""",
        Tags = "linstor",
        State = PoolState.Up,
        StateSince = Now,
        CapacityBytes = 100L << 30,
        UsedBytes = 1L << 30,
        Created = Now,
    };

    public static HostRow Host(ClusterRow cluster, string name = "h1") => new()
    {
        Id = new HostId(Guid.NewGuid()),
        ZoneId = cluster.ZoneId,
        PodId = cluster.PodId,
        ClusterId = cluster.Id,
        Name = name,
        NodeName = name,
        State = HostState.Up,
        ResourceState = ResourceState.Enabled,
        Cpus = 2,
        CpuMhz = 2000,
        MemoryBytes = 4L << 30,
        Accelerator = "tcg",
        AgentVersion = "0.1.0",
        Drivers = """{"linstor":"0.1.0"}""",
        HostTags = "",
        Created = Now,
    };

    public static IncarnationRow Incarnation(HostRow host) => new()
    {
        Id = host.IncarnationId!.Value,
        HostId = host.Id,
        State = IncarnationState.Active,
        Revision = 0,
        AgentEpoch = 1,
        Sequence = 1,
        KeyHash = "00",
        CertificateExpires = Now.AddYears(1),
        Created = Now,
    };

    public static BindingRow Binding(StoragePoolRow pool, HostRow host, Desired desired = Desired.Attached, BindingState? observed = BindingState.Attached) => new()
    {
        IncarnationId = new IncarnationId(Guid.NewGuid()),
        PoolId = pool.Id,
        HostId = host.Id,
        Generation = new Generation(3),
        Desired = desired,
        ObservedGeneration = observed is null ? null : new Generation(3),
        Observed = observed,
        ControlPlane = PlaneHealth.Up,
        DataPlane = PlaneHealth.Up,
        CanAttachLocally = true,
        Conditions = "[]",
        DriverPid = 4711,
        DriverVersion = "0.1.0",
        Since = Now,
        Created = Now,
    };

    public static ObligationRow Obligation(StoragePoolRow pool, HostRow host, ObligationState state = ObligationState.Owed) => new()
    {
        Id = new ObligationId(Guid.NewGuid()),
        IncarnationId = new IncarnationId(Guid.NewGuid()),
        HostId = host.Id,
        Kind = ObligationKind.ReleaseAttachment,
        State = state,
        PoolId = pool.Id,
        PoolName = pool.Name,
        VolumeId = new VolumeId(Guid.NewGuid()),
        BackendName = "hf-x",
        Generation = Generation.First,
        Cause = "VM vm1 stopped",
        Tries = 2,
        HostCreated = Now,
        Created = Now,
        Updated = Now,
    };

    public static AccountRow Project(TestUser owner, string name) => new()
    {
        Id = new AccountId(Guid.NewGuid()),
        Number = name.GetHashCode(StringComparison.Ordinal),
        Name = name,
        DisplayText = name,
        DomainId = owner.Domain.Id,
        Type = AccountRow.Project,
        RoleId = RoleRow.User,
        State = AccountStates.Enabled,
        Created = Now,
    };

    public static ProjectMemberRow ProjectMember(AccountRow project, TestUser member, bool owns = true) => new()
    {
        ProjectId = project.Id,
        AccountId = member.Account.Id,
        Owns = owns,
        Created = Now,
    };

    public static UserDataRow UserData(TestUser owner) => new()
    {
        Id = new UserDataId(Guid.NewGuid()),
        AccountId = owner.Account.Id,
        Name = $"data {Guid.NewGuid():N}",
        Content = "I2Nsb3VkLWNvbmZpZwo=",
        Created = Now,
    };

    /// <summary>With a key of its own: a key is once in an account.</summary>
    public static SshKeyPairRow SshKeyPair(TestUser owner)
    {
        var key = SshPublicKey.Read("ssh-ed25519 " + Convert.ToBase64String([0, 0, 0, 11, .. "ssh-ed25519"u8, 0, 0, 0, 32, .. RandomNumberGenerator.GetBytes(32)]))!;
        return new SshKeyPairRow
        {
            Id = new SshKeyPairId(Guid.NewGuid()),
            AccountId = owner.Account.Id,
            Name = $"pair {Guid.NewGuid():N}",
            PublicKey = key.Text,
            Fingerprint = key.Fingerprint,
            Created = Now,
        };
    }

    public static JobRow Job(TestUser owner, VmRow vm, JobState state, int code, string? result) => new()
    {
        Id = new JobId(Guid.NewGuid()),
        Kind = JobKind.StopVm,
        AccountId = owner.Account.Id,
        UserId = owner.Row.Id,
        InstanceType = "VirtualMachine",
        InstanceId = vm.Id.Value,
        State = state,
        ResultCode = code,
        Result = result,
        Description = "stopping Vm",
        Created = Now,
        Deadline = Now.AddMinutes(10),
        Completed = state == JobState.Pending ? null : Now.AddSeconds(3),
    };

    public static EventRow Event(TestUser owner, string type = "VM.STOP") => new()
    {
        Id = new Holdfast.Core.Ids.EventId(Guid.NewGuid()),
        Type = type,
        Level = EventLevel.Info,
        State = EventState.Completed,
        Description = "Stopped vm",
        AccountId = owner.Account.Id,
        UserId = owner.Row.Id,
        Created = Now,
    };
}
