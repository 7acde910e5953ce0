using Holdfast.Core.Ids;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Api.Commands;

/// <summary>Who will own what a command makes: the caller's own account, or one that an administrator names.</summary>
internal static class OwnerParameters
{
    private static readonly TextParameter Account = Text("account", "the account of the new resource, for administrators; the caller's own when it is not sent");
    private static readonly ValueParameter<DomainId> Domain = Id<DomainId>("domainid", "the domain of that account; the caller's own when it is not sent");

    /// <summary>The parameters.</summary>
    public static IReadOnlyList<ApiParameter> All { get; } = [Account, Domain, CommonParameters.Project];

    /// <summary>Whether a call names an owner.</summary>
    public static bool IsNamed(CommandCall call) => call.Get(Account) is not null;

    /// <summary>Finds the owner that a call names.</summary>
    /// <returns>The caller as operations know it, making things for the owner; or why not. An account that is not there and one that the caller may not see give the same error.</returns>
    public static async Task<(Caller? Maker, ApiError? Error)> ResolveAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var caller = call.Caller;
        var maker = caller.ForOperations;
        var (name, domain) = (call.Get(Account), call.Get(Domain) ?? caller.DomainId);
        var isOwn = (name is null || name.Equals(caller.AccountName, StringComparison.OrdinalIgnoreCase)) && domain == caller.DomainId;
        if ((call.Get(CommonParameters.Project) is { } project && project != NoSuchEntity) || (caller.Role == Roles.User && !isOwn))
        {
            return (null, new ApiError(531, ApiErrorCodes.PermissionDenied, $"Resources can be made for the caller's own account only ({caller.AccountName} in {caller.DomainPath})"));
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

    /// <summary>Finds an account by its name among those that the caller may see.</summary>
    /// <param name="call">The call.</param>
    /// <param name="name">The name, whatever its case.</param>
    /// <param name="domain">Its domain.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public static Task<AccountRow?> FindAsync(CommandCall call, string name, DomainId domain, CancellationToken cancellationToken)
    {
        var lower = name.ToLowerInvariant();
        return call.Services.Database.ReadAsync(
            (db, ct) => call.Caller.ForOperations.Accounts(db).FirstOrDefaultAsync(a => a.DomainId == domain && a.Removed == null && a.Name.ToLower() == lower, ct),
            cancellationToken);
    }

    /// <summary>The error of an account that <see cref="FindAsync"/> did not find.</summary>
    public static ApiError NotFound(string name, DomainId domain) => ApiError.InvalidParameter($"Unable to find account {name} in domain {domain}");
}
