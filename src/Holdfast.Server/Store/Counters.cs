using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Store;

/// <summary>Numbers that are given out once. A number taken by a transaction that was rolled back is given out again.</summary>
internal static class Counters
{
    /// <summary>Number of a VM, in its instance name.</summary>
    public const string VmNumber = "vm-number";

    /// <summary>Number of an account, in instance names.</summary>
    public const string AccountNumber = "account-number";

    /// <summary>Takes the next numbers. Locks the counter until the transaction ends.</summary>
    /// <returns>The last of them.</returns>
    public static async Task<long> AddAsync(StoreConnection db, string name, int count, CancellationToken cancellationToken)
    {
        await db.Counters.Where(c => c.Name == name).Set(c => c.Value, c => c.Value + count).UpdateAsync(cancellationToken);
        return await db.Counters.Where(c => c.Name == name).Select(c => c.Value).SingleAsync(cancellationToken);
    }
}
