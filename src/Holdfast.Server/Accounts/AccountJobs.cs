using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>The kinds of job about domains, accounts and users.</summary>
internal static class AccountJobs
{
    /// <summary>Nobody can use the account, and none of its guests runs.</summary>
    public static JobKind DisableAccount { get; } = new(nameof(DisableAccount));

    /// <summary>The account is gone with all it had; what backends still hold is owed.</summary>
    public static JobKind DeleteAccount { get; } = new(nameof(DeleteAccount));

    /// <summary>Nobody can be the user.</summary>
    public static JobKind DisableUser { get; } = new(nameof(DisableUser));

    /// <summary>The domain is gone with all accounts and domains in it.</summary>
    public static JobKind DeleteDomain { get; } = new(nameof(DeleteDomain));

    /// <summary>The kinds.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(DisableAccount, "ACCOUNT.DISABLE", "org.apache.cloudstack.api.command.admin.account.DisableAccountCmd"),
        new(DeleteAccount, "ACCOUNT.DELETE", "org.apache.cloudstack.api.command.admin.account.DeleteAccountCmd") { EndsObject = true },
        new(DisableUser, "USER.DISABLE", "org.apache.cloudstack.api.command.admin.user.DisableUserCmd"),
        new(DeleteDomain, "DOMAIN.DELETE", "org.apache.cloudstack.api.command.admin.domain.DeleteDomainCmd") { EndsObject = true },
    ];
}
