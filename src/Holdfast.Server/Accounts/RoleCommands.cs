using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Accounts;

/// <summary>Commands about roles and their rules.</summary>
internal static class RoleCommands
{
    private const string Key = "role";
    private const string RuleKey = "rolepermission";

    private static readonly ValueParameter<RoleId> FilterRole = RoleIdOf("id", "the id of the role", required: false);
    private static readonly TextParameter FilterName = Text("name", "the exact name, whatever its case");
    private static readonly TextParameter FilterType = Text("type", "the type: Admin, DomainAdmin, User");
    private static readonly ValueParameter<RoleId> OwnRole = RoleIdOf("id", "the id of the role", required: true);
    private static readonly ValueParameter<RoleId> OfRole = RoleIdOf("roleid", "the id of the role", required: true);
    private static readonly ValueParameter<RoleId> CopyOf = RoleIdOf("roleid", "the role whose rules the new one gets; or type", required: false);
    private static readonly TextParameter NewName = Text("name", "the name of the role, unique", required: true);
    private static readonly TextParameter OtherName = Text("name", "another name, unique");
    private static readonly TextParameter Type = Text("type", "the type: Admin, DomainAdmin, User; it is the most that the role may");
    private static readonly TextParameter Description = Text("description", "what the role is for");
    private static readonly ValueParameter<bool> IsPublic = Bool("ispublic", "whether all may see it", noEffect: "roles are for administrators");
    private static readonly TextParameter Rule = Text("rule", "the name of a command; stars stand for any part of one", required: true);
    private static readonly TextParameter Permission = Text("permission", "allow or deny", required: true);
    private static readonly TextParameter OtherPermission = Text("permission", "allow or deny, of the rule named by ruleid");
    private static readonly TextParameter RuleDescription = Text("description", "why the rule is there");
    private static readonly ValueParameter<RolePermissionId> OwnRule = Id<RolePermissionId>("id", "the id of the rule", required: true);
    private static readonly ValueParameter<RolePermissionId> ChangedRule = Id<RolePermissionId>("ruleid", "the id of the rule that is changed");
    private static readonly ListParameter<RolePermissionId> RuleOrder = Ids<RolePermissionId>("ruleorder", "the ids of all rules in their new order");

    /// <summary>The role of an account that is made or changed.</summary>
    public static ValueParameter<RoleId> Role { get; } = RoleIdOf("roleid", "the id of the account's role; what its users may do", required: false);

    private static readonly View<RoleRow> View = Api.Commands.View<RoleRow>.Build(v => v
        .Id("id", "the id of the role", r => r.Id)
        .Text("name", "the name of the role", r => r.Name)
        .Text("type", "the type: Admin, DomainAdmin, User", r => TypeName(r.Type))
        .Text("description", "what the role is for", r => r.Description)
        .Text("state", "always enabled", _ => "enabled")
        .Bool("ispublic", "always true", _ => true)
        .Bool("isdefault", "true for the roles that the installation was made with", r => r.Number is not null)
        .Date("created", "when the role was made", r => r.Created));

