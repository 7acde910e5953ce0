using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;

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

    /// <summary>The account's role.</summary>
    public required RoleRow Role { get; init; }

    /// <summary>The newest API key; null: the user has none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Whether everybody has to have a second factor.</summary>
    public bool IsFactorMandated { get; init; }

    /// <summary>Whether the viewer may see the API key.</summary>
    public bool ShowKey { get; init; }

    /// <summary>Whether the user's domain is below the viewer's.</summary>
    public bool IsBelowCaller { get; init; }

    /// <summary>All users, those too that are gone.</summary>
    public static IQueryable<UserEntry> Query(StoreConnection db) => Query(db, db.Accounts);

    /// <summary>The users of some accounts, those too that are gone.</summary>
    public static IQueryable<UserEntry> Query(StoreConnection db, IQueryable<AccountRow> accounts) =>
        from user in db.Users
        join account in accounts on user.AccountId equals account.Id
        join domain in db.Domains on account.DomainId equals domain.Id
        join role in db.Roles on account.RoleId equals role.Id
        select new UserEntry
        {
            User = user,
            Account = account,
            Domain = domain,
            Role = role,
            ApiKey = db.UserKeys.Where(k => k.UserId == user.Id).OrderByDescending(k => k.Created).ThenByDescending(k => k.Id).Select(k => k.ApiKey).FirstOrDefault(),
            IsFactorMandated = db.Settings.Any(s => s.Name == SecondFactors.EnabledSetting && s.Value == "true") && db.Settings.Any(s => s.Name == SecondFactors.MandatedSetting && s.Value == "true"),
        };

    /// <summary>The same for a viewer.</summary>
    public UserEntry For(ApiCaller caller) => this with
    {
        ShowKey = caller.IsRootAdmin || caller.UserId == User.Id,
        IsBelowCaller = Domain.Path.StartsWith(caller.DomainPath + "/", StringComparison.Ordinal),
    };
}
