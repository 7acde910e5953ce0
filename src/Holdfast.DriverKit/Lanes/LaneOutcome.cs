namespace Holdfast.DriverKit.Lanes;

/// <summary>What became of a call that was put into a lane. A closed hierarchy.</summary>
/// <typeparam name="T">The value of the call.</typeparam>
internal abstract record LaneOutcome<T>
{
    private LaneOutcome()
    {
    }

    /// <summary>It ran and came back in time.</summary>
    /// <param name="Value">The value.</param>
    internal sealed record Finished(T Value) : LaneOutcome<T>;

    /// <summary>It was not let in: all workers are busy and the queue is full. No effect.</summary>
    internal sealed record Full : LaneOutcome<T>;

    /// <summary>Its time ran out before it was its turn. No effect.</summary>
    internal sealed record NeverRan : LaneOutcome<T>;

    /// <summary>It ran and did not come back in time; it still runs, and keeps its worker and its volume until it comes back.</summary>
    internal sealed record Abandoned : LaneOutcome<T>;
}
