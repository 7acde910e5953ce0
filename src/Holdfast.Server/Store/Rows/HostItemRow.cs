using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>What a host should have: the host document. An item goes only after its tombstone was confirmed.</summary>
[Table("host_items")]
internal sealed record HostItemRow
{
    [PrimaryKey(0), Column("incarnation_id")]
    public required IncarnationId IncarnationId { get; init; }

    [PrimaryKey(1), Column("kind")]
    public required ItemKind Kind { get; init; }

    [PrimaryKey(2), Column("id")]
    public required Guid Id { get; init; }

    [Column("revision")]
    public required long Revision { get; init; }

    [Column("generation")]
    public required Generation Generation { get; init; }

    [Column("desired")]
    public required Desired Desired { get; init; }

    /// <summary>JSON of MachineSpec or TaskSpec; a binding's spec is composed from its pool when sent, so that secrets are not stored twice.</summary>
    [Column("spec")]
    public string? Spec { get; init; }

    /// <summary>After which the host must not begin it.</summary>
    [Column("expires")]
    public DateTimeOffset? Expires { get; init; }

    [Column("observed_generation")]
    public Generation? ObservedGeneration { get; init; }

    /// <summary>JSON of the last ItemReport.</summary>
    [Column("observed")]
    public string? Observed { get; init; }

    [Column("reported")]
    public DateTimeOffset? Reported { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
