using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Bench;

/// <summary>
/// Fills a new installation with hosts, pools, VMs and volumes that nobody ever made: rows as a real one would have them, in the bootstrapped zone. Same size, same rows but
/// for their ids.
/// </summary>
internal sealed class Seed
{
    private const int RowsPerStep = 10_000;

    private readonly ScaleSize _size;
    private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;
    private readonly List<ClusterRow> _clusters = [];
    private readonly List<HostRow> _hosts = [];
    private readonly Dictionary<ClusterId, StoragePoolRow> _poolOf = [];
    private readonly List<object> _rows = [];
    private readonly Dictionary<IncarnationId, long> _revisions = [];

    private Seed(ScaleSize size) => _size = size;

    /// <summary>The zone that has it all.</summary>
    public ZoneRow Zone { get; private set; } = null!;

    /// <summary>The first cluster that was made up.</summary>
    public ClusterRow FirstCluster => _clusters[0];

    /// <summary>The pool of the first cluster.</summary>
    public StoragePoolRow FirstClusterPool => _poolOf[FirstCluster.Id];

    /// <summary>A host that has VMs.</summary>
    public HostRow FirstHost => _hosts[0];

    /// <summary>The pool that is on every host.</summary>
    public StoragePoolRow ZonePool { get; private set; } = null!;

    /// <summary>What VMs are made of.</summary>
    public TemplateRow Template { get; private set; } = null!;

    /// <summary>VMs whose root volume is on their cluster's pool.</summary>
    public ServiceOfferingRow OnClusterPool { get; private set; } = null!;

    /// <summary>VMs whose root volume is on the zone's pool.</summary>
    public ServiceOfferingRow OnZonePool { get; private set; } = null!;

    /// <summary>VMs that no host can take.</summary>
    public ServiceOfferingRow TooLarge { get; private set; } = null!;

    /// <summary>VMs that no pool can take.</summary>
    public ServiceOfferingRow OnNoPool { get; private set; } = null!;

    /// <summary>VMs that few hosts can take.</summary>
    public ServiceOfferingRow OnTaggedHost { get; private set; } = null!;

    /// <summary>Fills a database that a server has just made.</summary>
    /// <param name="database">The database.</param>
    /// <param name="size">How much.</param>
    /// <param name="say">Takes progress.</param>
    public static async Task<Seed> FillAsync(Database database, ScaleSize size, Action<string> say)
    {
        var seed = new Seed(size);
        await seed.FillAsync(database, say);
        return seed;
    }

    private async Task FillAsync(Database database, Action<string> say)
    {
        var (owner, network) = await database.ReadAsync(
            async (db, ct) =>
            {
                Zone = await db.Zones.SingleAsync(ct);
                return (await db.Users.SingleAsync(ct), await db.Networks.SingleAsync(ct));
            },
            CancellationToken.None);
        MakeOfferings(owner);
        MakePlaces();
        MakePools();
        await WriteAsync(database);
        say($"seeded {_hosts.Count} hosts in {_clusters.Count} clusters and {_poolOf.Count + 1} storage pools");
        for (var i = 0; i < _size.Vms; i++)
        {
            MakeVm(i, owner, network);
            if (_rows.Count >= RowsPerStep)
            {
                await WriteAsync(database);
            }
        }

        await WriteAsync(database);
        await database.WriteAsync(
            async (db, ct) =>
            {
                foreach (var (incarnation, revision) in _revisions)
                {
                    await db.Incarnations.Where(i => i.Id == incarnation).Set(i => i.Revision, revision).UpdateAsync(ct);
                }

                await db.Counters.Where(c => c.Name == Counters.VmNumber).Set(c => c.Value, _size.Vms + 3).UpdateAsync(ct);
            },
            CancellationToken.None);
        say($"seeded {_size.Vms} VMs");
    }

    private static Guid NewId() => Guid.CreateVersion7();

    // Rows of one kind go together, a thousand a statement.
    private async Task WriteAsync(Database database)
    {
        await database.WriteAsync(
            async (db, ct) =>
            {
                await InsertAsync<ServiceOfferingRow>();
                await InsertAsync<TemplateRow>();
                await InsertAsync<PodRow>();
                await InsertAsync<ClusterRow>();
                await InsertAsync<HostRow>();
                await InsertAsync<IncarnationRow>();
                await InsertAsync<StoragePoolRow>();
                await InsertAsync<TemplateCopyRow>();
                await InsertAsync<BindingRow>();
                await InsertAsync<HostItemRow>();
                await InsertAsync<VmRow>();
                await InsertAsync<VolumeRow>();
                await InsertAsync<NicRow>();
                await InsertAsync<LeaseRow>();

                async Task InsertAsync<T>()
                    where T : class => await db.InsertAllAsync(_rows.OfType<T>().ToList(), ct);
            },
            CancellationToken.None);
        _rows.Clear();
    }

    private T Add<T>(T row)
        where T : class
    {
        _rows.Add(row);
        return row;
    }

