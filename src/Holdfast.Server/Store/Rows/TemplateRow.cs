using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A template as users see it; what pools hold of it is in template_copies.</summary>
[Table("templates")]
internal sealed record TemplateRow
{
    [PrimaryKey, Column("id")]
    public required TemplateId Id { get; init; }

    [Column("account_id")]
    public required AccountId AccountId { get; init; }

    /// <summary>Null: all zones.</summary>
    [Column("zone_id")]
    public ZoneId? ZoneId { get; init; }

    [Column("name"), NotNull]
    public required string Name { get; init; }

    [Column("display_text"), NotNull]
    public required string DisplayText { get; init; }

    [Column("url"), NotNull]
    public required string Url { get; init; }

    /// <summary>qcow2 or raw, lower case.</summary>
    [Column("format"), NotNull]
    public required string Format { get; init; }

    [Column("checksum")]
    public string? Checksum { get; init; }

    [Column("hypervisor"), NotNull]
    public required string Hypervisor { get; init; }

    [Column("os_type_id")]
    public OsTypeId? OsTypeId { get; init; }

    [Column("is_public")]
    public required bool IsPublic { get; init; }

    [Column("is_featured")]
    public required bool IsFeatured { get; init; }

    [Column("is_extractable")]
    public required bool IsExtractable { get; init; }

    [Column("password_enabled")]
    public required bool PasswordEnabled { get; init; }

    [Column("ssh_key_enabled")]
    public required bool SshKeyEnabled { get; init; }

    /// <summary>Whether its guests take more processors and memory while they run.</summary>
    [Column("dynamically_scalable")]
    public bool DynamicallyScalable { get; init; }

    [Column("requires_hvm")]
    public required bool RequiresHvm { get; init; }

    [Column("bits")]
    public required int Bits { get; init; }

    /// <summary>JSON object.</summary>
    [Column("details"), NotNull]
    public required string Details { get; init; }

    /// <summary>Details that root administrators alone see.</summary>
    [Column("hidden_details"), NotNull]
    public string HiddenDetails { get; init; } = "{}";

    /// <summary>The registered user data that VMs made from it have.</summary>
    [Column("user_data_id")]
    public UserDataId? UserDataId { get; init; }

    /// <summary>What becomes of that when a VM is given its own; null: there is none.</summary>
    [Column("user_data_policy")]
    public UserDataPolicy? UserDataPolicy { get; init; }

    [Column("state")]
    public required TemplateState State { get; init; }

    /// <summary>CloudStack's status text: Download Complete, or what stands in the way.</summary>
    [Column("status"), NotNull]
    public required string Status { get; init; }

    /// <summary>Virtual size, once known.</summary>
    [Column("size_bytes")]
    public long? SizeBytes { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
