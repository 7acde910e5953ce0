using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Limits;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <inheritdoc/>
internal sealed class UserOperations : IUserOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public UserOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<UserId>> UpdateAsync(Caller caller, UpdateUser request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<UserId>>(
        async (turn, ct) =>
        {
            if (await AccountReach.FindUserAsync(turn.Db, caller, request.Id, ct) is not { } user)
            {
                return new Outcome<UserId>.Refused(Faults.NoSuchEntity("updateUser", "id", request.Id));
            }

            if (request.Password?.CheckedAgainst is { } hash && hash != user.PasswordHash)
            {
                return new Outcome<UserId>.Refused(Faults.WrongCurrentPassword());
            }

            if (request.UserName is { } name && await IsTakenAsync(turn.Db, user, name, ct))
            {
                return new Outcome<UserId>.Refused(Faults.UserNameTaken(name));
            }

            await turn.Db.UpdateAsync(
                user with
                {
                    Username = request.UserName ?? user.Username,
                    FirstName = request.FirstName ?? user.FirstName,
                    LastName = request.LastName ?? user.LastName,
                    Email = request.Email ?? user.Email,
                    Timezone = request.TimeZone is { } zone ? (zone.Length == 0 ? null : zone) : user.Timezone,
                    PasswordHash = request.Password?.Hash ?? user.PasswordHash,
                },
                token: ct);
            if (request.Password is not null)
            {
                await turn.Db.Sessions.Where(s => s.UserId == user.Id).DeleteAsync(ct);
            }

            await turn.TellAsync(
                EventTypes.UserUpdate,
                EventLevel.Info,
                EventState.Completed,
                request.Password is null ? $"Changed user {user.Username} ({user.Id})" : $"New password for user {user.Username} ({user.Id}); all sessions of the user ended",
                caller.AccountId,
                caller.UserId,
                ResourceTypes.User,
                user.Id.Value,
                user.Username,
                null,
                ct);
            return new Outcome<UserId>.Done(user.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<UserId>> CreateAsync(Caller caller, AccountId accountId, NewUser request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<UserId>>(
        async (turn, ct) =>
        {
            if (await AccountReach.Managed(turn.Db, caller).FirstOrDefaultAsync(a => a.Id == accountId && a.Deleted == null, ct) is not { } account)
            {
                return new Outcome<UserId>.Refused(Faults.NoSuchEntity("createUser", "account", accountId));
            }

            var domain = await turn.Db.Domains.SingleAsync(d => d.Id == account.DomainId, ct);
            return await CheckNewAsync(turn.Db, domain, request, ct) is { } fault
                ? new Outcome<UserId>.Refused(fault)
                : new Outcome<UserId>.Done(await InsertAsync(turn, caller, account, request, ct));
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, UserId userId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            if (await AccountReach.FindUserAsync(turn.Db, caller, userId, ct) is not { } user)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteUser", "id", userId));
            }

            if (await WhyNotEndAsync(turn, caller, user, "deleted", ct) is { } fault)
            {
                return new Outcome<Success>.Refused(fault);
            }

            if (await ProjectMembers.OwnedAsync(turn.Db, null, userId, ct) is { Count: > 0 } owned)
            {
                return new Outcome<Success>.Refused(Faults.Invalid(
                    $"User {user.Username} ({user.Id}) owns projects, and can't be removed: {ProjectMembers.NamesOf(owned)}. Give them to others with updateProject, or delete them"));
            }

            await turn.Db.UpdateAsync(user with { Removed = turn.Now }, token: ct);
            await turn.Part<IconRows>().DropAsync(userId.Value, ct);
            await turn.Db.ProjectMembers.Where(m => m.UserId == userId).DeleteAsync(ct);
            await turn.Db.UserKeys.Where(k => k.UserId == userId).DeleteAsync(ct);
            await turn.Db.Sessions.Where(s => s.UserId == userId).DeleteAsync(ct);
            await TellAsync(turn, caller, EventTypes.UserDelete, $"Deleted user {user.Username} ({user.Id})", user, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<UserId>> EnableAsync(Caller caller, UserId userId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<UserId>>(
        async (turn, ct) =>
        {
            if (await AccountReach.FindUserAsync(turn.Db, caller, userId, ct) is not { } user)
            {
                return new Outcome<UserId>.Refused(Faults.NoSuchEntity("enableUser", "id", userId));
            }

            if (user.State != AccountStates.Enabled)
            {
                await turn.Db.UpdateAsync(user with { State = AccountStates.Enabled }, token: ct);
                await TellAsync(turn, caller, EventTypes.UserEnable, $"Enabled user {user.Username} ({user.Id})", user, ct);
            }

            return new Outcome<UserId>.Done(userId);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<UserId>> LockAsync(Caller caller, UserId userId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<UserId>>(
        async (turn, ct) =>
        {
            if (await AccountReach.FindUserAsync(turn.Db, caller, userId, ct) is not { } user)
            {
                return new Outcome<UserId>.Refused(Faults.NoSuchEntity("lockUser", "id", userId));
            }

            if (await WhyNotEndAsync(turn, caller, user, "locked", ct) is { } fault)
            {
                return new Outcome<UserId>.Refused(fault);
            }

            if (user.State == AccountStates.Disabled)
            {
                return new Outcome<UserId>.Refused(Faults.Invalid($"User {user.Username} ({user.Id}) is disabled; enable it first"));
            }

            if (user.State != AccountStates.Locked)
            {
                await EndAsync(turn, user, AccountStates.Locked, ct);
                await TellAsync(turn, caller, EventTypes.UserLock, $"Locked user {user.Username} ({user.Id})", user, ct);
            }

            return new Outcome<UserId>.Done(userId);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DisableAsync(Caller caller, UserId userId, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            if (await AccountReach.FindUserAsync(turn.Db, caller, userId, ct) is not { } user)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("disableUser", "id", userId));
            }

            if (await WhyNotEndAsync(turn, caller, user, "disabled", ct) is { } fault)
            {
                return new JobOutcome.Refused(fault);
            }

            await EndAsync(turn, user, AccountStates.Disabled, ct);
            var job = await turn.AddJobAsync(
                caller.AccountId, caller.UserId, AccountJobs.DisableUser, ResourceTypes.User, userId.Value, $"disabling user {user.Username} ({user.Id})", turn.Timings.ChangeDeadline, ct);
            await turn.CompleteJobAsync(job.Id, ct);
            return new JobOutcome.Accepted(job.Id, userId.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> MoveAsync(Caller caller, UserId userId, AccountId accountId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            if (await AccountReach.FindUserAsync(turn.Db, caller, userId, ct) is not { } user)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("moveUser", "id", userId));
            }

            if (await AccountReach.Managed(turn.Db, caller).FirstOrDefaultAsync(a => a.Id == accountId && a.Deleted == null, ct) is not { } account)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("moveUser", "accountid", accountId));
            }

            if (account.Id == user.AccountId)
            {
                return new Outcome<Success>.Done(Success.Value);
            }

            var own = await turn.Db.Accounts.SingleAsync(a => a.Id == user.AccountId, ct);
            if (own.DomainId != account.DomainId)
            {
                return new Outcome<Success>.Refused(Faults.Invalid($"Account {account.Name} ({account.Id}) is not in the domain of user {user.Username} ({user.Id}), in which names of users are unique"));
            }

            if (await WhyNotEndAsync(turn, caller, user, "moved", ct) is { } fault)
            {
                return new Outcome<Success>.Refused(fault);
            }

            if (await ProjectMembers.OwnedAsync(turn.Db, null, userId, ct) is { Count: > 0 } owned
                && await ResourceLimits.WhyNotAsync(turn, account, new ResourceAmounts { Projects = owned.Count }, ct) is { } beyond)
            {
                return new Outcome<Success>.Refused(beyond);
            }

            // Another account is other rights: what was begun with the old ones ends.
            await turn.Db.UpdateAsync(user with { AccountId = account.Id }, token: ct);
            await turn.Db.ProjectMembers.Where(m => m.UserId == userId).Set(m => m.AccountId, account.Id).UpdateAsync(ct);
            await turn.Db.Sessions.Where(s => s.UserId == userId).DeleteAsync(ct);
            await TellAsync(turn, caller, EventTypes.UserMove, $"Moved user {user.Username} ({user.Id}) from account {own.Name} ({own.Id}) to {account.Name} ({account.Id})", user, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    /// <summary>Checks a user that is to be made.</summary>
    internal static async Task<ApiFault?> CheckNewAsync(StoreConnection db, DomainRow domain, NewUser request, CancellationToken cancellationToken)
    {
        if (AccountOperations.NameFault("user", request.UserName) is { } bad)
        {
            return bad;
        }

        return await AccountReach.IsUserNameTakenAsync(db, domain.Id, request.UserName, null, cancellationToken)
            ? Faults.Invalid($"The user {request.UserName} already exists in domain {domain.Path} ({domain.Id})")
            : null;
    }

    /// <summary>Makes a user that was checked.</summary>
    internal static async Task<UserId> InsertAsync(Turn turn, Caller caller, AccountRow account, NewUser request, CancellationToken cancellationToken)
    {
        var user = new UserRow
        {
            Id = new UserId(turn.NewId()),
            AccountId = account.Id,
            Username = request.UserName,
            PasswordHash = request.PasswordHash,
            FirstName = request.FirstName,
            LastName = request.LastName,
            Email = request.Email,
            Timezone = request.TimeZone,
            State = AccountStates.Enabled,
            Created = turn.Now,
        };
        await turn.Db.InsertAsync(user, token: cancellationToken);
        await TellAsync(turn, caller, EventTypes.UserCreate, $"Created user {user.Username} ({user.Id}) of account {account.Name} ({account.Id})", user, cancellationToken);
        return user.Id;
    }

    private static async Task EndAsync(Turn turn, UserRow user, string state, CancellationToken cancellationToken)
    {
        await turn.Db.UpdateAsync(user with { State = state }, token: cancellationToken);
        await turn.Db.Sessions.Where(s => s.UserId == user.Id).DeleteAsync(cancellationToken);
    }

    private static async Task<ApiFault?> WhyNotEndAsync(Turn turn, Caller caller, UserRow user, string what, CancellationToken cancellationToken) =>
        user.Id == caller.UserId ? Faults.Runtime($"The own user {user.Username} ({user.Id}) cannot be {what}")
        : await AccountReach.IsLastAdminAsync(turn.Db, null, user.Id, cancellationToken) ? Faults.Runtime($"User {user.Username} ({user.Id}) is the last who can administer the installation")
        : null;

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, UserRow user, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.User, user.Id.Value, user.Username, null, cancellationToken);

    private static async Task<bool> IsTakenAsync(StoreConnection db, UserRow user, string name, CancellationToken cancellationToken)
    {
        var domain = await db.Accounts.Where(a => a.Id == user.AccountId).Select(a => a.DomainId).SingleAsync(cancellationToken);
        return await AccountReach.IsUserNameTakenAsync(db, domain, name, user.Id, cancellationToken);
    }
}
