using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Roles and their rules; for root administrators. The default roles are what the command table says and cannot be changed.</summary>
internal interface IRoleOperations
{
    /// <summary>createRole, with the rules of another one or none. 431 unknown role to copy, a name that is taken.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="name">Its name.</param>
    /// <param name="type">0 user, 1 root administrator, 2 domain administrator; null: that of the role that is copied.</param>
    /// <param name="copyOf">The role whose rules it gets.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<Outcome<RoleId>> CreateAsync(Caller caller, string name, int? type, RoleId? copyOf, string? description, CancellationToken cancellationToken);

    /// <summary>updateRole; null leaves a field. 431 unknown or default role, a name that is taken, another type while accounts have it.</summary>
    Task<Outcome<RoleId>> UpdateAsync(Caller caller, RoleId id, string? name, int? type, string? description, CancellationToken cancellationToken);

    /// <summary>deleteRole. 431 unknown or default role; 530 accounts have it.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, RoleId id, CancellationToken cancellationToken);

    /// <summary>createRolePermission: one more rule, after the others. 431 unknown or default role, no rule, one that it has.</summary>
    Task<Outcome<RolePermissionId>> AddRuleAsync(Caller caller, RoleId id, string rule, bool allows, string? description, CancellationToken cancellationToken);

    /// <summary>updateRolePermission: whether one rule allows or denies. 431 unknown or default role, a rule that is not the role's.</summary>
    Task<Outcome<Success>> ChangeRuleAsync(Caller caller, RoleId id, RolePermissionId rule, bool allows, CancellationToken cancellationToken);

    /// <summary>updateRolePermission: the order of all rules. 431 unknown or default role, not exactly the role's rules.</summary>
    Task<Outcome<Success>> OrderRulesAsync(Caller caller, RoleId id, IReadOnlyList<RolePermissionId> order, CancellationToken cancellationToken);

    /// <summary>deleteRolePermission. 431 unknown rule.</summary>
    Task<Outcome<Success>> DeleteRuleAsync(Caller caller, RolePermissionId id, CancellationToken cancellationToken);
}
