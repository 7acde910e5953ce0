using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <inheritdoc/>
internal sealed class RoleOperations : IRoleOperations
{
    private const int MaxRules = 2000;

    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public RoleOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<RoleId>> CreateAsync(Caller caller, string name, int? type, RoleId? copyOf, string? description, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<RoleId>>(
        async (turn, ct) =>
        {
            var db = turn.Db;
            var source = copyOf is { } from ? await db.Roles.FirstOrDefaultAsync(r => r.Id == from && r.Removed == null, ct) : null;
            if (copyOf is not null && source is null)
            {
                return new Outcome<RoleId>.Refused(Faults.NoSuchEntity("createRole", "roleid", copyOf));
            }

            if ((type ?? source?.Type) is not { } kind)
            {
                return new Outcome<RoleId>.Refused(Faults.Invalid("Either the type of the new role or the role to copy must be sent: type, roleid"));
            }

            if (source is not null && source.Type != kind)
            {
                return new Outcome<RoleId>.Refused(Faults.Invalid($"Role {source.Name} ({source.Id}), which is to be copied, is of another type"));
            }

            if (await NameFaultAsync(db, name, null, ct) is { } fault)
            {
                return new Outcome<RoleId>.Refused(fault);
            }

            var role = new RoleRow { Id = new RoleId(turn.NewId()), Name = name, Type = kind, Description = description, Created = turn.Now };
            await db.InsertAsync(role, token: ct);

            // What a default role may, the command table says: a copy of it may all that its type may, until rules say otherwise.
            List<RolePermissionRow> rules = source switch
            {
                null => [],
                { Number: not null } => [new RolePermissionRow { Id = new RolePermissionId(turn.NewId()), RoleId = role.Id, Rule = "*", Allows = true, Position = 0 }],
                _ => (await db.RolePermissions.Where(p => p.RoleId == source.Id).OrderBy(p => p.Position).ToListAsync(ct))
                    .ConvertAll(p => p with { Id = new RolePermissionId(turn.NewId()), RoleId = role.Id }),
            };
            await db.InsertAllAsync(rules, ct);
            await TellAsync(turn, caller, EventTypes.RoleCreate, $"Created role {role.Name} ({role.Id})", role, ct);
            return new Outcome<RoleId>.Done(role.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<RoleId>> UpdateAsync(Caller caller, RoleId id, string? name, int? type, string? description, CancellationToken cancellationToken) => OnRoleAsync<RoleId>(
        "updateRole",
        "id",
        id,
        async (turn, role, ct) =>
        {
            if (name is not null && await NameFaultAsync(turn.Db, name, id, ct) is { } fault)
            {
                return new Outcome<RoleId>.Refused(fault);
            }

            if (type is { } wanted && wanted != role.Type && await turn.Db.Accounts.AnyAsync(a => a.RoleId == id && a.Removed == null, ct))
            {
                return new Outcome<RoleId>.Refused(Faults.Invalid($"Accounts have the role {role.Name} ({role.Id}): its type stays"));
            }

            var changed = role with { Name = name ?? role.Name, Type = type ?? role.Type, Description = description ?? role.Description };
            await turn.Db.UpdateAsync(changed, token: ct);
            await TellAsync(turn, caller, EventTypes.RoleUpdate, $"Changed role {changed.Name} ({id})", changed, ct);
            return new Outcome<RoleId>.Done(id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, RoleId id, CancellationToken cancellationToken) => OnRoleAsync<Success>(
        "deleteRole",
        "id",
        id,
        async (turn, role, ct) =>
        {
            var users = await turn.Db.Accounts.CountAsync(a => a.RoleId == id && a.Removed == null, ct);
            if (users > 0)
            {
                return new Outcome<Success>.Refused(Faults.Runtime($"The role {role.Name} ({role.Id}) is that of {users} accounts"));
            }

            await turn.Db.UpdateAsync(role with { Removed = turn.Now }, token: ct);
            await turn.Db.RolePermissions.Where(p => p.RoleId == id).DeleteAsync(ct);
            await TellAsync(turn, caller, EventTypes.RoleDelete, $"Deleted role {role.Name} ({id})", role, ct);
            return Done;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<RolePermissionId>> AddRuleAsync(Caller caller, RoleId id, string rule, bool allows, string? description, CancellationToken cancellationToken) => OnRoleAsync<RolePermissionId>(
        "createRolePermission",
        "roleid",
        id,
        async (turn, role, ct) =>
        {
            if (rule.Length is 0 or > 100 || !rule.All(c => char.IsAsciiLetterOrDigit(c) || c == '*'))
            {
                return new Outcome<RolePermissionId>.Refused(Faults.Invalid($"A rule is the name of a command, or a part of one with stars for the rest: {rule}"));
            }

            var rules = await turn.Db.RolePermissions.Where(p => p.RoleId == id).Select(p => new { p.Rule, p.Position }).ToListAsync(ct);
            if (rules.Exists(r => r.Rule.Equals(rule, StringComparison.OrdinalIgnoreCase)))
            {
                return new Outcome<RolePermissionId>.Refused(Faults.Invalid($"The role {role.Name} ({role.Id}) has the rule {rule} already"));
            }

            if (rules.Count >= MaxRules)
            {
                return new Outcome<RolePermissionId>.Refused(Faults.Invalid($"The role {role.Name} ({role.Id}) has {MaxRules} rules, which is the most"));
            }

            var row = new RolePermissionRow
            {
                Id = new RolePermissionId(turn.NewId()),
                RoleId = id,
                Rule = rule,
                Allows = allows,
                Description = description,
                Position = rules.Select(r => r.Position + 1).DefaultIfEmpty(0).Max(),
            };
            await turn.Db.InsertAsync(row, token: ct);
            await TellAsync(turn, caller, EventTypes.RolePermissionCreate, $"Role {role.Name} ({id}) {(allows ? "allows" : "denies")} {rule}", role, ct);
            return new Outcome<RolePermissionId>.Done(row.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> ChangeRuleAsync(Caller caller, RoleId id, RolePermissionId rule, bool allows, CancellationToken cancellationToken) => OnRoleAsync<Success>(
        "updateRolePermission",
        "roleid",
        id,
        async (turn, role, ct) =>
        {
            var row = await turn.Db.RolePermissions.FirstOrDefaultAsync(p => p.Id == rule && p.RoleId == id, ct);
            if (row is null)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("updateRolePermission", "ruleid", rule));
            }

            await turn.Db.UpdateAsync(row with { Allows = allows }, token: ct);
            await TellAsync(turn, caller, EventTypes.RolePermissionUpdate, $"Role {role.Name} ({id}) {(allows ? "allows" : "denies")} {row.Rule}", role, ct);
            return Done;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> OrderRulesAsync(Caller caller, RoleId id, IReadOnlyList<RolePermissionId> order, CancellationToken cancellationToken) => OnRoleAsync<Success>(
        "updateRolePermission",
        "roleid",
        id,
        async (turn, role, ct) =>
        {
            var rows = await turn.Db.RolePermissions.Where(p => p.RoleId == id).ToListAsync(ct);
            if (order.Count != rows.Count || !order.ToHashSet().SetEquals(rows.Select(r => r.Id)))
            {
                return new Outcome<Success>.Refused(Faults.Invalid($"Parameter ruleorder must name each of the {rows.Count} rules of the role {role.Name} ({role.Id}) once"));
            }

            var byId = rows.ToDictionary(r => r.Id);
            for (var position = 0; position < order.Count; position++)
            {
                if (byId[order[position]] is var row && row.Position != position)
                {
                    await turn.Db.UpdateAsync(row with { Position = position }, token: ct);
                }
            }

            await TellAsync(turn, caller, EventTypes.RolePermissionUpdate, $"Another order of the rules of role {role.Name} ({id})", role, ct);
            return Done;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteRuleAsync(Caller caller, RolePermissionId id, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var row = await turn.Db.RolePermissions.FirstOrDefaultAsync(p => p.Id == id, ct);
            if (row is null)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteRolePermission", "id", id));
            }

            var role = await turn.Db.Roles.SingleAsync(r => r.Id == row.RoleId, ct);
            await turn.Db.RolePermissions.Where(p => p.Id == id).DeleteAsync(ct);
            await TellAsync(turn, caller, EventTypes.RolePermissionDelete, $"Role {role.Name} ({role.Id}) has no rule {row.Rule} any more", role, ct);
            return Done;
        },
        cancellationToken);

    private static Outcome<Success> Done => new Outcome<Success>.Done(Success.Value);

    private static async Task<ApiFault?> NameFaultAsync(StoreConnection db, string name, RoleId? except, CancellationToken cancellationToken)
    {
        if (AccountOperations.NameFault("role", name) is { } bad)
        {
            return bad;
        }

        var lower = name.ToLowerInvariant();
        return await db.Roles.AnyAsync(r => r.Removed == null && r.Name.ToLower() == lower && (except == null || r.Id != except), cancellationToken)
            ? Faults.Invalid($"A role named {name} already exists")
            : null;
    }

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, RoleRow role, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.Role, role.Id.Value, role.Name, null, cancellationToken);

    private Task<Outcome<T>> OnRoleAsync<T>(string command, string parameter, RoleId id, Func<Turn, RoleRow, CancellationToken, Task<Outcome<T>>> work, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) => await turn.Db.Roles.FirstOrDefaultAsync(r => r.Id == id && r.Removed == null, ct) switch
        {
            null => new Outcome<T>.Refused(Faults.NoSuchEntity(command, parameter, id)),
            { Number: not null } role => new Outcome<T>.Refused(Faults.Invalid($"The default role {role.Name} ({role.Id}) cannot be changed; make a copy of it: createRole roleid={role.Id}")),
            { } role => await work(turn, role, ct),
        },
        cancellationToken);
}
