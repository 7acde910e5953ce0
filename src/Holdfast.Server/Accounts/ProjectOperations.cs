using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Limits;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <inheritdoc/>
internal sealed class ProjectOperations : IProjectOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public ProjectOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<JobOutcome> CreateAsync(Caller caller, CreateProject request, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            var db = turn.Db;
            var owner = await db.Accounts.SingleAsync(a => a.Id == caller.AccountId, ct);
            if (!caller.IsRootAdmin && caller.Administers is null && !(await SettingValues.ReadAsync(turn, ct))[Setting.UsersMakeProjects])
            {
                return Refused(Faults.PermissionDenied($"Regular user is not permitted to create a project: setting {Setting.UsersMakeProjects.Name} is false"));
            }

            if (await caller.WhyNotOwnerAsync(db, owner, ct) is { } ended)
            {
                return Refused(ended);
            }

            if (request.Owner is { } user && !await db.Users.AnyAsync(u => u.Id == user && u.AccountId == owner.Id && u.Removed == null, ct))
            {
                return Refused(Faults.NoSuchEntity("createProject", "userid", user));
            }

            var text = request.DisplayText ?? request.Name;
            if (await NameFaultAsync(db, owner.DomainId, request.Name, null, ct) is { } bad)
            {
                return Refused(bad);
            }

            if (await ResourceLimits.WhyNotAsync(turn, owner, new ResourceAmounts { Projects = 1 }, ct) is { } beyond)
            {
                return Refused(beyond);
            }

            var project = new AccountRow
            {
                Id = new AccountId(turn.NewId()),
                Number = await Counters.AddAsync(db, Counters.AccountNumber, 1, ct),
                Name = request.Name,
                DisplayText = text,
                DomainId = owner.DomainId,
                Type = AccountRow.Project,
                RoleId = RoleRow.User,
                State = AccountStates.Enabled,
                Created = turn.Now,
            };
            await db.InsertAsync(project, token: ct);
            await AddAsync(turn, project, owner.Id, request.Owner, owns: true, ct);
            return await DoneAsync(turn, caller, AccountJobs.CreateProject, project, $"creating {project.Named} in domain of {owner.Named}, which owns it", ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> UpdateAsync(Caller caller, UpdateProject request, CancellationToken cancellationToken) => OnProjectAsync(
        caller,
        "updateProject",
        "id",
        request.Id,
        async (turn, project, ct) =>
        {
            if (request.Name is { } name && await NameFaultAsync(turn.Db, project.DomainId, name, project.Id, ct) is { } bad)
            {
                return Refused(bad);
            }

            if (request.Account is not null || request.User is not null)
            {
                var (member, unknown) = request.User is { } user
                    ? await MemberAsync(turn.Db, project, user, "updateProject", ct)
                    : await MemberAsync(turn.Db, project, request.Account!, ct);
                if (member is null)
                {
                    return Refused(unknown!);
                }

                if (await ChangeOwnerAsync(turn, project, member, request.Owns, ct) is { } fault)
                {
                    return Refused(fault);
                }
            }

            var changed = project with { Name = request.Name ?? project.Name, DisplayText = request.DisplayText ?? project.DisplayText };
            await turn.Db.UpdateAsync(changed, token: ct);
            return await DoneAsync(turn, caller, AccountJobs.UpdateProject, changed, $"updating {changed.Named}", ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> ActivateAsync(Caller caller, ProjectId id, CancellationToken cancellationToken) => OnProjectAsync(
        caller,
        "activateProject",
        "id",
        id,
        async (turn, project, ct) =>
        {
            var active = project with { State = AccountStates.Enabled, Ending = null };
            await turn.Db.UpdateAsync(active, token: ct);
            foreach (var job in await turn.Db.Jobs.Where(j => j.State == JobState.Pending && j.InstanceId == id.Value && j.Kind == AccountJobs.SuspendProject).Select(j => j.Id).ToListAsync(ct))
            {
                await turn.FailJobAsync(job, Faults.Concurrent($"The {project.Named} was activated again before all its VMs were stopped"), ct);
            }

            return await DoneAsync(turn, caller, AccountJobs.ActivateProject, active, $"activating {project.Named}", ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> SuspendAsync(Caller caller, ProjectId id, CancellationToken cancellationToken) => OnProjectAsync(
        caller,
        "suspendProject",
        "id",
        id,
        async (turn, project, ct) =>
        {
            var job = await AddJobAsync(turn, caller, AccountJobs.SuspendProject, project, $"suspending {project.Named}", turn.Timings.AccountDeadline, ct);
            await turn.Db.UpdateAsync(project with { State = AccountStates.Disabled, Ending = project.Ending ?? turn.Now }, token: ct);
            turn.Mark(project.Id);
            return new JobOutcome.Accepted(job.Id, id.Value);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DeleteAsync(Caller caller, ProjectId id, bool cleanUp, CancellationToken cancellationToken) => OnProjectAsync(
        caller,
        "deleteProject",
        "id",
        id,
        async (turn, project, ct) =>
        {
            if (!cleanUp && project.Deleted is null && await WhyNotEmptyAsync(turn.Db, project, ct) is { } full)
            {
                return Refused(full);
            }

            if (await ProtectedVms.WhyNotAsync(turn.Db, turn.Db.Accounts.Where(a => a.Id == project.Id), ct) is { } isProtected)
            {
                // A text of 530 is for root administrators alone.
                return Refused(Faults.InUse(isProtected.Text));
            }

            var job = await AddJobAsync(turn, caller, AccountJobs.DeleteProject, project, $"deleting {project.Named}", turn.Timings.AccountDeadline, ct);
            await turn.Db.UpdateAsync(project with { State = AccountStates.Disabled, Ending = project.Ending ?? turn.Now, Deleted = project.Deleted ?? turn.Now }, token: ct);
            turn.Mark(project.Id);
            return new JobOutcome.Accepted(job.Id, id.Value);
        },
        cancellationToken,
        isToEnd: true);

    /// <inheritdoc/>
    public Task<JobOutcome> AddAccountAsync(Caller caller, ProjectId id, string account, bool? owns, CancellationToken cancellationToken) => OnProjectAsync(
        caller,
        "addAccountToProject",
        "projectid",
        id,
        async (turn, project, ct) =>
        {
            if (NotActive(project) is { } inactive)
            {
                return Refused(inactive);
            }

            var lower = account.ToLowerInvariant();
            var found = await turn.Db.Accounts.FirstOrDefaultAsync(
                a => a.DomainId == project.DomainId && a.Type != AccountRow.Project && a.Removed == null && a.Deleted == null && a.Name.ToLower() == lower, ct);
            if (found is null)
            {
                return Refused(Faults.Invalid($"Unable to find account name={account} in domain id={project.DomainId}, which is that of the {project.Named}"));
            }

            var isThere = await turn.Db.ProjectMembers.FirstOrDefaultAsync(m => m.ProjectId == project.Id && m.AccountId == found.Id && m.UserId == null, ct);
            return await AddAsync(turn, project, isThere, found, null, owns, $"The {found.Named}", ct) is { } fault
                ? Refused(fault)
                : await DoneAsync(turn, caller, AccountJobs.AddAccountToProject, project, $"adding {found.Named} to {project.Named}", ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> RemoveAccountAsync(Caller caller, ProjectId id, string account, CancellationToken cancellationToken) => OnProjectAsync(
        caller,
        "deleteAccountFromProject",
        "projectid",
        id,
        async (turn, project, ct) =>
        {
            var (member, unknown) = await MemberAsync(turn.Db, project, account, ct);
            return member is null ? Refused(unknown!)
                : await WhyNotWithoutAsync(turn.Db, project, member, ct) is { } fault ? Refused(fault)
                : await RemoveAsync(turn, caller, AccountJobs.DeleteAccountFromProject, project, member, ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> AddUserAsync(Caller caller, ProjectId id, string user, bool? owns, CancellationToken cancellationToken) => OnProjectAsync(
        caller,
        "addUserToProject",
        "projectid",
        id,
        async (turn, project, ct) =>
        {
            if (NotActive(project) is { } inactive)
            {
                return Refused(inactive);
            }

            var lower = user.ToLowerInvariant();
            var found = await (
                from u in turn.Db.Users
                join a in turn.Db.Accounts on u.AccountId equals a.Id
                where a.DomainId == project.DomainId && a.Removed == null && a.Deleted == null && u.Removed == null && u.Username.ToLower() == lower
                select new { User = u, Account = a }).FirstOrDefaultAsync(ct);
            if (found is null)
            {
                return Refused(Faults.Invalid($"Unable to find user {user} in domain id={project.DomainId}, which is that of the {project.Named}"));
            }

            if (await turn.Db.ProjectMembers.AnyAsync(m => m.ProjectId == project.Id && m.AccountId == found.Account.Id && m.UserId == null, ct))
            {
                return Refused(Faults.Invalid($"User belongs to account {found.Account.Name} ({found.Account.Id}), which is already part of the {project.Named}"));
            }

            var isThere = await turn.Db.ProjectMembers.FirstOrDefaultAsync(m => m.ProjectId == project.Id && m.UserId == found.User.Id, ct);
            return await AddAsync(turn, project, isThere, found.Account, found.User.Id, owns, $"The user {found.User.Username} ({found.User.Id})", ct) is { } fault
                ? Refused(fault)
                : await DoneAsync(turn, caller, AccountJobs.AddUserToProject, project, $"adding user {found.User.Username} ({found.User.Id}) to {project.Named}", ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> RemoveUserAsync(Caller caller, ProjectId id, UserId user, CancellationToken cancellationToken) => OnProjectAsync(
        caller,
        "deleteUserFromProject",
        "projectid",
        id,
        async (turn, project, ct) =>
        {
            var (member, unknown) = await MemberAsync(turn.Db, project, user, "deleteUserFromProject", ct);
            return member is null ? Refused(unknown!)
                : await WhyNotWithoutAsync(turn.Db, project, member, ct) is { } fault ? Refused(fault)
                : await RemoveAsync(turn, caller, AccountJobs.DeleteUserFromProject, project, member, ct);
        },
        cancellationToken);

    private static JobOutcome Refused(ApiFault fault) => new JobOutcome.Refused(fault);

    private static ApiFault? NotActive(AccountRow project) =>
        project.State == AccountStates.Enabled ? null : Faults.Invalid($"Nobody can be added to the {project.Named} in state {project.ShownState}");

    private static async Task<ApiFault?> NameFaultAsync(StoreConnection db, DomainId domain, string name, AccountId? except, CancellationToken cancellationToken)
    {
        if (AccountOperations.NameFault("project", name) is { } bad)
        {
            return bad;
        }

        var lower = name.ToLowerInvariant();
        return await db.Accounts.AnyAsync(a => a.DomainId == domain && a.Type == AccountRow.Project && a.Removed == null && a.Name.ToLower() == lower && (except == null || a.Id != except), cancellationToken)
            ? Faults.Invalid($"Project with name {name} already exists in domain id={domain}")
            : null;
    }

    private static async Task<ApiFault?> WhyNotEmptyAsync(StoreConnection db, AccountRow project, CancellationToken cancellationToken)
    {
        var id = project.Id;
        var (vms, volumes, templates) = (
            await db.Vms.CountAsync(v => v.AccountId == id && v.Removed == null, cancellationToken),
            await db.Volumes.CountAsync(v => v.AccountId == id && v.VmId == null && v.Removed == null && v.State != VolumeState.Expunging, cancellationToken),
            await db.Templates.CountAsync(t => t.AccountId == id && t.Removed == null, cancellationToken));
        return vms + volumes + templates == 0
            ? null
            : Faults.InUse($"Can't delete the {project.Named} yet because it has {vms} VMs, {volumes} volumes of no VM and {templates} templates to clean up; delete them first, or send cleanup=true");
    }

    private static async Task<(ProjectMemberRow? Member, ApiFault? Unknown)> MemberAsync(StoreConnection db, AccountRow project, string account, CancellationToken cancellationToken)
    {
        // Whether there is an account of that name elsewhere is nobody's to learn here.
        var lower = account.ToLowerInvariant();
        var member = await (
            from m in db.ProjectMembers
            join a in db.Accounts on m.AccountId equals a.Id
            where m.ProjectId == project.Id && m.UserId == null && a.Name.ToLower() == lower
            select m).FirstOrDefaultAsync(cancellationToken);
        return (member, member is null ? Faults.Invalid($"Account {account} is not in the {project.Named}; addAccountToProject adds it") : null);
    }

    private static async Task<(ProjectMemberRow? Member, ApiFault? Unknown)> MemberAsync(StoreConnection db, AccountRow project, UserId user, string command, CancellationToken cancellationToken)
    {
        var member = await db.ProjectMembers.FirstOrDefaultAsync(m => m.ProjectId == project.Id && m.UserId == user, cancellationToken);
        return (member, member is null ? Faults.NoSuchEntity(command, "userid", user) : null);
    }

    private static IQueryable<ProjectMemberRow> RowOf(StoreConnection db, ProjectMemberRow member)
    {
        var (project, account, user) = (member.ProjectId, member.AccountId, member.UserId);
        return user is null
            ? db.ProjectMembers.Where(m => m.ProjectId == project && m.AccountId == account && m.UserId == null)
            : db.ProjectMembers.Where(m => m.ProjectId == project && m.UserId == user);
    }

    // A project without an owner could be changed by administrators alone.
    private static async Task<ApiFault?> WhyNotWithoutAsync(StoreConnection db, AccountRow project, ProjectMemberRow member, CancellationToken cancellationToken) =>
        member.Owns && await db.ProjectMembers.CountAsync(m => m.ProjectId == project.Id && m.Owns, cancellationToken) == 1
            ? Faults.Invalid($"The {project.Named} has no other owner; make another one its owner first")
            : null;

    private static async Task<ApiFault?> ChangeOwnerAsync(Turn turn, AccountRow project, ProjectMemberRow member, bool? owns, CancellationToken cancellationToken)
    {
        var db = turn.Db;
        if (owns == member.Owns)
        {
            return null;
        }

        if (owns == false)
        {
            if (await WhyNotWithoutAsync(db, project, member, cancellationToken) is { } last)
            {
                return last;
            }

            await RowOf(db, member).Set(m => m.Owns, false).UpdateAsync(cancellationToken);
            return null;
        }

        var owners = await db.ProjectMembers.Where(m => m.ProjectId == project.Id && m.Owns).ToListAsync(cancellationToken);
        if (owns is null)
        {
            if (owners.Count == 1 && member.Owns)
            {
                return null;
            }

            if (owners.Count > 1)
            {
                return Faults.Invalid($"The {project.Named} has {owners.Count} owners, none of which can be said to be followed by another; send swapowner=false and roletype=Admin or Regular");
            }
        }

        // What one user of an account gives another is the account's all the time.
        var isOwnAlready = owns is null && owners.Exists(o => o.AccountId == member.AccountId);
        if (!isOwnAlready && await ResourceLimits.WhyNotAsync(turn, member.AccountId, new ResourceAmounts { Projects = 1 }, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        if (owns is null)
        {
            await db.ProjectMembers.Where(m => m.ProjectId == project.Id && m.Owns).Set(m => m.Owns, false).UpdateAsync(cancellationToken);
        }

        await RowOf(db, member).Set(m => m.Owns, true).UpdateAsync(cancellationToken);
        return null;
    }

    private static async Task<ApiFault?> AddAsync(
        Turn turn, AccountRow project, ProjectMemberRow? isThere, AccountRow account, UserId? user, bool? owns, string who, CancellationToken cancellationToken)
    {
        if (isThere is not null)
        {
            return owns is null || owns == isThere.Owns
                ? null
                : Faults.Invalid($"{who} is in the {project.Named} already, with role {(isThere.Owns ? "Admin" : "Regular")}; updateProject with swapowner=false changes it");
        }

        if (owns == true && await ResourceLimits.WhyNotAsync(turn, account, new ResourceAmounts { Projects = 1 }, cancellationToken) is { } beyond)
        {
            return beyond;
        }

        await AddAsync(turn, project, account.Id, user, owns ?? false, cancellationToken);
        return null;
    }

    private static Task AddAsync(Turn turn, AccountRow project, AccountId account, UserId? user, bool owns, CancellationToken cancellationToken) =>
        turn.Db.InsertAsync(new ProjectMemberRow { ProjectId = project.Id, AccountId = account, UserId = user, Owns = owns, Created = turn.Now }, token: cancellationToken);

    private static async Task<JobOutcome> RemoveAsync(Turn turn, Caller caller, JobKind kind, AccountRow project, ProjectMemberRow member, CancellationToken cancellationToken)
    {
        await RowOf(turn.Db, member).DeleteAsync(cancellationToken);
        var who = member.UserId is { } user ? $"user {user}" : $"account {member.AccountId}";
        return await DoneAsync(turn, caller, kind, project, $"removing {who} from {project.Named}", cancellationToken);
    }

    private static Task<JobRow> AddJobAsync(Turn turn, Caller caller, JobKind kind, AccountRow project, string what, TimeSpan deadline, CancellationToken cancellationToken) =>
        turn.AddJobAsync(caller.Own, caller.UserId, kind, ResourceTypes.Project, project.Id.Value, what, deadline, cancellationToken);

    private static async Task<JobOutcome> DoneAsync(Turn turn, Caller caller, JobKind kind, AccountRow project, string what, CancellationToken cancellationToken)
    {
        var job = await AddJobAsync(turn, caller, kind, project, what, turn.Timings.ChangeDeadline, cancellationToken);
        await turn.CompleteJobAsync(job.Id, cancellationToken);
        return new JobOutcome.Accepted(job.Id, project.Id.Value);
    }

    private Task<JobOutcome> OnProjectAsync(
        Caller caller, string command, string parameter, ProjectId id, Func<Turn, AccountRow, CancellationToken, Task<JobOutcome>> work, CancellationToken cancellationToken, bool isToEnd = false) => _turns.RunAsync(
        async (turn, ct) =>
        {
            // One that is being deleted is done with: nothing else can be asked of it.
            var account = new AccountId(id.Value);
            var project = await caller.Accounts(turn.Db).FirstOrDefaultAsync(a => a.Id == account && a.Type == AccountRow.Project && a.Removed == null && (isToEnd || a.Deleted == null), ct);
            return project is null ? Refused(Faults.NoSuchEntity(command, parameter, id))
                : await caller.OwnedProjects(turn.Db).AnyAsync(a => a.Id == account, ct) ? await work(turn, project, ct)
                : Refused(Faults.PermissionDenied($"The {project.Named} is changed by those who own it, and the caller is in it without owning it"));
        },
        cancellationToken);
}