    private void MakeOfferings(UserRow owner)
    {
        OnClusterPool = Add(Offering("on-cluster-pool", "cluster"));
        OnZonePool = Add(Offering("on-zone-pool", "zone"));
        TooLarge = Add(Offering("too-large", "zone") with { MemoryMib = 1 << 20 });
        OnNoPool = Add(Offering("on-no-pool", "nowhere"));
        OnTaggedHost = Add(Offering("on-tagged-host", "zone") with { HostTags = "gpu" });
        Template = Add(new TemplateRow
        {
            Id = new TemplateId(NewId()),
            AccountId = owner.AccountId,
            Name = "image",
            DisplayText = "image",
            Url = "http://example.org/image.qcow2",
            Format = "qcow2",
            Hypervisor = "KVM",
            IsPublic = true,
            IsFeatured = true,
            IsExtractable = false,
            PasswordEnabled = false,
            SshKeyEnabled = false,
            RequiresHvm = true,
            Bits = 64,
            Details = "{}",
            State = TemplateState.Ready,
            Status = "Download Complete",
            SizeBytes = 2L << 30,
            Created = _now,
        });
    }

    private ServiceOfferingRow Offering(string name, string storageTags) => new()
    {
        Id = new ServiceOfferingId(NewId()),
        Name = name,
        DisplayText = name,
        Cpus = 2,
        CpuMhz = 2000,
        MemoryMib = 4096,
        StorageType = "shared",
        ProvisioningType = "thin",
        StorageTags = storageTags,
        HostTags = "",
        OfferHa = false,
        LimitCpuUse = false,
        IsVolatile = false,
        CacheMode = "none",
        Details = "{}",
        Created = _now,
    };

    // One host in fifty has a tag, one in a hundred is down, one in a hundred is disabled.
    private void MakePlaces()
    {
        PodRow? pod = null;
        for (var i = 0; i < _size.Hosts; i++)
        {
            if (i % (ScaleSize.HostsPerCluster * ScaleSize.ClustersPerPod) == 0)
            {
                pod = Add(new PodRow { Id = new PodId(NewId()), ZoneId = Zone.Id, Name = Name("pod", i), AllocationState = "Enabled", Created = _now });
            }

            if (i % ScaleSize.HostsPerCluster == 0)
            {
                _clusters.Add(Add(new ClusterRow
                {
                    Id = new ClusterId(NewId()),
                    ZoneId = Zone.Id,
                    PodId = pod!.Id,
                    Name = Name("cluster", _clusters.Count),
                    Hypervisor = "KVM",
                    AllocationState = "Enabled",
                    Created = _now,
                }));
            }

            var host = Add(new HostRow
            {
                Id = new HostId(NewId()),
                ZoneId = Zone.Id,
                PodId = pod!.Id,
                ClusterId = _clusters[^1].Id,
                IncarnationId = new IncarnationId(NewId()),
                Name = Name("host", i),
                NodeName = Name("host", i),
                State = i % 100 == 98 ? HostState.Disconnected : HostState.Up,
                ResourceState = i % 100 == 99 ? ResourceState.Disabled : ResourceState.Enabled,
                Cpus = 64,
                CpuMhz = 2600,
                MemoryBytes = (256L + (i % 7)) << 30,
                Accelerator = "kvm",
                AgentVersion = "0.1.0",
                Drivers = """{"linstor":"0.1.0"}""",
                HostTags = i % 50 == 10 ? "gpu" : "",
                LastReport = _now,
                Created = _now.AddMilliseconds(i),
            });
            _hosts.Add(host);
            Add(new IncarnationRow
            {
                Id = host.IncarnationId!.Value,
                HostId = host.Id,
                State = IncarnationState.Active,
                Revision = 0,
                AgentEpoch = 1,
                Sequence = 1,
                KeyHash = "00",
                CertificateExpires = _now.AddYears(1),
                Created = _now,
            });
        }
    }

    private void MakePools()
    {
        ZonePool = Pool("zone", PoolScope.Zone, null);
        foreach (var cluster in _clusters)
        {
            _poolOf.Add(cluster.Id, Pool(cluster.Name, PoolScope.Cluster, cluster));
        }

        foreach (var host in _hosts)
        {
            Bind(host, ZonePool);
            Bind(host, _poolOf[host.ClusterId]);
        }
    }

    private StoragePoolRow Pool(string name, PoolScope scope, ClusterRow? cluster)
    {
        var pool = Add(new StoragePoolRow
        {
            Id = new PoolId(NewId()),
            ZoneId = Zone.Id,
            PodId = cluster?.PodId,
            ClusterId = cluster?.Id,
            Name = "pool-" + name,
            Scope = scope,
            Provider = "Linstor",
            Driver = "linstor",
            Type = "Linstor",
            Url = "http://10.0.0.1:3370",
            Address = "http://10.0.0.1:3370",
            Path = name,
            Config = "{}",
            Details = "{}",
            Tags = cluster is null ? "zone" : "cluster",
            State = PoolState.Up,
            StateSince = _now,
            CapacityBytes = 1L << 52,
            UsedBytes = 1L << 40,
            Created = _now,
        });
        Add(new TemplateCopyRow
        {
            Id = new VolumeId(NewId()),
            TemplateId = Template.Id,
            PoolId = pool.Id,
            State = TemplateCopyState.Ready,
            Generation = Generation.First,
            SizeBytes = Template.SizeBytes,
            Created = _now,
        });
        return pool;
    }

