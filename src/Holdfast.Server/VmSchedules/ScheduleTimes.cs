using System.Globalization;
using Cronos;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.VmSchedules;

/// <summary>When a schedule is due: five fields of cron in a time zone. Where clocks go forward, a time that is left out is due when they have; where they go back, a time of the day is due once.</summary>
internal sealed class ScheduleTimes
{
    private readonly CronExpression _fields;

    private ScheduleTimes(CronExpression fields, TimeZoneInfo zone) => (_fields, Zone) = (fields, zone);

    /// <summary>The time zone.</summary>
    public TimeZoneInfo Zone { get; }

    /// <summary>Reads one, or says what is wrong with it.</summary>
    public static (ScheduleTimes? Times, ApiFault? Fault) Read(string schedule, string zone)
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found))
        {
            return (null, Faults.Invalid($"Parameter timezone: there is no time zone {zone}; names are those of the IANA, as UTC or Europe/Zurich"));
        }

        return CronExpression.TryParse(schedule, CronFormat.Standard, out var fields)
            ? (new ScheduleTimes(fields, found), null)
            : (null, Faults.Invalid($"Parameter schedule: invalid format for cron expression: {schedule}. It has five fields: minute, hour, day of the month, month, day of the week"));
    }

    /// <summary>The next time after a moment at which a schedule is due; null: there is none.</summary>
    /// <param name="schedule">Says from when to when.</param>
    /// <param name="after">The moment.</param>
    public DateTimeOffset? NextAfter(VmScheduleRow schedule, DateTimeOffset after)
    {
        // The moment at which it begins counts.
        var next = schedule.StartDate > after ? _fields.GetNextOccurrence(schedule.StartDate, Zone, inclusive: true) : _fields.GetNextOccurrence(after, Zone);
        return next is { } time && !(time > schedule.EndDate) ? time.ToUniversalTime() : null;
    }
}

/// <summary>A date of a request, which is in the schedule's time zone unless it says another.</summary>
/// <param name="Text">As a clock on the wall has it.</param>
/// <param name="Moment">The moment, when it says its offset.</param>
internal readonly record struct ScheduleDate(DateTime Text, DateTimeOffset? Moment)
{
    private static readonly string[] Local = ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd"];

    /// <summary>Reads one; null: it is none.</summary>
    public static ScheduleDate? Read(string text) =>
        DateTime.TryParseExact(text, Local, CultureInfo.InvariantCulture, DateTimeStyles.None, out var local) ? new ScheduleDate(local, null)
        : ApiDate.TryParse(text, out var moment) ? new ScheduleDate(moment.UtcDateTime, moment)
        : null;

    /// <summary>The moment in a time zone.</summary>
    public DateTimeOffset In(TimeZoneInfo zone) => Moment ?? new DateTimeOffset(Text, zone.GetUtcOffset(Text)).ToUniversalTime();
}
