using Holdfast.Server.Api.Transport;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Api.Commands;

/// <summary>Turns what operations answer into what the wire carries.</summary>
internal static class Outcomes
{
    /// <summary>The same error in the wire's form.</summary>
    public static ApiError ToError(this ApiFault fault) => new(fault.ErrorCode, fault.CsErrorCode, fault.Text);

    /// <summary>A job; the answer of a command that makes an object also names that object.</summary>
    public static ApiResult ToResult(this JobOutcome outcome, bool creates = false) => outcome switch
    {
        JobOutcome.Accepted accepted => ApiResult.Job(accepted.JobId, creates ? accepted.EntityId : null),
        JobOutcome.Refused refused => refused.Fault.ToError(),
        _ => throw new InvalidOperationException($"Unknown outcome {outcome}."),
    };

    /// <summary>An answer made from what was done.</summary>
    public static async Task<ApiResult> ToResultAsync<T>(this Outcome<T> outcome, Func<T, Task<ApiResult>> done) => outcome switch
    {
        Outcome<T>.Done ok => await done(ok.Value),
        Outcome<T>.Refused refused => refused.Fault.ToError(),
        _ => throw new InvalidOperationException($"Unknown outcome {outcome}."),
    };

    /// <summary>An answer made from what was done.</summary>
    public static ApiResult ToResult<T>(this Outcome<T> outcome, Func<T, ApiResult> done) => outcome switch
    {
        Outcome<T>.Done ok => done(ok.Value),
        Outcome<T>.Refused refused => refused.Fault.ToError(),
        _ => throw new InvalidOperationException($"Unknown outcome {outcome}."),
    };

    /// <summary>A success flag.</summary>
    public static ApiResult ToResult(this Outcome<Success> outcome) => outcome.ToResult(_ => ApiResult.Success());
}
