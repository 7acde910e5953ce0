using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Api.Authentication;

/// <summary>Who asks, as established by a signature or a session.</summary>
internal sealed record ApiCaller
{
    /// <summary>The user.</summary>
    public required UserId UserId { get; init; }

    /// <summary>The user's name, for texts.</summary>
    public required string UserName { get; init; }

    /// <summary>The account that owns what the user makes.</summary>
    public required AccountId AccountId { get; init; }

    /// <summary>The account's name.</summary>
    public required string AccountName { get; init; }

    /// <summary>The account's domain.</summary>
    public required DomainId DomainId { get; init; }

    /// <summary>The domain's path, <c>ROOT</c> or <c>ROOT/a/b</c>.</summary>
    public required string DomainPath { get; init; }

    /// <summary>What the account may do.</summary>
    public required Roles Role { get; init; }

    /// <summary>The account's role.</summary>
    public required RoleId RoleId { get; init; }

    /// <summary>Its rules; null: a default role, which may all that <see cref="Role"/> may.</summary>
    public RoleRules? Rules { get; init; }

    /// <summary>Whether the user has a second factor that counts.</summary>
    public bool HasFactor { get; init; }

    /// <summary>Whether the caller may use a command.</summary>
    public bool May(ApiCommand command) => RoleRules.Permit(command, Role, Rules);

    /// <summary>Whether the caller sees everything.</summary>
    public bool IsRootAdmin => Role == Roles.RootAdmin;

    /// <summary>The caller as operations know it.</summary>
    public Caller ForOperations => new(UserId, UserName, AccountId, DomainId, IsRootAdmin) { Administers = Role == Roles.DomainAdmin ? DomainPath : null };
}
