using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Server.Security;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <inheritdoc/>
internal sealed class UserKeyOperations : IUserKeyOperations
{
    /// <summary>How many pairs a user may have; enough for all that anybody runs, and an end to what a script makes in a loop.</summary>
    internal const int MostPairs = 100;

    private const int Bytes = 48;

    private readonly TurnFactory _turns;
    private readonly SecretBox _secrets;
    private readonly ISecretSource _random;

    /// <summary>Made once per node.</summary>
    public UserKeyOperations(TurnFactory turns, SecretBox secrets, ISecretSource random)
    {
        _turns = turns;
        _secrets = secrets;
        _random = random;
    }

    /// <inheritdoc/>
    public Task<Outcome<UserKeyId>> RegisterAsync(Caller caller, RegisterUserKeys request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<UserKeyId>>(
        async (turn, ct) =>
        {
            if (await AccountReach.FindUserAsync(turn.Db, caller, request.UserId, ct) is not { } user)
            {
                return Refused(Faults.NoSuchEntity("registerUserKeys", "id", request.UserId));
            }

            if (request.Ends is { } end && (end <= turn.Now || end <= request.Starts))
            {
                return Refused(Faults.Invalid($"The keys would end at {end:O}, which is {(end <= turn.Now ? "over" : $"not after they begin, at {request.Starts:O}")}"));
            }

            if (await turn.Db.UserKeys.CountAsync(k => k.UserId == user.Id, ct) >= MostPairs)
            {
                return Refused(Faults.Invalid($"User {user.Username} ({user.Id}) has {MostPairs} pairs of keys, which is the most; deleteUserKeys ends those that nobody needs"));
            }

            var id = new UserKeyId(turn.NewId());
            var keys = new UserKeyRow
            {
                Id = id,
                UserId = user.Id,
                Name = request.Name,
                Description = request.Description,
                ApiKey = _random.Next(Bytes),
                SecretKey = _secrets.Seal(SecretPurpose.UserSecretKey(id), new Secret(_random.Next(Bytes))),
                Starts = request.Starts,
                Ends = request.Ends,
                Created = turn.Now,
            };
            await turn.Db.InsertAsync(keys, token: ct);
            await turn.TellAsync(
                EventTypes.UserKeys,
                EventLevel.Info,
                EventState.Completed,
                $"New keys {Named(keys)} for user {user.Username} ({user.Id})",
                caller.AccountId,
                caller.UserId,
                ResourceTypes.User,
                user.Id.Value,
                user.Username,
                null,
                ct);
            return new Outcome<UserKeyId>.Done(id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DeleteAsync(Caller caller, UserKeyId id, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var found = await (
                from k in turn.Db.UserKeys
                join u in AccountReach.Users(turn.Db, caller) on k.UserId equals u.Id
                where k.Id == id
                select new { Keys = k, User = u }).FirstOrDefaultAsync(ct);
            if (found is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("deleteUserKeys", "keypairid", id));
            }

            await turn.Db.UserKeys.Where(k => k.Id == id).DeleteAsync(ct);
            var job = await turn.AddJobAsync(
                caller.AccountId,
                caller.UserId,
                AccountJobs.DeleteUserKeys,
                ResourceTypes.User,
                found.User.Id.Value,
                $"deleting keys {Named(found.Keys)} of user {found.User.Username} ({found.User.Id})",
                turn.Timings.ChangeDeadline,
                ct);
            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, id.Value);
        },
        cancellationToken);

    private static Outcome<UserKeyId> Refused(ApiFault fault) => new Outcome<UserKeyId>.Refused(fault);

    private static string Named(UserKeyRow keys) => keys.Name is null ? $"({keys.Id})" : $"{keys.Name} ({keys.Id})";
}
