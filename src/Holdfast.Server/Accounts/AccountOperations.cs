using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <inheritdoc/>
internal sealed class AccountOperations : IAccountOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public AccountOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<AccountId>> CreateAsync(Caller caller, CreateAccount request, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            var db = turn.Db;
            var domain = await caller.Domains(db).FirstOrDefaultAsync(d => d.Id == request.DomainId && d.Removed == null && d.Deleted == null, ct);
            if (domain is null)
            {
                return Refused(Faults.NoSuchEntity("createAccount", "domainid", request.DomainId));
            }

            var roleId = request.RoleId ?? RoleRow.DefaultOf(request.Type ?? 0);
            var role = await db.Roles.FirstOrDefaultAsync(r => r.Id == roleId && r.Removed == null, ct);
            if (role is null)
            {
                return Refused(Faults.NoSuchEntity("createAccount", "roleid", roleId));
            }

            if (request.Type is { } type && type != role.Type)
            {
                return Refused(Faults.Invalid($"Account type {type} is not that of the role {role.Name} ({role.Id}), which is {role.Type}"));
            }

            if (CheckRole(caller, role, domain) is { } notForIt)
            {
                return Refused(notForIt);
            }

            var name = request.Name ?? request.User.UserName;
            if (NameFault("account", name) is { } badName)
            {
                return Refused(badName);
            }

            if (await IsNameTakenAsync(db, domain.Id, name, null, ct))
            {
                return Refused(NameTaken(name, domain));
            }

            if (await UserOperations.CheckNewAsync(db, domain, request.User, ct) is { } badUser)
            {
                return Refused(badUser);
            }

            var account = new AccountRow
            {
                Id = new AccountId(turn.NewId()),
                Number = await Counters.AddAsync(db, Counters.AccountNumber, 1, ct),
                Name = name,
                DomainId = domain.Id,
                Type = role.Type,
                RoleId = role.Id,
                State = AccountStates.Enabled,
                NetworkDomain = request.NetworkDomain,
                Created = turn.Now,
            };
            await db.InsertAsync(account, token: ct);
            await UserOperations.InsertAsync(turn, caller, account, request.User, ct);
            await TellAsync(turn, caller, EventTypes.AccountCreate, $"Created account {account.Name} ({account.Id}) in domain {domain.Path} with role {role.Name}", account, ct);
            return new Outcome<AccountId>.Done(account.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<AccountId>> UpdateAsync(Caller caller, UpdateAccount request, CancellationToken cancellationToken) => OnAccountAsync(
        caller,
        "updateAccount",
        request.Id,
        async (turn, account, ct) =>
        {
            var db = turn.Db;
            var domain = await db.Domains.SingleAsync(d => d.Id == account.DomainId, ct);
            if (request.Name is { } name)
            {
                if (NameFault("account", name) is { } badName)
                {
                    return Refused(badName);
                }

                if (await IsNameTakenAsync(db, domain.Id, name, account.Id, ct))
                {
                    return Refused(NameTaken(name, domain));
                }
            }

            var changed = account with
            {
                Name = request.Name ?? account.Name,
                NetworkDomain = request.NetworkDomain is { } network ? (network.Length == 0 ? null : network) : account.NetworkDomain,
            };
            if (request.RoleId is { } roleId && roleId != account.RoleId)
            {
                var role = await db.Roles.FirstOrDefaultAsync(r => r.Id == roleId && r.Removed == null, ct);
                if (role is null)
                {
                    return Refused(Faults.NoSuchEntity("updateAccount", "roleid", roleId));
                }

                if (account.Id == caller.AccountId)
                {
                    return Refused(Faults.PermissionDenied($"The role of the own account {account.Name} ({account.Id}) is changed by another administrator"));
                }

                if (CheckRole(caller, role, domain) is { } notForIt)
                {
                    return Refused(notForIt);
                }

                if (role.Id != RoleRow.RootAdmin && await AccountReach.IsLastAdminAsync(db, account.Id, null, ct))
                {
                    return Refused(LastAdmin(account));
                }

                changed = changed with { RoleId = role.Id, Type = role.Type };
            }

            await db.UpdateAsync(changed, token: ct);
            await TellAsync(turn, caller, EventTypes.AccountUpdate, $"Changed account {changed.Name} ({changed.Id})", changed, ct);
            return new Outcome<AccountId>.Done(account.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<AccountId>> EnableAsync(Caller caller, AccountId id, CancellationToken cancellationToken) => OnAccountAsync(
        caller,
        "enableAccount",
        id,
        async (turn, account, ct) =>
        {
            if (account.State != AccountStates.Enabled)
            {
                await turn.Db.UpdateAsync(account with { State = AccountStates.Enabled, Ending = null }, token: ct);
                await TellAsync(turn, caller, EventTypes.AccountEnable, $"Enabled account {account.Name} ({account.Id})", account, ct);
                foreach (var job in await turn.Db.Jobs.Where(j => j.State == JobState.Pending && j.InstanceId == id.Value && j.Kind == AccountJobs.DisableAccount).Select(j => j.Id).ToListAsync(ct))
                {
                    await turn.FailJobAsync(job, Faults.Concurrent($"Account {account.Name} ({account.Id}) was enabled again before all its VMs were stopped"), ct);
                }
            }

            return new Outcome<AccountId>.Done(id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<AccountId>> LockAsync(Caller caller, AccountId id, CancellationToken cancellationToken) => OnAccountAsync(
        caller,
        "lockAccount",
        id,
        async (turn, account, ct) =>
        {
            if (await WhyNotLockAsync(turn, caller, account, lockOnly: true, ct) is { } fault)
            {
                return Refused(fault);
            }

            if (account.State != AccountStates.Locked)
            {
                await LockAsync(turn, account, ct);
                await TellAsync(turn, caller, EventTypes.AccountLock, $"Locked account {account.Name} ({account.Id})", account, ct);
            }

            return new Outcome<AccountId>.Done(id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DisableAsync(Caller caller, AccountId id, bool lockOnly, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            if (await FindAsync(turn, caller, id, ct) is not { } account)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("disableAccount", "id", id));
            }

            if (await WhyNotLockAsync(turn, caller, account, lockOnly, ct) is { } fault)
            {
                return new JobOutcome.Refused(fault);
            }

            if (lockOnly)
            {
                var done = await AddJobAsync(turn, caller, AccountJobs.DisableAccount, account, "locking", ct);
                await LockAsync(turn, account, ct);
                await turn.CompleteJobAsync(done.Id, ct);
                return new JobOutcome.Accepted(done.Id, id.Value);
            }

            var job = await AddJobAsync(turn, caller, AccountJobs.DisableAccount, account, "disabling", ct);
            await turn.Db.UpdateAsync(account with { State = AccountStates.Disabled, Ending = account.Ending ?? turn.Now }, token: ct);
            await EndSessionsAsync(turn.Db, account.Id, ct);
            turn.Mark(account.Id);
            return new JobOutcome.Accepted(job.Id, id.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DeleteAsync(Caller caller, AccountId id, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            if (await AccountReach.Managed(turn.Db, caller).FirstOrDefaultAsync(a => a.Id == id, ct) is not { } account)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("deleteAccount", "id", id));
            }

            if (await WhyNotEndAsync(turn, caller, account, "deleted", ct) is { } fault)
            {
                return new JobOutcome.Refused(fault);
            }

            if (await ProjectMembers.OwnedAsync(turn.Db, id, null, ct) is { Count: > 0 } owned)
            {
                return new JobOutcome.Refused(Faults.Invalid($"The {account.Named} owns projects, and can't be removed: {ProjectMembers.NamesOf(owned)}. Give them to others with updateProject, or delete them"));
            }

            if (await ProtectedVms.WhyNotAsync(turn.Db, turn.Db.Accounts.Where(a => a.Id == id), ct) is { } isProtected)
            {
                return new JobOutcome.Refused(isProtected);
            }

            var job = await AddJobAsync(turn, caller, AccountJobs.DeleteAccount, account, "deleting", ct);
            await turn.Db.UpdateAsync(
                account with { State = AccountStates.Disabled, Ending = account.Ending ?? turn.Now, Deleted = account.Deleted ?? turn.Now },
                token: ct);
            await EndSessionsAsync(turn.Db, account.Id, ct);
            turn.Mark(account.Id);
            return new JobOutcome.Accepted(job.Id, id.Value);
        },
        cancellationToken);

    /// <summary>Checks the name of an account, a user, a role or a domain.</summary>
    /// <param name="what">What it is of, for the text.</param>
    /// <param name="name">The name.</param>
    internal static ApiFault? NameFault(string what, string name) =>
        string.IsNullOrWhiteSpace(name) || name.Length > 100 || name.Trim() != name || name.Contains('/', StringComparison.Ordinal)
            ? Faults.Invalid($"The name of the {what} must have 1 to 100 characters, no slash, and no space at its ends: {name}")
            : null;

    private static Outcome<AccountId> Refused(ApiFault fault) => new Outcome<AccountId>.Refused(fault);

    private static ApiFault NameTaken(string name, DomainRow domain) => Faults.Invalid($"The specified account: {name} already exists in domain {domain.Path} ({domain.Id})");

    private static ApiFault LastAdmin(AccountRow account) =>
        Faults.Runtime($"Account {account.Name} ({account.Id}) has the last user who can administer the installation");

    // Root administrators are of the root domain: elsewhere they would be within the reach of nobody who looks after that domain.
    private static ApiFault? CheckRole(Caller caller, RoleRow role, DomainRow domain) =>
        role.Type != 1 ? null
        : !caller.IsRootAdmin ? Faults.PermissionDenied($"The role {role.Name} ({role.Id}) can be given by root administrators only")
        : domain.Level != 0 ? Faults.Invalid($"The role {role.Name} ({role.Id}) is for accounts of the domain ROOT only, not of {domain.Path} ({domain.Id})")
        : null;

    private static Task<bool> IsNameTakenAsync(StoreConnection db, DomainId domain, string name, AccountId? except, CancellationToken cancellationToken)
    {
        var lower = name.ToLowerInvariant();
        return db.Accounts.AnyAsync(a => a.DomainId == domain && a.Removed == null && a.Type != AccountRow.Project && a.Name.ToLower() == lower && (except == null || a.Id != except), cancellationToken);
    }

    // One that is being deleted is done with: nothing else can be asked of it.
    private static Task<AccountRow?> FindAsync(Turn turn, Caller caller, AccountId id, CancellationToken cancellationToken) =>
        AccountReach.Managed(turn.Db, caller).FirstOrDefaultAsync(a => a.Id == id && a.Deleted == null, cancellationToken);

    private static async Task<ApiFault?> WhyNotEndAsync(Turn turn, Caller caller, AccountRow account, string what, CancellationToken cancellationToken) =>
        await turn.Db.Users.AnyAsync(u => u.Id == caller.UserId && u.AccountId == account.Id, cancellationToken)
            ? Faults.Runtime($"The own account {account.Name} ({account.Id}) cannot be {what}")
            : await AccountReach.IsLastAdminAsync(turn.Db, account.Id, null, cancellationToken) ? LastAdmin(account) : null;

    private static async Task<ApiFault?> WhyNotLockAsync(Turn turn, Caller caller, AccountRow account, bool lockOnly, CancellationToken cancellationToken) =>
        await WhyNotEndAsync(turn, caller, account, lockOnly ? "locked" : "disabled", cancellationToken)
        ?? (lockOnly && account.State == AccountStates.Disabled ? Faults.Invalid($"Account {account.Name} ({account.Id}) is disabled, which is more than locked; enable it first") : null);

    private static async Task LockAsync(Turn turn, AccountRow account, CancellationToken cancellationToken)
    {
        await turn.Db.UpdateAsync(account with { State = AccountStates.Locked }, token: cancellationToken);
        await EndSessionsAsync(turn.Db, account.Id, cancellationToken);
    }

    private static async Task EndSessionsAsync(StoreConnection db, AccountId account, CancellationToken cancellationToken) =>
        await db.Sessions.Where(s => db.Users.Any(u => u.Id == s.UserId && u.AccountId == account)).DeleteAsync(cancellationToken);

    private static Task<JobRow> AddJobAsync(Turn turn, Caller caller, JobKind kind, AccountRow account, string verb, CancellationToken cancellationToken) =>
        turn.AddJobAsync(caller.AccountId, caller.UserId, kind, ResourceTypes.Account, account.Id.Value, $"{verb} account {account.Name} ({account.Id})", turn.Timings.AccountDeadline, cancellationToken);

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, AccountRow account, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.Account, account.Id.Value, account.Name, null, cancellationToken);

    private Task<Outcome<AccountId>> OnAccountAsync(
        Caller caller, string command, AccountId id, Func<Turn, AccountRow, CancellationToken, Task<Outcome<AccountId>>> work, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) => await FindAsync(turn, caller, id, ct) is { } account ? await work(turn, account, ct) : Refused(Faults.NoSuchEntity(command, "id", id)),
        cancellationToken);
}
