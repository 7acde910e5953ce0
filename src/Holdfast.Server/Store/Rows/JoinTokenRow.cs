using Holdfast.Core.Ids;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A one-time join token. Only its hash is kept.</summary>
[Table("join_tokens")]
internal sealed record JoinTokenRow
{
    [PrimaryKey, Column("id")]
    public required JoinTokenId Id { get; init; }

    /// <summary>SHA-256 of the secret, lower-case hexadecimal.</summary>
    [Column("hash"), NotNull]
    public required string Hash { get; init; }

    [Column("cluster_id")]
    public required ClusterId ClusterId { get; init; }

    /// <summary>Set when the token re-joins a known host (re-imaged): a new incarnation, the old ones are retired.</summary>
    [Column("host_id")]
    public HostId? HostId { get; init; }

    [Column("created_by")]
    public required UserId CreatedBy { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("expires")]
    public required DateTimeOffset Expires { get; init; }

    [Column("used")]
    public DateTimeOffset? Used { get; init; }

    [Column("used_by")]
    public IncarnationId? UsedBy { get; init; }
}
