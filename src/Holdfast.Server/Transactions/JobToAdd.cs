using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Server.Transactions;

/// <summary>A job that is to be made.</summary>
/// <param name="Account">Whose it is.</param>
/// <param name="User">Who asked for it.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="InstanceType">What the object that it is about is called; one of <see cref="ResourceTypes"/> for those that come with the server.</param>
/// <param name="InstanceId">The object.</param>
/// <param name="What">What is done, in words.</param>
/// <param name="Deadline">How long it may take.</param>
internal sealed record JobToAdd(AccountId Account, UserId User, JobKind Kind, string InstanceType, Guid InstanceId, string What, TimeSpan Deadline);
