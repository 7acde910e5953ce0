using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Store;

/// <summary>Numbers that are given out once. A number taken by a transaction that was rolled back is given out again.</summary>
internal static class Counters
{
    /// <summary>Number of a VM, in its instance name.</summary>
    public const string VmNumber = "vm-number";

    /// <summary>Takes the next number. Locks the counter until the transaction ends.</summary>
    public static async Task<long> NextAsync(StoreConnection db, string name, CancellationToken cancellationToken)
    {
        await db.Counters.Where(c => c.Name == name).Set(c => c.Value, c => c.Value + 1).UpdateAsync(cancellationToken);
        return await db.Counters.Where(c => c.Name == name).Select(c => c.Value).SingleAsync(cancellationToken);
    }
}
