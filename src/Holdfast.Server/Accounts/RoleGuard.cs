using Holdfast.Core.Ids;
using Holdfast.Server.Api.Authentication;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>
/// Nobody gives, or gets hold of, rights beyond their own: who has a role with rules acts only upon roles, accounts and users that may nothing which the caller may not. What types
/// may act upon what is checked by the operations (<see cref="AccountReach"/>).
/// </summary>
internal static class RoleGuard
{
    /// <summary>Why a role cannot be given; null: nothing in its rights is in the way.</summary>
    public static async Task<ApiError?> WhyNotAsync(CommandCall call, RoleId id, CancellationToken cancellationToken)
    {
        if (call.Caller.Rules is null || id == call.Caller.RoleId)
        {
            return null;
        }

        var (role, rules) = await call.Services.Database.ReadAsync(
            async (db, ct) => (
                await db.Roles.FirstOrDefaultAsync(r => r.Id == id && r.Removed == null, ct),
                await db.RolePermissions.Where(p => p.RoleId == id).OrderBy(p => p.Position).ToListAsync(ct)),
            cancellationToken);
        if (role is null)
        {
            return null;
        }

        var (type, allowed) = (UserDirectory.RoleOf(role.Type), role.Number is null ? new RoleRules(rules) : null);
        var beyond = call.Services.Commands.All.FirstOrDefault(c => RoleRules.Permit(c, type, allowed) && !call.Caller.May(c));
        return beyond is null
            ? null
            : new ApiError(531, ApiErrorCodes.PermissionDenied, $"The role {role.Name} ({role.Id}) may more than the caller's own, such as {beyond.Name}");
    }

    /// <summary>Why an account cannot be acted upon; null: nothing in its rights is in the way.</summary>
    public static async Task<ApiError?> WhyNotAsync(CommandCall call, AccountId id, CancellationToken cancellationToken) =>
        call.Caller.Rules is null || id == call.Caller.AccountId
            ? null
            : await call.Services.Database.ReadAsync((db, ct) => db.Accounts.Where(a => a.Id == id).Select(a => (RoleId?)a.RoleId).FirstOrDefaultAsync(ct), cancellationToken) is { } role
                ? await WhyNotAsync(call, role, cancellationToken)
                : null;

    /// <summary>Why a domain cannot be deleted with all accounts in it; null: nothing in their rights is in the way.</summary>
    public static async Task<ApiError?> WhyNotAsync(CommandCall call, DomainId id, CancellationToken cancellationToken)
    {
        if (call.Caller.Rules is null)
        {
            return null;
        }

        var roles = await call.Services.Database.ReadAsync(
            (db, ct) => (from top in db.Domains
                         from domain in db.Domains
                         join account in db.Accounts on domain.Id equals account.DomainId
                         where top.Id == id && domain.Removed == null && (domain.Id == top.Id || domain.Path.StartsWith(top.Path + "/")) && account.Removed == null
                         select account.RoleId).Distinct().ToListAsync(ct),
            cancellationToken);
        foreach (var role in roles)
        {
            if (await WhyNotAsync(call, role, cancellationToken) is { } beyond)
            {
                return beyond;
            }
        }

        return null;
    }

    /// <summary>Why a user cannot be acted upon; null: nothing in its rights is in the way.</summary>
    public static async Task<ApiError?> WhyNotAsync(CommandCall call, UserId id, CancellationToken cancellationToken) =>
        call.Caller.Rules is null || id == call.Caller.UserId
            ? null
            : await call.Services.Database.ReadAsync((db, ct) => db.Users.Where(u => u.Id == id).Select(u => (AccountId?)u.AccountId).FirstOrDefaultAsync(ct), cancellationToken) is { } account
                ? await WhyNotAsync(call, account, cancellationToken)
                : null;
}
