using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>
/// Projects: accounts without users of their own, whose resources others share. A project that the caller is not in, and does not look after, does not exist for the caller; who is in
/// it without owning it uses it and does not change it (531).
/// </summary>
internal interface IProjectOperations
{
    /// <summary>createProject. 431 a name that will not do or is taken in the domain; 531 users may not, the owner has ended; 535 the owner owns as many as it may.</summary>
    /// <param name="caller">Who asks, making it for the account that will own it.</param>
    /// <param name="request">What.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<JobOutcome> CreateAsync(Caller caller, CreateProject request, CancellationToken cancellationToken);

    /// <summary>updateProject. 431 unknown project, a name that is taken, a new owner who is not in it, the only owner would be none any more; 535 the new owner owns as many as it may.</summary>
    Task<JobOutcome> UpdateAsync(Caller caller, UpdateProject request, CancellationToken cancellationToken);

    /// <summary>activateProject: things can be made and started again in it. Idempotent. Nothing that was stopped is started.</summary>
    Task<JobOutcome> ActivateAsync(Caller caller, ProjectId id, CancellationToken cancellationToken);

    /// <summary>suspendProject: nothing can be made or started in it, its VMs are stopped. The job ends when none of its guests can run. Idempotent.</summary>
    Task<JobOutcome> SuspendAsync(Caller caller, ProjectId id, CancellationToken cancellationToken);

    /// <summary>deleteProject: all it has ends as an account's does. 431 unknown project; 536 there is something in it and it is not to be cleaned up, a VM is protected.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="id">Which.</param>
    /// <param name="cleanUp">Whether what it has is deleted.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<JobOutcome> DeleteAsync(Caller caller, ProjectId id, bool cleanUp, CancellationToken cancellationToken);

    /// <summary>addAccountToProject. Idempotent. 431 unknown project, one that is not active, an account that is not in its domain, or is in it with the other role; 535 it owns as many as it may.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="id">Which project.</param>
    /// <param name="account">The name of the account.</param>
    /// <param name="owns">Whether it owns the project; null: as it is, and not when it is new.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<JobOutcome> AddAccountAsync(Caller caller, ProjectId id, string account, bool? owns, CancellationToken cancellationToken);

    /// <summary>deleteAccountFromProject. 431 unknown project, an account that is not in it, or is its only owner.</summary>
    Task<JobOutcome> RemoveAccountAsync(Caller caller, ProjectId id, string account, CancellationToken cancellationToken);

    /// <summary>addUserToProject: the user alone, and not the others of the account. As <see cref="AddAccountAsync"/>; 431 also one whose account is in it.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="id">Which project.</param>
    /// <param name="user">The name of the user.</param>
    /// <param name="owns">Whether the user owns the project; null: as it is, and not when it is new.</param>
    /// <param name="cancellationToken">The request ended.</param>
    Task<JobOutcome> AddUserAsync(Caller caller, ProjectId id, string user, bool? owns, CancellationToken cancellationToken);

    /// <summary>deleteUserFromProject. 431 unknown project, a user who is not in it, or is its only owner.</summary>
    Task<JobOutcome> RemoveUserAsync(Caller caller, ProjectId id, UserId user, CancellationToken cancellationToken);
}

/// <summary>A new project.</summary>
internal sealed record CreateProject
{
    /// <summary>Its name; unique in its domain, whatever its case.</summary>
    public required string Name { get; init; }

    /// <summary>What it is for; null: its name.</summary>
    public string? DisplayText { get; init; }

    /// <summary>The user who is to own it alone; null: the account.</summary>
    public UserId? Owner { get; init; }
}

/// <summary>What to change of a project; null leaves a field.</summary>
internal sealed record UpdateProject
{
    /// <summary>Which.</summary>
    public required ProjectId Id { get; init; }

    /// <summary>Another name.</summary>
    public string? Name { get; init; }

    /// <summary>What it is for.</summary>
    public string? DisplayText { get; init; }

    /// <summary>The name of an account in it whose role changes; not together with a user.</summary>
    public string? Account { get; init; }

    /// <summary>A user who is in it alone, whose role changes.</summary>
    public UserId? User { get; init; }

    /// <summary>Whether that account or user owns it from now on; null: it does, and its one owner of before does not any more.</summary>
    public bool? Owns { get; init; }
}
