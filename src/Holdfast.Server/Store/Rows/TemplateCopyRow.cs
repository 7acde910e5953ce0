using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A template on one pool: a sealed volume.</summary>
[Table("template_copies")]
internal sealed record TemplateCopyRow
{
    /// <summary>The sealed volume.</summary>
    [PrimaryKey, Column("id")]
    public required VolumeId Id { get; init; }

    [Column("template_id")]
    public required TemplateId TemplateId { get; init; }

    [Column("pool_id")]
    public required PoolId PoolId { get; init; }

    [Column("state")]
    public required TemplateCopyState State { get; init; }

    [Column("generation")]
    public required Generation Generation { get; init; }

    /// <summary>The task under way.</summary>
    [Column("task_id")]
    public TaskId? TaskId { get; init; }

    [Column("size_bytes")]
    public long? SizeBytes { get; init; }

    [Column("backend_name")]
    public string? BackendName { get; init; }

    [Column("error")]
    public string? Error { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("removed")]
    public DateTimeOffset? Removed { get; init; }
}
