using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Domains. What a domain administrator may not see does not exist for it.</summary>
internal interface IDomainOperations
{
    /// <summary>createDomain. 431 unknown parent, a name that a domain beside it has.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="name">Its name.</param>
    /// <param name="parent">The domain above; null: the caller's.</param>
    /// <param name="networkDomain">The domain name of its networks.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<DomainId>> CreateAsync(Caller caller, string name, DomainId? parent, string? networkDomain, CancellationToken cancellationToken);

    /// <summary>updateDomain. Another name changes the paths of all domains below. 431 unknown id, ROOT, a name that a domain beside it has.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="id">Which.</param>
    /// <param name="name">Another name; null: as it is.</param>
    /// <param name="networkDomain">The domain name of its networks, empty for none; null: as it is.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<DomainId>> UpdateAsync(Caller caller, DomainId id, string? name, string? networkDomain, CancellationToken cancellationToken);

    /// <summary>
    /// deleteDomain. With clean-up, all accounts and domains in it are deleted first, as deleteAccount does; without, it must be empty. The job ends when it is gone. Cannot be
    /// undone. 431 unknown id, ROOT; 530 the caller's own, one that is not empty, one with a VM that is protected.
    /// </summary>
    Task<JobOutcome> DeleteAsync(Caller caller, DomainId id, bool cleanUp, CancellationToken cancellationToken);
}
