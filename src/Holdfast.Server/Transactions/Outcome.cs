using Holdfast.Core.Ids;

namespace Holdfast.Server.Transactions;

/// <summary>How a synchronous command ended. A closed hierarchy.</summary>
/// <typeparam name="T">What it answers with.</typeparam>
internal abstract record Outcome<T>
{
    private Outcome()
    {
    }

    /// <summary>Done and committed.</summary>
    /// <param name="Value">The answer.</param>
    public sealed record Done(T Value) : Outcome<T>;

    /// <summary>Refused; nothing was changed.</summary>
    /// <param name="Fault">Why.</param>
    public sealed record Refused(ApiFault Fault) : Outcome<T>;
}

/// <summary>How an asynchronous command ended. A closed hierarchy.</summary>
internal abstract record JobOutcome
{
    private JobOutcome()
    {
    }

    /// <summary>Accepted and committed: the job exists (it may be complete already).</summary>
    /// <param name="JobId">The job.</param>
    /// <param name="EntityId">The object it is about; listable at once.</param>
    public sealed record Accepted(JobId JobId, Guid EntityId) : JobOutcome;

    /// <summary>Refused before a job was made; nothing was changed.</summary>
    /// <param name="Fault">Why.</param>
    public sealed record Refused(ApiFault Fault) : JobOutcome;
}

/// <summary>For commands that answer with success only.</summary>
internal sealed record Success
{
    /// <summary>The only value.</summary>
    public static Success Value { get; } = new();
}
