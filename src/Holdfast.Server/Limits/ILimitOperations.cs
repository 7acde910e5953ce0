using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Limits;

/// <summary>Limits of accounts and domains. Administrators only; the API has checked that.</summary>
internal interface ILimitOperations
{
    /// <summary>
    /// updateResourceLimit of an account. What it has may be more than the new limit: it keeps that, and gets nothing more. 431 an account that is not there or not the caller's,
    /// one of a root administrator, more than a domain above it may have.
    /// </summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="account">The account.</param>
    /// <param name="resource">Of what.</param>
    /// <param name="maximum">In the resource's unit; -1: as much as one likes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<Outcome<Success>> SetAsync(Caller caller, AccountId account, LimitedResource resource, long maximum, CancellationToken cancellationToken);

    /// <summary>The same of a domain with all below it. 431 ROOT too; 531 a domain administrator's own.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="resource">Of what.</param>
    /// <param name="maximum">In the resource's unit; -1: as much as one likes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<Outcome<Success>> SetAsync(Caller caller, DomainId domain, LimitedResource resource, long maximum, CancellationToken cancellationToken);
}
