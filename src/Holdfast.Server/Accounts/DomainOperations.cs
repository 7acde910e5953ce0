using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <inheritdoc/>
internal sealed class DomainOperations : IDomainOperations
{
    private const int MaxPath = 255;

    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public DomainOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<DomainId>> CreateAsync(Caller caller, string name, DomainId? parent, string? networkDomain, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            var above = parent ?? caller.DomainId;
            if (await FindAsync(turn.Db, caller, above, ct) is not { } upper)
            {
                return Refused(Faults.NoSuchEntity("createDomain", "parentdomainid", above));
            }

            var path = $"{upper.Path}/{name}";
            if (await NameFaultAsync(turn.Db, upper.Id, name, path, null, ct) is { } fault)
            {
                return Refused(fault);
            }

            var domain = new DomainRow
            {
                Id = new DomainId(turn.NewId()),
                Name = name,
                ParentId = upper.Id,
                Path = path,
                Level = upper.Level + 1,
                NetworkDomain = networkDomain,
                Created = turn.Now,
            };
            await turn.Db.InsertAsync(domain, token: ct);
            await TellAsync(turn, caller, EventTypes.DomainCreate, $"Created domain {domain.Path} ({domain.Id})", domain, ct);
            return new Outcome<DomainId>.Done(domain.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<DomainId>> UpdateAsync(Caller caller, DomainId id, string? name, string? networkDomain, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            var db = turn.Db;
            if (await FindAsync(db, caller, id, ct) is not { } domain)
            {
                return Refused(Faults.NoSuchEntity("updateDomain", "id", id));
            }

            var changed = domain with { NetworkDomain = networkDomain is null ? domain.NetworkDomain : networkDomain.Length == 0 ? null : networkDomain };
            if (name is not null && name != domain.Name)
            {
                if (domain.ParentId is not { } above)
                {
                    return Refused(Faults.Invalid($"The domain {domain.Path} ({domain.Id}) keeps its name"));
                }

                var path = domain.Path[..^domain.Name.Length] + name;
                if (await NameFaultAsync(db, above, name, path, id, ct) is { } fault)
                {
                    return Refused(fault);
                }

                // The domains below have their path from this one.
                var (below, rest) = (domain.Path + "/", domain.Path.Length);
                if (await db.Domains.Where(d => d.Path.StartsWith(below) && d.Removed == null).Select(d => (int?)d.Path.Length).MaxAsync(ct) is { } longest && longest - rest + path.Length > MaxPath)
                {
                    return Refused(TooLong(name));
                }

#pragma warning disable CA1845 // Part of a statement.
                await db.Domains.Where(d => d.Path.StartsWith(below)).Set(d => d.Path, d => path + d.Path.Substring(rest)).UpdateAsync(ct);
#pragma warning restore CA1845
                changed = changed with { Name = name, Path = path };
            }

            await db.UpdateAsync(changed, token: ct);
            await TellAsync(turn, caller, EventTypes.DomainUpdate, domain.Path == changed.Path ? $"Changed domain {changed.Path} ({id})" : $"Renamed domain {domain.Path} ({id}) to {changed.Path}", changed, ct);
            return new Outcome<DomainId>.Done(id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<JobOutcome> DeleteAsync(Caller caller, DomainId id, bool cleanUp, CancellationToken cancellationToken) => _turns.RunAsync<JobOutcome>(
        async (turn, ct) =>
        {
            var db = turn.Db;
            if (await caller.Domains(db).FirstOrDefaultAsync(d => d.Id == id && d.Removed == null, ct) is not { } domain)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("deleteDomain", "id", id));
            }

            if (domain.ParentId is null)
            {
                return new JobOutcome.Refused(Faults.Invalid($"The domain {domain.Path} ({domain.Id}) cannot be deleted"));
            }

            var below = domain.Path + "/";
            var domains = db.Domains.Where(d => (d.Id == id || d.Path.StartsWith(below)) && d.Removed == null);
            var accounts = db.Accounts.Where(a => a.Removed == null && domains.Any(d => d.Id == a.DomainId));
            if (await accounts.AnyAsync(a => db.Users.Any(u => u.Id == caller.UserId && u.AccountId == a.Id), ct))
            {
                return new JobOutcome.Refused(Faults.Runtime($"The domain {domain.Path} ({domain.Id}) has the caller's own account"));
            }

            if (!cleanUp && domain.Deleted is null)
            {
                var (accountCount, projectCount, domainCount) = (
                    await accounts.CountAsync(a => a.Type != AccountRow.Project, ct), await accounts.CountAsync(a => a.Type == AccountRow.Project, ct), await domains.CountAsync(d => d.Id != id, ct));
                if (accountCount + projectCount + domainCount > 0)
                {
                    return new JobOutcome.Refused(Faults.Runtime(
                        $"Failed to delete the domain {domain.Path} ({domain.Id}): it has {accountCount} accounts and {domainCount} domains below it, and {projectCount} projects; delete them first, or send cleanup=true"));
                }
            }

            if (await ProtectedVms.WhyNotAsync(db, accounts, ct) is { } isProtected)
            {
                return new JobOutcome.Refused(isProtected);
            }

            var job = await turn.AddJobAsync(
                caller.AccountId, caller.UserId, AccountJobs.DeleteDomain, ResourceTypes.Domain, id.Value, $"deleting domain {domain.Path} ({domain.Id})", turn.Timings.AccountDeadline, ct);
            await db.Sessions.Where(s => db.Users.Any(u => u.Id == s.UserId && accounts.Any(a => a.Id == u.AccountId))).DeleteAsync(ct);
            await accounts.Where(a => a.Deleted == null)
                .Set(a => a.State, AccountStates.Disabled)
                .Set(a => a.Deleted, turn.Now)
                .Set(a => a.Ending, a => a.Ending ?? turn.Now)
                .UpdateAsync(ct);
            await domains.Where(d => d.Deleted == null).Set(d => d.Deleted, turn.Now).UpdateAsync(ct);

            // Those with something in them are gone when that is; the sweep ends the accounts.
            foreach (var empty in await domains.Where(d => !db.Accounts.Any(a => a.DomainId == d.Id && a.Removed == null) && !db.Domains.Any(c => c.ParentId == d.Id && c.Removed == null)).Select(d => d.Id).ToListAsync(ct))
            {
                turn.Mark(empty);
            }

            return new JobOutcome.Accepted(job.Id, id.Value);
        },
        cancellationToken);

    private static Outcome<DomainId> Refused(ApiFault fault) => new Outcome<DomainId>.Refused(fault);

    private static ApiFault TooLong(string name) => Faults.Invalid($"With the name {name} the path of the domain, or of one below it, would have more than {MaxPath} characters");

    private static Task<DomainRow?> FindAsync(StoreConnection db, Caller caller, DomainId id, CancellationToken cancellationToken) =>
        caller.Domains(db).FirstOrDefaultAsync(d => d.Id == id && d.Removed == null && d.Deleted == null, cancellationToken);

    private static async Task<ApiFault?> NameFaultAsync(StoreConnection db, DomainId parent, string name, string path, DomainId? except, CancellationToken cancellationToken)
    {
        if (AccountOperations.NameFault("domain", name) is { } bad)
        {
            return bad;
        }

        if (path.Length > MaxPath)
        {
            return TooLong(name);
        }

        var lower = name.ToLowerInvariant();
        return await db.Domains.AnyAsync(d => d.ParentId == parent && d.Removed == null && d.Name.ToLower() == lower && (except == null || d.Id != except), cancellationToken)
            ? Faults.Invalid($"Domain with name {name} already exists for the parent id={parent}")
            : null;
    }

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, DomainRow domain, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.Domain, domain.Id.Value, domain.Path, null, cancellationToken);
}
