using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>VMs that must not be deleted keep their account and its domain.</summary>
internal static class ProtectedVms
{
    /// <summary>Why accounts cannot be deleted; null: none of their VMs is protected.</summary>
    public static async Task<ApiFault?> WhyNotAsync(StoreConnection db, IQueryable<AccountRow> accounts, CancellationToken cancellationToken)
    {
        var vms = db.Vms.Where(v => v.DeleteProtection && v.Removed == null && accounts.Any(a => a.Id == v.AccountId && a.Deleted == null));
        var named = await vms.OrderBy(v => v.Created).ThenBy(v => v.Id).Take(10).Select(v => new { v.Id, v.Name }).ToListAsync(cancellationToken);
        return named.Count == 0
            ? null
            : Faults.Runtime($"{await vms.CountAsync(cancellationToken)} VMs have delete protection enabled: {string.Join(", ", named.Select(v => $"{v.Name} ({v.Id})"))}");
    }
}
