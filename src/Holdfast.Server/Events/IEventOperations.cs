using Holdfast.Server.Transactions;

namespace Holdfast.Server.Events;

/// <summary>Which events or alerts are meant: those that all that is said holds for.</summary>
internal sealed record EventSelection
{
    /// <summary>Null: whichever.</summary>
    public IReadOnlyList<Guid>? Ids { get; init; }

    /// <summary>The type, whatever its case; of alerts CloudStack's number. Null: every type.</summary>
    public string? Type { get; init; }

    /// <summary>At this time or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Up to this time.</summary>
    public DateTimeOffset? To { get; init; }
}

/// <summary>
/// Events and alerts that are put away or deleted, those that the caller may see, so many in a turn: what a crash leaves is there to be asked for again. 431 when neither ids nor
/// a type nor an end of time is named, or a beginning without an end: nobody loses all by a slip.
/// </summary>
internal interface IEventOperations
{
    /// <summary>archiveEvents: they are listed only when archived ones are asked for.</summary>
    Task<Outcome<Success>> ArchiveEventsAsync(Caller caller, EventSelection selection, CancellationToken cancellationToken);

    /// <summary>deleteEvents: they are gone. An event says by whom, and how many.</summary>
    Task<Outcome<Success>> DeleteEventsAsync(Caller caller, EventSelection selection, CancellationToken cancellationToken);

    /// <summary>archiveAlerts: they are not listed any more.</summary>
    Task<Outcome<Success>> ArchiveAlertsAsync(Caller caller, EventSelection selection, CancellationToken cancellationToken);

    /// <summary>deleteAlerts: they are gone. An event says by whom, and how many.</summary>
    Task<Outcome<Success>> DeleteAlertsAsync(Caller caller, EventSelection selection, CancellationToken cancellationToken);
}
