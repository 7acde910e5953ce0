using System.IO.Enumeration;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Api.Authentication;

/// <summary>The rules of a role that somebody made: the first that names a command decides, and what none names is denied. Immutable.</summary>
internal sealed class RoleRules
{
    private readonly IReadOnlyList<RolePermissionRow> _rules;

    /// <summary>Made for a caller.</summary>
    /// <param name="rules">The rules, in their order.</param>
    public RoleRules(IReadOnlyList<RolePermissionRow> rules) => _rules = rules;

    /// <summary>Whether the rules allow a command, whatever the case of its name.</summary>
    public bool Allow(string command) => _rules.FirstOrDefault(r => FileSystemName.MatchesSimpleExpression(r.Rule, command)) is { Allows: true };

    /// <summary>What users with a role may do: what their type may, and of that what the rules allow. A default role has none, and may all that its type may.</summary>
    /// <param name="command">A command.</param>
    /// <param name="type">The type of the role.</param>
    /// <param name="rules">Its rules; null: a default role.</param>
    public static bool Permit(ApiCommand command, Roles type, RoleRules? rules) => (command.Roles & type) != 0 && (rules is null || (command.Roles & Roles.Anonymous) != 0 || rules.Allow(command.Name));
}
