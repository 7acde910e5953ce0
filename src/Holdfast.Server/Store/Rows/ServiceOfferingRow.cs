using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A service offering.</summary>
[Table("service_offerings")]
internal sealed record ServiceOfferingRow
{
    [PrimaryKey, Column("id")]
    public required ServiceOfferingId Id { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("display_text"), NotNull]
    public required string DisplayText { get; init; }

    /// <summary>0 of a custom one.</summary>
    [Column("cpus")]
    public required int Cpus { get; init; }

    /// <summary>0 of a custom one without bounds.</summary>
    [Column("cpu_mhz")]
    public required int CpuMhz { get; init; }

    /// <summary>0 of a custom one.</summary>
    [Column("memory_mib")]
    public required int MemoryMib { get; init; }

    /// <summary>Whether it allows that its VMs are given another size while they run.</summary>
    [Column("dynamic_scaling")]
    public bool DynamicScaling { get; init; } = true;

    /// <summary>Whether each of its VMs is given its own size.</summary>
    [Column("customized")]
    public bool Customized { get; init; }

    /// <summary>A custom one has all four bounds, and the speed of a CPU, or none of them.</summary>
    [Column("min_cpus")]
    public int? MinCpus { get; init; }

    [Column("max_cpus")]
    public int? MaxCpus { get; init; }

    [Column("min_memory_mib")]
    public int? MinMemoryMib { get; init; }

    [Column("max_memory_mib")]
    public int? MaxMemoryMib { get; init; }

    [Column("storage_type"), NotNull]
    public required string StorageType { get; init; }

    [Column("provisioning_type"), NotNull]
    public required string ProvisioningType { get; init; }

    /// <summary>Comma-separated: the root disk's pool must have them all.</summary>
    [Column("storage_tags"), NotNull]
    public required string StorageTags { get; init; }

    [Column("host_tags"), NotNull]
    public required string HostTags { get; init; }

    /// <summary>Root disk size; null: the template's.</summary>
    [Column("root_disk_bytes")]
    public long? RootDiskBytes { get; init; }

    [Column("offer_ha")]
    public required bool OfferHa { get; init; }

    [Column("limit_cpu_use")]
    public required bool LimitCpuUse { get; init; }

    [Column("is_volatile")]
    public required bool IsVolatile { get; init; }

    [Column("cache_mode"), NotNull]
    public required string CacheMode { get; init; }

    /// <summary>JSON object.</summary>
    [Column("details"), NotNull]
    public required string Details { get; init; }

    /// <summary>Details that root administrators alone see.</summary>
    [Column("hidden_details"), NotNull]
    public string HiddenDetails { get; init; } = "{}";

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
