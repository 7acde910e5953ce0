using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.UserData;

/// <summary>Registered user data of accounts. VMs have copies of what they are told.</summary>
internal interface IUserDataOperations
{
    /// <summary>registerUserData. 431 a name that the account has.</summary>
    /// <param name="caller">Who asks, making it for its owner.</param>
    /// <param name="name">The name.</param>
    /// <param name="content">Base64.</param>
    /// <param name="variables">The variables that it declares.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<UserDataId>> RegisterAsync(Caller caller, string name, string content, string? variables, CancellationToken cancellationToken);

    /// <summary>deleteUserData. 431 unknown id; 536 VMs or templates have it.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, UserDataId id, CancellationToken cancellationToken);
}
