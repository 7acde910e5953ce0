using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Obligations;

/// <summary>What is owed to backends. Root administrators only; the API has checked that.</summary>
internal interface IObligationOperations
{
    /// <summary>retryObligation: its host tries now. Answers at once. 431 unknown id, or its state is final.</summary>
    Task<Outcome<ObligationRow>> RetryAsync(Caller caller, ObligationId obligationId, CancellationToken cancellationToken);

    /// <summary>
    /// forgetObligation: a named person writes it off, with a reason. The host is told; one that was orphaned or whose host's installation is retired is written
    /// off at once. 431 unknown id, empty reason, or its state is final.
    /// </summary>
    Task<Outcome<ObligationRow>> ForgetAsync(Caller caller, ObligationId obligationId, string reason, CancellationToken cancellationToken);
}
