using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>The kinds of job about domains, accounts, projects and users.</summary>
internal static class AccountJobs
{
    /// <summary>Nobody can use the account, and none of its guests runs.</summary>
    public static JobKind DisableAccount { get; } = new(nameof(DisableAccount));

    /// <summary>The account is gone with all it had; what backends still hold is owed.</summary>
    public static JobKind DeleteAccount { get; } = new(nameof(DeleteAccount));

    /// <summary>Nobody can be the user.</summary>
    public static JobKind DisableUser { get; } = new(nameof(DisableUser));

    /// <summary>The keys are not taken any more.</summary>
    public static JobKind DeleteUserKeys { get; } = new(nameof(DeleteUserKeys));

    /// <summary>The domain is gone with all accounts and domains in it.</summary>
    public static JobKind DeleteDomain { get; } = new(nameof(DeleteDomain));

    /// <summary>The project is there.</summary>
    public static JobKind CreateProject { get; } = new(nameof(CreateProject));

    /// <summary>The project is changed.</summary>
    public static JobKind UpdateProject { get; } = new(nameof(UpdateProject));

    /// <summary>Things can be made and started again in the project.</summary>
    public static JobKind ActivateProject { get; } = new(nameof(ActivateProject));

    /// <summary>None of the project's guests runs, and nothing can be made in it.</summary>
    public static JobKind SuspendProject { get; } = new(nameof(SuspendProject));

    /// <summary>The project is gone with all it had; what backends still hold is owed.</summary>
    public static JobKind DeleteProject { get; } = new(nameof(DeleteProject));

    /// <summary>The account is in the project.</summary>
    public static JobKind AddAccountToProject { get; } = new(nameof(AddAccountToProject));

    /// <summary>The account is not in the project any more.</summary>
    public static JobKind DeleteAccountFromProject { get; } = new(nameof(DeleteAccountFromProject));

    /// <summary>The user is in the project.</summary>
    public static JobKind AddUserToProject { get; } = new(nameof(AddUserToProject));

    /// <summary>The user is not in the project any more.</summary>
    public static JobKind DeleteUserFromProject { get; } = new(nameof(DeleteUserFromProject));

    /// <summary>The kinds.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(DisableAccount, "ACCOUNT.DISABLE", "org.apache.cloudstack.api.command.admin.account.DisableAccountCmd"),
        new(DeleteAccount, "ACCOUNT.DELETE", "org.apache.cloudstack.api.command.admin.account.DeleteAccountCmd") { EndsObject = true },
        new(DisableUser, "USER.DISABLE", "org.apache.cloudstack.api.command.admin.user.DisableUserCmd"),
        new(DeleteUserKeys, "DELETE.USER.KEY", "org.apache.cloudstack.api.command.admin.user.DeleteUserKeysCmd") { EndsObject = true },
        new(DeleteDomain, "DOMAIN.DELETE", "org.apache.cloudstack.api.command.admin.domain.DeleteDomainCmd") { EndsObject = true },
        new(CreateProject, "PROJECT.CREATE", "org.apache.cloudstack.api.command.user.project.CreateProjectCmd"),
        new(UpdateProject, "PROJECT.UPDATE", "org.apache.cloudstack.api.command.user.project.UpdateProjectCmd"),
        new(ActivateProject, "PROJECT.ACTIVATE", "org.apache.cloudstack.api.command.user.project.ActivateProjectCmd"),
        new(SuspendProject, "PROJECT.SUSPEND", "org.apache.cloudstack.api.command.user.project.SuspendProjectCmd"),
        new(DeleteProject, "PROJECT.DELETE", "org.apache.cloudstack.api.command.user.project.DeleteProjectCmd") { EndsObject = true },
        new(AddAccountToProject, "PROJECT.ACCOUNT.ADD", "org.apache.cloudstack.api.command.user.account.AddAccountToProjectCmd") { EndsObject = true },
        new(DeleteAccountFromProject, "PROJECT.ACCOUNT.REMOVE", "org.apache.cloudstack.api.command.user.account.DeleteAccountFromProjectCmd") { EndsObject = true },
        new(AddUserToProject, "PROJECT.USER.ADD", "org.apache.cloudstack.api.command.user.account.AddUserToProjectCmd") { EndsObject = true },
        new(DeleteUserFromProject, "PROJECT.USER.REMOVE", "org.apache.cloudstack.api.command.user.account.DeleteUserFromProjectCmd") { EndsObject = true },
    ];
}
