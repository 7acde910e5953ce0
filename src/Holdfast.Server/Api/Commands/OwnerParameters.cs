using Holdfast.Core.Ids;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Api.Commands;

/// <summary>Who will own what a command makes: the caller's own account, a project that the caller is in, or an account that an administrator names.</summary>
internal static class OwnerParameters
{
    private static readonly TextParameter Account = Text("account", "the account of the new resource, for administrators; the caller's own when it is not sent");
    private static readonly ValueParameter<DomainId> Domain = Id<DomainId>("domainid", "the domain of that account; the caller's own when it is not sent");

    /// <summary>The parameters.</summary>
    public static IReadOnlyList<ApiParameter> All { get; } = [Account, Domain, CommonParameters.Project];

    /// <summary>Whether a call names an owner.</summary>
    public static bool IsNamed(CommandCall call) => call.Get(Account) is not null || Ownership.ProjectOf(call) is not null;

    /// <summary>Finds the owner that a call names.</summary>
    /// <returns>The caller as operations know it, making things for the owner; or why not. An account that is not there and one that the caller may not see give the same error.</returns>
    public static async Task<(Caller? Maker, ApiError? Error)> ResolveAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var caller = call.Caller;
        var maker = caller.ForOperations;
        if (Ownership.ProjectOf(call) is { } project)
        {
            if (call.Get(Account) is not null)
            {
                return (null, ApiError.InvalidParameter($"Account and projectId can't be specified together: a resource of {call.Command.Name} has one owner"));
            }

            // The binder has found it; it may have gone since then.
            return await call.Services.Database.ReadAsync((db, ct) => maker.Accounts(db).FirstOrDefaultAsync(a => a.Id == project && a.Removed == null, ct), cancellationToken) is { } row
                ? (maker.For(row), null)
                : (null, call.UnknownEntity(CommonParameters.Project, project));
        }

        return await ResolveAccountAsync(call, call.Get(Account), call.Get(Domain), cancellationToken);
    }

    /// <summary>Finds the account that a call names as an owner, where no project can be one.</summary>
    /// <param name="call">The call.</param>
    /// <param name="name">The account's name; null: the caller's own.</param>
    /// <param name="domainId">Its domain; null: the caller's own.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public static async Task<(Caller? Maker, ApiError? Error)> ResolveAccountAsync(CommandCall call, string? name, DomainId? domainId, CancellationToken cancellationToken)
    {
        var caller = call.Caller;
        var maker = caller.ForOperations;
        var domain = domainId ?? caller.DomainId;
        var isOwn = (name is null || name.Equals(caller.AccountName, StringComparison.OrdinalIgnoreCase)) && domain == caller.DomainId;
        if (caller.Role == Roles.User && !isOwn)
        {
            return (null, new ApiError(531, ApiErrorCodes.PermissionDenied, $"Resources can be made for the caller's own account, and for projects that the caller is in, only ({caller.AccountName} in {caller.DomainPath})"));
        }

        if (isOwn)
        {
            return (maker, null);
        }

        if (name is null)
        {
            return (null, ApiError.InvalidParameter($"Parameter domainid of {call.Command.Name} names the domain of an account, which parameter account has to name"));
        }

        return await FindAsync(call, name, domain, cancellationToken) is { } owner ? (maker.For(owner), null) : (null, NotFound(name, domain));
    }

    /// <summary>Finds an account by its name among those that the caller may see. Projects are named by their ids.</summary>
    /// <param name="call">The call.</param>
    /// <param name="name">The name, whatever its case.</param>
    /// <param name="domain">Its domain.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public static Task<AccountRow?> FindAsync(CommandCall call, string name, DomainId domain, CancellationToken cancellationToken)
    {
        var lower = name.ToLowerInvariant();
        return call.Services.Database.ReadAsync(
            (db, ct) => call.Caller.ForOperations.AccountsAlone(db).FirstOrDefaultAsync(a => a.DomainId == domain && a.Removed == null && a.Name.ToLower() == lower, ct),
            cancellationToken);
    }

    /// <summary>The error of an account that <see cref="FindAsync"/> did not find.</summary>
    public static ApiError NotFound(string name, DomainId domain) => ApiError.InvalidParameter($"Unable to find account {name} in domain {domain}");
}
