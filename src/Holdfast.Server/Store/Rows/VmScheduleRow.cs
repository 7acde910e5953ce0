using Holdfast.Core.Ids;
using Holdfast.Core.States;
using LinqToDB.Mapping;

namespace Holdfast.Server.Store.Rows;

/// <summary>A schedule of a VM. Gone with it.</summary>
[Table("vm_schedules")]
internal sealed record VmScheduleRow
{
    [PrimaryKey, Column("id")]
    public required VmScheduleId Id { get; init; }

    [Column("vm_id")]
    public required VmId VmId { get; init; }

    [Column("description")]
    public string? Description { get; init; }

    /// <summary>Five fields of cron.</summary>
    [Column("schedule"), NotNull]
    public required string Schedule { get; init; }

    /// <summary>The name of the time zone that the fields are of.</summary>
    [Column("time_zone"), NotNull]
    public required string TimeZone { get; init; }

    [Column("action")]
    public required ScheduledAction Action { get; init; }

    [Column("enabled")]
    public required bool Enabled { get; init; }

    /// <summary>Nothing is done before.</summary>
    [Column("start_date")]
    public required DateTimeOffset StartDate { get; init; }

    /// <summary>Nothing is done after.</summary>
    [Column("end_date")]
    public DateTimeOffset? EndDate { get; init; }

    /// <summary>When it is due next; null: never.</summary>
    [Column("next")]
    public DateTimeOffset? Next { get; init; }

    [Column("created")]
    public required DateTimeOffset Created { get; init; }
}
