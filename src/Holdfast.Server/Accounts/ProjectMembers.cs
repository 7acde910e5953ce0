using Holdfast.Core.Ids;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>Who owns projects.</summary>
internal static class ProjectMembers
{
    private const int Named = 10;

    /// <summary>The projects that an account, by itself or by one of its users, or one user alone owns and that are not being deleted.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="account">The account; null: any.</param>
    /// <param name="user">The user; null: any, and accounts.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task<List<AccountRow>> OwnedAsync(StoreConnection db, AccountId? account, UserId? user, CancellationToken cancellationToken) => (
        from m in db.ProjectMembers
        join p in db.Accounts on m.ProjectId equals p.Id
        where m.Owns && p.Deleted == null && (account == null || m.AccountId == account) && (user == null || m.UserId == user)
        orderby p.Created, p.Id
        select p).ToListAsync(cancellationToken);

    /// <summary>Some of them by name.</summary>
    public static string NamesOf(IReadOnlyList<AccountRow> projects) =>
        string.Join(", ", projects.Take(Named).Select(p => $"{p.Name} ({p.Id})")) + (projects.Count > Named ? $" and {projects.Count - Named} more" : string.Empty);
}