    private static readonly View<RuleEntry> RuleView = Api.Commands.View<RuleEntry>.Build(v => v
        .OptionalId("id", "the id of the rule; a default role's rules are the command table and have none", e => e.Id)
        .Id("roleid", "the id of the role", e => e.Role.Id)
        .Text("rolename", "the name of the role", e => e.Role.Name)
        .Text("rule", "the name of a command; stars stand for any part of one", e => e.Rule)
        .Text("permission", "allow or deny; the first rule that names a command decides, and what none names is denied", e => e.Allows ? "allow" : "deny")
        .Text("description", "why the rule is there", e => e.Description));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listRoles",
            Description = "Lists roles",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [FilterRole, FilterName, FilterType, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "createRole",
            Description = "Makes a role: with no rule it may nothing, and with rules never more than its type may",
            Roles = Roles.RootAdmin,
            Parameters = [NewName, Type, CopyOf, Description, IsPublic],
            Response = ResponseShape.Of(Key, View),
            Handler = CreateAsync,
        },
        new()
        {
            Name = "updateRole",
            Description = "Changes a role",
            Roles = Roles.RootAdmin,
            Parameters = [OwnRole, OtherName, Type, Description, IsPublic],
            Response = ResponseShape.Of(Key, View),
            Handler = UpdateAsync,
        },
        new()
        {
            Name = "deleteRole",
            Description = "Deletes a role that no account has",
            Roles = Roles.RootAdmin,
            Parameters = [OwnRole],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => WhyNotChange(call, call.Require(OwnRole)) is { } beyond
                ? beyond
                : (await call.Services.Of<IRoleOperations>().DeleteAsync(call.Caller.ForOperations, call.Require(OwnRole), ct)).ToResult(),
        },
        new()
        {
            Name = "listRolePermissions",
            Description = "Lists the rules of roles, in their order",
            Roles = Roles.RootAdmin,
            Parameters = [RoleIdOf("roleid", "the id of the role; all that somebody made when it is not sent", required: false), .. CommonParameters.List],
            Response = ResponseShape.Of(RuleKey, RuleView),
            Handler = ListRulesAsync,
        },
        new()
        {
            Name = "createRolePermission",
            Description = "Adds a rule to a role, after its others",
            Roles = Roles.RootAdmin,
            Parameters = [OfRole, Rule, Permission, RuleDescription],
            Response = ResponseShape.Of(RuleKey, RuleView),
            Handler = AddRuleAsync,
        },
        new()
        {
            Name = "updateRolePermission",
            Description = "Changes a rule of a role, or the order of all its rules",
            Roles = Roles.RootAdmin,
            Parameters = [OfRole, ChangedRule, OtherPermission, RuleOrder],
            Response = ResponseShape.Success,
            Handler = UpdateRuleAsync,
        },
        new()
        {
            Name = "deleteRolePermission",
            Description = "Takes a rule from a role",
            Roles = Roles.RootAdmin,
            Parameters = [OwnRule],
            Response = ResponseShape.Success,
            Handler = DeleteRuleAsync,
        },
    ];

    /// <summary>CloudStack's word for a type of role.</summary>
    public static string TypeName(int type) => type switch
    {
        1 => "Admin",
        2 => "DomainAdmin",
        _ => "User",
    };

    private static int? TypeOf(string? name) => name?.ToUpperInvariant() switch
    {
        "ADMIN" => 1,
        "DOMAINADMIN" => 2,
        "USER" => 0,
        _ => null,
    };

    // Old clients know the default roles by number.
    private static ValueParameter<RoleId> RoleIdOf(string name, string description, bool required) => new(
        name,
        "uuid",
        description,
        "a UUID",
        text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is 1 or 3 or 4 ? RoleRow.Default(number)
            : text == NoSuchEntity ? new RoleId(Guid.Empty)
            : Guid.TryParseExact(text, "D", out var id) && id != Guid.Empty ? new RoleId(id) : null,
        id => id.Value)
    {
        Entity = new EntityReference(typeof(RoleId), IsToChange: false),
        IsRequired = required,
    };

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterRole);
        var name = call.Get(FilterName)?.ToLowerInvariant();
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var type = TypeOf(call.Get(FilterType));
        if (type is null && call.Get(FilterType) is { } unknown)
        {
            return ApiError.InvalidParameter($"Invalid parameter type value={unknown}: it must be Admin, DomainAdmin or User");
        }

        var isRoot = call.Caller.IsRootAdmin;
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                db.Roles.Where(r => r.Removed == null
                        && (isRoot || r.Type != 1)
                        && (id == null || r.Id == id)
                        && (name == null || r.Name.ToLower() == name)
                        && (keyword == null || r.Name.ToLower().Contains(keyword))
                        && (type == null || r.Type == type))
                    .OrderBy(r => r.Created).ThenBy(r => r.Id),
                call.Page,
                ct),
            cancellationToken);
        return ApiResult.List(Key, View, listing.Rows, listing.Total);
    }

    private static async Task<ApiResult> CreateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(Type) is { } text && TypeOf(text) is null)
        {
            return ApiError.InvalidParameter($"Invalid parameter type value={text}: it must be Admin, DomainAdmin or User");
        }

        if (call.Caller.Rules is not null)
        {
            return new ApiError(531, ApiErrorCodes.PermissionDenied, $"Roles, such as {call.Require(NewName)}, are made by administrators whose own role has no rules");
        }

        return await (await call.Services.Of<IRoleOperations>().CreateAsync(
            call.Caller.ForOperations, call.Require(NewName), TypeOf(call.Get(Type)), call.Get(CopyOf), call.Get(Description), cancellationToken)).ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> UpdateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (call.Get(Type) is { } text && TypeOf(text) is null)
        {
            return ApiError.InvalidParameter($"Invalid parameter type value={text}: it must be Admin, DomainAdmin or User");
        }

        return WhyNotChange(call, call.Require(OwnRole)) is { } beyond
            ? beyond
            : await (await call.Services.Of<IRoleOperations>().UpdateAsync(
                call.Caller.ForOperations, call.Require(OwnRole), call.Get(OtherName), TypeOf(call.Get(Type)), call.Get(Description), cancellationToken)).ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> ListRulesAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var parameter = (ValueParameter<RoleId>)call.Command.Parameters[0];
        var wanted = call.Get(parameter);
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        return await call.Services.Database.ReadAsync(
            async (db, ct) =>
            {
                if (wanted is { } id && await db.Roles.FirstOrDefaultAsync(r => r.Id == id && r.Number != null, ct) is { } fixedRole)
                {
                    var type = UserDirectory.RoleOf(fixedRole.Type);
                    var permitted = call.Services.Commands.All
                        .Where(c => RoleRules.Permit(c, type, null) && (keyword is null || c.Name.Contains(keyword, StringComparison.OrdinalIgnoreCase)))
                        .Select(c => new RuleEntry(null, fixedRole, c.Name, true, c.Description)).ToList();
                    return ApiResult.List(RuleKey, RuleView, [.. permitted.Skip(call.Page.Offset).Take(call.Page.Limit ?? permitted.Count)], permitted.Count);
                }

                var listing = await Listing.ReadAsync(
                    from rule in db.RolePermissions
                    join role in db.Roles on rule.RoleId equals role.Id
                    where (wanted == null || rule.RoleId == wanted) && (keyword == null || rule.Rule.ToLower().Contains(keyword))
                    orderby role.Created, role.Id, rule.Position
                    select new { Rule = rule, Role = role },
                    call.Page,
                    ct);
                return ApiResult.List(
                    RuleKey, RuleView, [.. listing.Rows.Select(r => new RuleEntry(r.Rule.Id, r.Role, r.Rule.Rule, r.Rule.Allows, r.Rule.Description))], listing.Total);
            },
            cancellationToken);
    }

    private static async Task<ApiResult> AddRuleAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (Allows(call.Require(Permission)) is not { } allows)
        {
            return BadPermission(call.Require(Permission));
        }

        if (WhyNotChange(call, call.Require(OfRole)) is { } beyond)
        {
            return beyond;
        }

        var outcome = await call.Services.Of<IRoleOperations>().AddRuleAsync(
            call.Caller.ForOperations, call.Require(OfRole), call.Require(Rule), allows, call.Get(RuleDescription), cancellationToken);
        return await outcome.ToResultAsync(async id =>
        {
            var (rule, role) = await call.Services.Database.ReadAsync(
                async (db, ct) =>
                {
                    var row = await db.RolePermissions.SingleAsync(p => p.Id == id, ct);
                    return (row, await db.Roles.SingleAsync(r => r.Id == row.RoleId, ct));
                },
                cancellationToken);
            return ApiResult.Object(RuleKey, RuleView, new RuleEntry(rule.Id, role, rule.Rule, rule.Allows, rule.Description));
        });
    }

    private static async Task<ApiResult> UpdateRuleAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (role, rule, permission, order) = (call.Require(OfRole), call.Get(ChangedRule), call.Get(OtherPermission), call.Get(RuleOrder));
        var isChange = rule is not null && permission is not null && order is null;
        if (!isChange && (order is null || rule is not null || permission is not null))
        {
            return ApiError.InvalidParameter("Send either ruleorder, or ruleid and permission");
        }

        if (WhyNotChange(call, role) is { } beyond)
        {
            return beyond;
        }

        var operations = call.Services.Of<IRoleOperations>();
        if (order is not null)
        {
            return (await operations.OrderRulesAsync(call.Caller.ForOperations, role, order, cancellationToken)).ToResult();
        }

        return Allows(permission!) is { } allows
            ? (await operations.ChangeRuleAsync(call.Caller.ForOperations, role, rule!.Value, allows, cancellationToken)).ToResult()
            : BadPermission(permission!);
    }

    private static async Task<ApiResult> DeleteRuleAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(OwnRule);
        var role = await call.Services.Database.ReadAsync((db, ct) => db.RolePermissions.Where(p => p.Id == id).Select(p => (RoleId?)p.RoleId).FirstOrDefaultAsync(ct), cancellationToken);
        return role is { } named && WhyNotChange(call, named) is { } beyond
            ? beyond
            : (await call.Services.Of<IRoleOperations>().DeleteRuleAsync(call.Caller.ForOperations, id, cancellationToken)).ToResult();
    }

    // A rule can be all that keeps a role from something, so that who has rules could set themselves or others free of them.
    private static ApiError? WhyNotChange(CommandCall call, RoleId role) => call.Caller.Rules is null
        ? null
        : new ApiError(531, ApiErrorCodes.PermissionDenied, $"Roles, such as {role}, are changed by administrators whose own role has no rules");

    private static bool? Allows(string permission) => permission.ToUpperInvariant() switch
    {
        "ALLOW" => true,
        "DENY" => false,
        _ => null,
    };

    private static ApiError BadPermission(string permission) => ApiError.InvalidParameter($"Invalid parameter permission value={permission}: it must be allow or deny");

    private static async Task<ApiResult> ShowAsync(CommandCall call, RoleId id, CancellationToken cancellationToken) =>
        ApiResult.Object(Key, View, await call.Services.Database.ReadAsync((db, ct) => db.Roles.SingleAsync(r => r.Id == id, ct), cancellationToken));

    private sealed record RuleEntry(RolePermissionId? Id, RoleRow Role, string Rule, bool Allows, string? Description);
}
