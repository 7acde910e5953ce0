using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>One time of a schedule, written in the transaction that does what is due: a time is there once, whoever finds it.</summary>
[Table("vm_schedule_runs")]
internal sealed record VmScheduleRunRow
{
    [PrimaryKey(0), Column("schedule_id")]
    public required VmScheduleId ScheduleId { get; init; }

    [PrimaryKey(1), Column("due")]
    public required DateTimeOffset Due { get; init; }

    [Column("outcome")]
    public required ScheduleOutcome Outcome { get; init; }

    [Column("job_id")]
    public JobId? JobId { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
