using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A disk offering.</summary>
[Table("disk_offerings")]
internal sealed record DiskOfferingRow
{
    [PrimaryKey, Column("id")]
    public required DiskOfferingId Id { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("display_text"), NotNull]
    public required string DisplayText { get; init; }

    /// <summary>0 when customized.</summary>
    [Column("size_bytes")]
    public required long SizeBytes { get; init; }

    [Column("customized")]
    public required bool Customized { get; init; }

    [Column("storage_type"), NotNull]
    public required string StorageType { get; init; }

    [Column("provisioning_type"), NotNull]
    public required string ProvisioningType { get; init; }

    /// <summary>Comma-separated: the pool must have them all.</summary>
    [Column("tags"), NotNull]
    public required string Tags { get; init; }

    [Column("display_offering")]
    public required bool DisplayOffering { get; init; }

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
