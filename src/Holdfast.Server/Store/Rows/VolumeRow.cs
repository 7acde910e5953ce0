using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A volume.</summary>
[Table("volumes")]
internal sealed record VolumeRow
{
    [PrimaryKey, Column("id")]
    public required VolumeId Id { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("type")]
    public required VolumeType Type { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    [Column("zone_id")]
    public required ZoneId ZoneId { get; init; }

    /// <summary>The VM it is attached to; recorded owner of every storage call.</summary>
    [Column("vm_id")]
    public VmId? VmId { get; init; }

    [Column("device_id")]
    public int? DeviceId { get; init; }

    [Column("attached")]
    public DateTimeOffset? Attached { get; init; }

    /// <summary>Attached in the record while the job that attaches it is under way.</summary>
    [Column("attaching")]
    public required bool Attaching { get; init; }

    /// <summary>The running guest was told to give it up.</summary>
    [Column("detaching")]
    public required bool Detaching { get; init; }

    /// <summary>Null while Allocated.</summary>
    [Column("pool_id")]
    public PoolId? PoolId { get; init; }

    [Column("state")]
    public required VolumeState State { get; init; }

    [Column("state_since")]
    public required DateTimeOffset StateSince { get; init; }

    /// <summary>Grows with each task for it.</summary>
    [Column("generation")]
    public required Generation Generation { get; init; }

    [Column("size_bytes")]
    public required long SizeBytes { get; init; }

    /// <summary>While Resizing.</summary>
    [Column("wanted_size_bytes")]
    public long? WantedSizeBytes { get; init; }

    [Column("disk_offering_id")]
    public DiskOfferingId? DiskOfferingId { get; init; }

    /// <summary>For root disks.</summary>
    [Column("service_offering_id")]
    public ServiceOfferingId? ServiceOfferingId { get; init; }

    [Column("template_id")]
    public TemplateId? TemplateId { get; init; }

    /// <summary>The sealed volume it is or was cloned from.</summary>
    [Column("template_copy_id")]
    public VolumeId? TemplateCopyId { get; init; }

    /// <summary>Comma-separated: its pool must have them all.</summary>
    [Column("storage_tags"), NotNull]
    public required string StorageTags { get; init; }

    /// <summary>Named in destroyVirtualMachine: deleted with its VM.</summary>
    [Column("goes_with_vm")]
    public required bool GoesWithVm { get; init; }

    /// <summary>A root disk that takes the place of its VM's when it is made, and what becomes of that one then; null: any other volume. Until then it is no disk of the guest's.</summary>
    [Column("replaces")]
    public RootReplacement? Replaces { get; init; }

    [Column("backend_name")]
    public string? BackendName { get; init; }

    /// <summary>The task under way.</summary>
    [Column("task_id")]
    public TaskId? TaskId { get; init; }

    /// <summary>The newest writer lease ever granted, written with the lease. None: nobody ever had it for writing.</summary>
    [Column("lease_generation")]
    public required Generation LeaseGeneration { get; init; }

    /// <summary>Since when its backend does not know it, by two looks. Never made anew then, unless <see cref="LeaseGeneration"/> says that nobody wrote to it.</summary>
    [Column("missing")]
    public DateTimeOffset? Missing { get; init; }

    /// <summary>What stands in the way.</summary>
    [Column("condition")]
    public string? Condition { get; init; }

    /// <summary>Notes about it, which addResourceDetail makes.</summary>
    [Column("details"), NotNull]
    public string Details { get; init; } = "{}";

    /// <summary>Details that root administrators alone see.</summary>
    [Column("hidden_details"), NotNull]
    public string HiddenDetails { get; init; } = "{}";

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
