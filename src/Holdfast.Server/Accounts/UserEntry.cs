using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Accounts;

/// <summary>A user with what is shown of its account and domain.</summary>
internal sealed record UserEntry
{
    /// <summary>The user.</summary>
    public required UserRow User { get; init; }

    /// <summary>Its account.</summary>
    public required AccountRow Account { get; init; }

    /// <summary>The account's domain.</summary>
    public required DomainRow Domain { get; init; }

    /// <summary>Whether the viewer may see the API key.</summary>
    public bool ShowKey { get; init; }

    /// <summary>Whether the user's domain is below the viewer's.</summary>
    public bool IsBelowCaller { get; init; }

    /// <summary>The same for a viewer.</summary>
    public UserEntry For(ApiCaller caller) => this with
    {
        ShowKey = caller.IsRootAdmin || caller.UserId == User.Id,
        IsBelowCaller = Domain.Path.StartsWith(caller.DomainPath + "/", StringComparison.Ordinal),
    };
}
