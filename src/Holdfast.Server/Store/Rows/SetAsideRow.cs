using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>Something that a host said and that could not be taken. Goes when it could, or when the host said something newer of the same that could.</summary>
[Table("set_aside")]
internal sealed record SetAsideRow
{
    [PrimaryKey(0), Column("incarnation_id")]
    public required IncarnationId IncarnationId { get; init; }

    [PrimaryKey(1), Column("subject")]
    public required ReportSubject Subject { get; init; }

    /// <summary>What it is about; all zeros when that could not be read.</summary>
    [PrimaryKey(2), Column("id")]
    public required Guid Id { get; init; }

    /// <summary>JSON, as the host said it.</summary>
    [Column("said"), NotNull]
    public required string Said { get; init; }

    /// <summary>Why it could not be taken, the last time.</summary>
    [Column("error"), NotNull]
    public required string Error { get; init; }

    [Column("tries")]
    public required int Tries { get; init; }

    [Column("since")]
    public required DateTimeOffset Since { get; init; }

    [Column("next_try")]
    public required DateTimeOffset NextTry { get; init; }
}
