using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Limits;

/// <inheritdoc/>
internal sealed class LimitOperations : ILimitOperations
{
    private const string Command = "updateResourceLimit";

    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public LimitOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<Success>> SetAsync(Caller caller, AccountId account, LimitedResource resource, long maximum, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            if (await caller.Accounts(turn.Db).FirstOrDefaultAsync(a => a.Id == account && a.Removed == null && a.Deleted == null, ct) is not { } row)
            {
                return Refused(Faults.NoSuchEntity(Command, "account", account));
            }

            if (row.Type == AccountRow.RootAdmin)
            {
                return Refused(Faults.Invalid($"The account {row.Name} ({row.Id}) is a root administrator's, which has no limits"));
            }

            if (row.IsProject && LimitedResources.All.Single(r => r.Resource == resource).OfProject is null)
            {
                return Refused(Faults.Invalid($"The {row.Named} has no {LimitedResources.All.Single(r => r.Resource == resource).What}, and no limit of them"));
            }

            var domain = await turn.Db.Domains.SingleAsync(d => d.Id == row.DomainId, ct);
            return await WhyNotAsync(turn, domain, row.Named, resource, maximum, ct) is { } beyond
                ? Refused(beyond)
                : await SaveAsync(turn, caller, new ResourceLimitRow { AccountId = account, Resource = resource, Maximum = maximum }, row.Named, row.Id.Value, row.IsProject ? ResourceTypes.Project : ResourceTypes.Account, row.Name, ct);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> SetAsync(Caller caller, DomainId domain, LimitedResource resource, long maximum, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            if (await caller.Domains(turn.Db).FirstOrDefaultAsync(d => d.Id == domain && d.Removed == null && d.Deleted == null, ct) is not { } row)
            {
                return Refused(Faults.NoSuchEntity(Command, "domainid", domain));
            }

            if (row.ParentId is not { } parent)
            {
                return Refused(Faults.Invalid($"The domain {row.Path} ({row.Id}) has no limits"));
            }

            if (row.Path == caller.Administers)
            {
                return Refused(Faults.PermissionDenied($"The limits of the own domain {row.Path} ({row.Id}) are set by who administers the domain above"));
            }

            var above = await turn.Db.Domains.SingleAsync(d => d.Id == parent, ct);
            return await WhyNotAsync(turn, above, $"domain {row.Path} ({row.Id})", resource, maximum, ct) is { } beyond
                ? Refused(beyond)
                : await SaveAsync(turn, caller, new ResourceLimitRow { DomainId = domain, Resource = resource, Maximum = maximum }, $"domain {row.Path} ({row.Id})", row.Id.Value, ResourceTypes.Domain, row.Name, ct);
        },
        cancellationToken);

    // As much as one likes below a limit is that limit.
    private static async Task<ApiFault?> WhyNotAsync(Turn turn, DomainRow lowest, string who, LimitedResource resource, long maximum, CancellationToken cancellationToken)
    {
        var settings = await SettingValues.ReadAsync(turn, cancellationToken);
        var path = lowest.Path;
        var chain = await turn.Db.Domains
            .Where(d => d.Removed == null && (d.Path == path || path.StartsWith(d.Path + "/")))
            .OrderByDescending(d => d.Level)
            .ToListAsync(cancellationToken);
        var ids = chain.ConvertAll(d => (DomainId?)d.Id);
        var rows = await turn.Db.ResourceLimits.Where(l => ids.Contains(l.DomainId)).ToListAsync(cancellationToken);
        foreach (var domain in chain)
        {
            if (LimitSet.Of(domain, rows.Where(r => r.DomainId == domain.Id), settings)[resource] is { } most && maximum > most)
            {
                return Faults.Invalid($"A limit of {maximum} for {who} is more than the {most} that the domain {domain.Path} ({domain.Id}) may have");
            }
        }

        return null;
    }

    private static async Task<Outcome<Success>> SaveAsync(
        Turn turn, Caller caller, ResourceLimitRow row, string who, Guid id, string type, string name, CancellationToken cancellationToken)
    {
        var (account, domain, resource) = (row.AccountId, row.DomainId, row.Resource);
        var changed = await turn.Db.ResourceLimits
            .Where(l => l.AccountId == account && l.DomainId == domain && l.Resource == resource)
            .Set(l => l.Maximum, row.Maximum)
            .UpdateAsync(cancellationToken);
        if (changed == 0)
        {
            await turn.Db.InsertAsync(row, token: cancellationToken);
        }

        var what = LimitedResources.All.Single(r => r.Resource == resource).What;
        await turn.TellAsync(
            EventTypes.ResourceLimitUpdate,
            EventLevel.Info,
            EventState.Completed,
            row.Maximum < 0 ? $"The {who} may have any number of {what}" : $"The {who} may have {row.Maximum} {what}",
            caller.AccountId,
            caller.UserId,
            type,
            id,
            name,
            null,
            cancellationToken);
        return new Outcome<Success>.Done(Success.Value);
    }

    private static Outcome<Success> Refused(ApiFault fault) => new Outcome<Success>.Refused(fault);
}
