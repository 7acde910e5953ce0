using Holdfast.Core.Ids;

namespace Holdfast.Server.Transactions;

/// <summary>Who asks. The API has authenticated it and checked that its role may use the command; operations check whose the objects are.</summary>
/// <param name="UserId">The user.</param>
/// <param name="UserName">Its name, for events and texts.</param>
/// <param name="AccountId">Its account: the owner of what it makes.</param>
/// <param name="DomainId">The account's domain.</param>
/// <param name="IsRootAdmin">Whether it may touch everybody's objects.</param>
internal sealed record Caller(UserId UserId, string UserName, AccountId AccountId, DomainId DomainId, bool IsRootAdmin);
