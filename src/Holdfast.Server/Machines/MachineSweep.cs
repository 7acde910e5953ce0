using Holdfast.Core.States;
using Holdfast.Server.Settings;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>VMs that are to be expunged.</summary>
internal sealed class MachineSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        foreach (var vm in await moment.Db.Vms.Where(v => v.State == VmState.Expunging && v.Removed == null).OrderBy(v => v.StateSince).Take(SweepMoment.Batch).Select(v => v.Id).ToListAsync(cancellationToken))
        {
            finds.Add(SweepFind.Settle($"VM {vm}", turn => turn.Mark(vm)));
        }

        if (!moment.IsThorough)
        {
            return finds;
        }

        var expired = moment.Now - moment.Settings[Setting.ExpungeDelay];
        foreach (var vm in await moment.Db.Vms.Where(v => v.State == VmState.Destroyed && v.Destroyed <= expired && v.Removed == null).OrderBy(v => v.Destroyed).Take(SweepMoment.Batch).Select(v => v.Id).ToListAsync(cancellationToken))
        {
            finds.Add(new SweepFind(
                $"VM {vm}",
                async (turn, ct) =>
                {
                    await turn.Db.Vms.Where(v => v.Id == vm && v.State == VmState.Destroyed).Set(v => v.Removal, VmRemoval.Expunge).UpdateAsync(ct);
                    turn.Mark(vm);
                }));
        }

        return finds;
    }
}
