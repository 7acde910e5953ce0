using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.SshKeyPairs;

/// <summary>SSH key pairs of accounts. VMs have copies of the keys: what happens to a pair changes no VM.</summary>
internal interface ISshKeyPairOperations
{
    /// <summary>Keeps a public key under a name. 431 a name that the account has; with <paramref name="isGiven"/> also a key that it has.</summary>
    /// <param name="caller">Who asks, making it for its owner.</param>
    /// <param name="name">The name.</param>
    /// <param name="key">The key.</param>
    /// <param name="isGiven">Whether the key is the caller's own; else it was just made.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<SshKeyPairRow>> AddAsync(Caller caller, string name, SshPublicKey key, bool isGiven, CancellationToken cancellationToken);

    /// <summary>deleteSSHKeyPair, by name among those of the owner. 431 no such pair.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, string name, CancellationToken cancellationToken);
}