    private void Bind(HostRow host, StoragePoolRow pool)
    {
        Add(new BindingRow
        {
            IncarnationId = host.IncarnationId!.Value,
            PoolId = pool.Id,
            HostId = host.Id,
            Generation = Generation.First,
            Desired = Desired.Attached,
            ObservedGeneration = Generation.First,
            Observed = BindingState.Attached,
            ControlPlane = PlaneHealth.Up,
            DataPlane = PlaneHealth.Up,
            CanAttachLocally = true,
            Conditions = "[]",
            DriverPid = 4711,
            DriverVersion = "0.1.0",
            CapacityBytes = pool.CapacityBytes,
            UsedBytes = pool.UsedBytes,
            Since = _now,
            Created = _now,
        });
        Item(host, ItemKind.Binding, pool.Id.Value, Desired.Attached);
    }

    private void Item(HostRow host, ItemKind kind, Guid id, Desired desired)
    {
        var incarnation = host.IncarnationId!.Value;
        var revision = _revisions.GetValueOrDefault(incarnation) + 1;
        _revisions[incarnation] = revision;
        Add(new HostItemRow
        {
            IncarnationId = incarnation,
            Kind = kind,
            Id = id,
            Revision = revision,
            Generation = Generation.First,
            Desired = desired,
            Created = _now,
        });
    }

    // One in ten is stopped.
    private void MakeVm(int i, UserRow owner, NetworkRow network)
    {
        var host = _hosts[i % _hosts.Count];
        var runs = i % 10 != 9;
        var vm = Add(new VmRow
        {
            Id = new VmId(NewId()),
            Number = i + 3,
            Name = Name("vm", i),
            DisplayName = Name("vm", i),
            InstanceName = string.Create(CultureInfo.InvariantCulture, $"i-2-{i + 3}-VM"),
            AccountId = owner.AccountId,
            UserId = owner.Id,
            ZoneId = Zone.Id,
            State = runs ? VmState.Running : VmState.Stopped,
            StateSince = _now,
            HostId = runs ? host.Id : null,
            IncarnationId = runs ? host.IncarnationId : null,
            LastHostId = runs ? null : host.Id,
            TemplateId = Template.Id,
            ServiceOfferingId = OnClusterPool.Id,
            Cpus = OnClusterPool.Cpus,
            CpuMhz = OnClusterPool.CpuMhz,
            MemoryMib = OnClusterPool.MemoryMib,
            Generation = Generation.First,
            RebootSequence = 0,
            ForcedReboot = false,
            ForcedStop = false,
            GraceSeconds = 60,
            EverRan = true,
            Removal = VmRemoval.None,
            Networks = "[]",
            Details = "{}",
            Created = _now.AddMilliseconds(i),
        });
        Volume(vm, host, _poolOf[host.ClusterId], VolumeType.Root, i, runs);
        if (i % ScaleSize.VmsPerDataVolume == 0)
        {
            Volume(vm, host, ZonePool, VolumeType.DataDisk, i, runs);
        }

        Add(new NicRow
        {
            Id = new NicId(NewId()),
            VmId = vm.Id,
            NetworkId = network.Id,
            Mac = string.Create(CultureInfo.InvariantCulture, $"02:00:{(i >> 24) & 255:x2}:{(i >> 16) & 255:x2}:{(i >> 8) & 255:x2}:{i & 255:x2}"),
            DeviceId = 0,
            IsDefault = true,
        });
        if (runs)
        {
            Item(host, ItemKind.Machine, vm.Id.Value, Desired.Running);
        }
    }

    private void Volume(VmRow vm, HostRow host, StoragePoolRow pool, VolumeType type, int i, bool runs)
    {
        var isRoot = type == VolumeType.Root;
        var volume = Add(new VolumeRow
        {
            Id = new VolumeId(NewId()),
            Name = Name(isRoot ? "ROOT" : "DATA", i),
            Type = type,
            AccountId = vm.AccountId,
            ZoneId = vm.ZoneId,
            VmId = vm.Id,
            DeviceId = isRoot ? 0 : 1,
            Attached = _now,
            Attaching = false,
            Detaching = false,
            GoesWithVm = false,
            PoolId = pool.Id,
            State = VolumeState.Ready,
            StateSince = _now,
            Generation = Generation.First,
            SizeBytes = 8L << 30,
            ServiceOfferingId = isRoot ? vm.ServiceOfferingId : null,
            TemplateId = isRoot ? vm.TemplateId : null,
            StorageTags = pool.Tags,
            LeaseGeneration = Generation.First,
            Created = _now.AddMilliseconds(i),
        });
        if (runs)
        {
            Add(new LeaseRow { VolumeId = volume.Id, IncarnationId = host.IncarnationId!.Value, VmId = vm.Id, Generation = Generation.First, Granted = _now });
        }
    }

    private static string Name(string kind, int i) => string.Create(CultureInfo.InvariantCulture, $"{kind}-{i:D6}");
}
