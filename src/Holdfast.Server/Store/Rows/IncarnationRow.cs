using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>One installation of an agent on a host. Its revision counter orders its host document; updating it locks the document.</summary>
[Table("incarnations")]
internal sealed record IncarnationRow
{
    [PrimaryKey, Column("id")]
    public required IncarnationId Id { get; init; }

    [Column("host_id")]
    public required HostId HostId { get; init; }

    [Column("state")]
    public required IncarnationState State { get; init; }

    /// <summary>The highest revision given to an item.</summary>
    [Column("revision")]
    public required long Revision { get; init; }

    /// <summary>Which agent process reported last.</summary>
    [Column("agent_epoch")]
    public required long AgentEpoch { get; init; }

    /// <summary>The highest report of that process that was taken.</summary>
    [Column("sequence")]
    public required long Sequence { get; init; }

    /// <summary>How often its watch was asked to begin anew; a watch that began with less ends.</summary>
    [Column("watch")]
    public long Watch { get; init; }

    /// <summary>SHA-256 of the public key it joined with: a repeated join with the same token and key gets the same incarnation.</summary>
    [Column("key_hash"), NotNull]
    public required string KeyHash { get; init; }

    [Column("certificate_expires")]
    public required DateTimeOffset CertificateExpires { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }

    [Column("retired")]
    public DateTimeOffset? Retired { get; init; }

    /// <summary>Who and why.</summary>
    [Column("retired_why")]
    public string? RetiredWhy { get; init; }
}
