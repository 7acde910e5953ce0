using Holdfast.Server.Sweeps;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>Accounts that are being disabled or deleted: what they have ends step by step.</summary>
internal sealed class AccountSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var accounts = await moment.Db.Accounts
            .Where(a => a.Ending != null && a.Removed == null)
            .OrderBy(a => a.Ending).Take(SweepMoment.Batch).Select(a => a.Id).ToListAsync(cancellationToken);
        return [.. accounts.Select(a => SweepFind.Settle($"account {a}", turn => turn.Mark(a)))];
    }
}
