using Holdfast.Core.States;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>
/// Accounts that are being disabled or deleted and have a next step. One that only waits for guests that do not end is not among them: it costs a look, and keeps no other from its
/// turn, however many there are.
/// </summary>
internal sealed class AccountSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var db = moment.Db;
        var vms = db.Vms.Where(v => v.Removed == null);
        var accounts = await db.Accounts
            .Where(a => a.Ending != null && a.Removed == null)
            .Where(a => a.Deleted == null
                ? vms.Any(v => v.AccountId == a.Id && (v.State == VmState.Running || v.State == VmState.Starting))
                    || !vms.Any(v => v.AccountId == a.Id && v.State == VmState.Stopping)
                : vms.Any(v => v.AccountId == a.Id && v.Removal != VmRemoval.Expunge)
                    || !vms.Any(v => v.AccountId == a.Id)
                    || db.Volumes.Any(v => v.AccountId == a.Id && v.VmId == null && v.Removed == null && v.State != VolumeState.Expunging)
                    || db.Templates.Any(t => t.AccountId == a.Id && t.Removed == null))
            .OrderBy(a => a.Ending).Take(SweepMoment.Batch).Select(a => a.Id).ToListAsync(cancellationToken);
        return [.. accounts.Select(a => SweepFind.Settle($"account {a}", turn => turn.Mark(a)))];
    }
}
