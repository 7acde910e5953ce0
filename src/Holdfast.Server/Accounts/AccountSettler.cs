using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Machines;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Accounts;

/// <summary>
/// Accounts that are being disabled or deleted, projects among them: what they have ends through the ordinary ways, so many things in a turn, and the sweep comes back for the rest. A disabled account
/// is done when none of its guests can run; a deleted one when its VMs are gone and all else is being deleted: what backends owe then is remembered as ever.
/// </summary>
internal sealed class AccountSettler : TurnPart, ITurnPart<AccountSettler>, ISettler<AccountId>
{
    /// <summary>How many things of a sort are ended in a turn.</summary>
    internal const int Step = 100;

    private AccountSettler(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static AccountSettler Of(Turn turn) => new(turn);

    /// <inheritdoc/>
    public string ResourceType => ResourceTypes.Account;

    /// <inheritdoc/>
    public void Mark(Guid id) => Turn.Mark(new AccountId(id));

    /// <inheritdoc/>
    public async Task SettleAsync(AccountId id, CancellationToken cancellationToken)
    {
        var account = await Db.Accounts.FirstOrDefaultAsync(a => a.Id == id && a.Removed == null && a.Ending != null, cancellationToken);
        if (account is null)
        {
            return;
        }

        if (account.Deleted is null)
        {
            await StopVmsAsync(id, cancellationToken);
            if (!await Db.Vms.AnyAsync(v => v.AccountId == id && v.Removed == null && (v.State == VmState.Running || v.State == VmState.Starting || v.State == VmState.Stopping), cancellationToken))
            {
                await Db.UpdateAsync(account with { Ending = null }, token: cancellationToken);
                await CompleteAsync(id.Value, [AccountJobs.DisableAccount, AccountJobs.SuspendProject], cancellationToken);
            }

            await FailLateJobsAsync(account, cancellationToken);
            return;
        }

        await RemoveVmsAsync(id, cancellationToken);
        await DeleteVolumesAsync(id, cancellationToken);
        await DeleteTemplatesAsync(id, cancellationToken);
        if (await IsEmptyAsync(id, cancellationToken))
        {
            await Db.UserKeys.Where(k => Db.Users.Any(u => u.Id == k.UserId && u.AccountId == id)).DeleteAsync(cancellationToken);
            await Db.Users.Where(u => u.AccountId == id && u.Removed == null).Set(u => u.Removed, Now).UpdateAsync(cancellationToken);
            await Db.SshKeyPairs.Where(k => k.AccountId == id).DeleteAsync(cancellationToken);
            await Db.InstanceGroups.Where(g => g.AccountId == id).DeleteAsync(cancellationToken);
            await Db.AffinityMembers.Where(m => Db.AffinityGroups.Any(g => g.Id == m.GroupId && g.AccountId == id)).DeleteAsync(cancellationToken);
            await Db.AffinityGroups.Where(g => g.AccountId == id).DeleteAsync(cancellationToken);

            // Templates and VMs of others may have its user data.
            var userData = Db.UserData.Where(u => u.AccountId == id).Select(u => (UserDataId?)u.Id);
            await Db.Templates.Where(t => userData.Contains(t.UserDataId)).Set(t => t.UserDataId, (UserDataId?)null).Set(t => t.UserDataPolicy, (UserDataPolicy?)null).UpdateAsync(cancellationToken);
            await Db.Vms.Where(v => userData.Contains(v.UserDataId)).Set(v => v.UserDataId, (UserDataId?)null).UpdateAsync(cancellationToken);
            await Db.UserData.Where(u => u.AccountId == id).DeleteAsync(cancellationToken);
            await Db.ResourceLimits.Where(l => l.AccountId == id).DeleteAsync(cancellationToken);
            await Db.ProjectMembers.Where(m => m.AccountId == id || m.ProjectId == id).DeleteAsync(cancellationToken);
            await Turn.Part<TagRows>().DropAsync(id.Value, cancellationToken);
            await Turn.Part<IconRows>().DropAsync(Db.Users.Where(u => u.AccountId == id).Select(u => StoreSql.Plain(u.Id)), cancellationToken);
            await Turn.Part<IconRows>().DropAsync(id.Value, cancellationToken);
            await Db.UpdateAsync(account with { Ending = null, Removed = Now }, token: cancellationToken);
            await CompleteAsync(id.Value, [AccountJobs.DeleteAccount, AccountJobs.DeleteProject, AccountJobs.DisableAccount, AccountJobs.SuspendProject], cancellationToken);
            Turn.Mark(account.DomainId);
        }

        await FailLateJobsAsync(account, cancellationToken);
    }

    private async Task FailLateJobsAsync(AccountRow account, CancellationToken cancellationToken)
    {
        var late = await Db.Jobs.Where(j => j.State == JobState.Pending && j.InstanceId == account.Id.Value && j.Deadline <= Now).Select(j => j.Id).ToListAsync(cancellationToken);
        if (late.Count == 0)
        {
            return;
        }

        var left = Db.Vms.Where(v => v.AccountId == account.Id && v.Removed == null && (account.Deleted != null || v.State == VmState.Running || v.State == VmState.Starting || v.State == VmState.Stopping));
        var count = await left.CountAsync(cancellationToken);
        var named = await left.OrderBy(v => v.Created).ThenBy(v => v.Id).Take(10).Select(v => new { v.Name, v.Id, v.State, v.Condition }).ToListAsync(cancellationToken);
        var fault = new PlanFault(
            PlanFaultKind.TimedOut,
            $"{count} VMs of {account.Named} have not ended yet, and go on ending: {string.Join("; ", named.Select(v => $"{v.Name} ({v.Id}), {v.State}{(v.Condition is null ? string.Empty : $": {v.Condition}")}"))}");
        foreach (var job in late)
        {
            await Turn.FailJobAsync(job, fault, cancellationToken);
        }
    }

    private async Task StopVmsAsync(AccountId id, CancellationToken cancellationToken)
    {
        var vms = await Db.Vms
            .Where(v => v.AccountId == id && v.Removed == null && (v.State == VmState.Running || v.State == VmState.Starting))
            .OrderBy(v => v.Created).ThenBy(v => v.Id).Take(Step).ToListAsync(cancellationToken);
        foreach (var vm in vms)
        {
            await Turn.Part<MachineEnding>().StopAsync(vm with { RestartOnCancel = null }, forced: vm.State == VmState.Starting, cancellationToken);
        }
    }

    private async Task RemoveVmsAsync(AccountId id, CancellationToken cancellationToken)
    {
        var vms = await Db.Vms
            .Where(v => v.AccountId == id && v.Removed == null && v.Removal != VmRemoval.Expunge)
            .OrderBy(v => v.Created).ThenBy(v => v.Id).Take(Step).ToListAsync(cancellationToken);
        if (vms.Count == 0)
        {
            return;
        }

        var ids = vms.ConvertAll(v => (VmId?)v.Id);
        await Db.Volumes.Where(v => ids.Contains(v.VmId) && v.Type == VolumeType.DataDisk && v.Removed == null).Set(v => v.GoesWithVm, true).UpdateAsync(cancellationToken);
        foreach (var vm in vms)
        {
            await Turn.Part<MachineEnding>().RemoveAsync(vm, expunge: true, forced: true, cancellationToken);
        }
    }

    private async Task DeleteVolumesAsync(AccountId id, CancellationToken cancellationToken)
    {
        var volumes = await Db.Volumes
            .Where(v => v.AccountId == id && v.VmId == null && v.Removed == null && v.State != VolumeState.Expunging)
            .OrderBy(v => v.Created).ThenBy(v => v.Id).Take(Step).Select(v => v.Id).ToListAsync(cancellationToken);
        foreach (var volume in volumes)
        {
            await Turn.Part<VolumeChanges>().DeleteVolumeAsync(volume, cancellationToken);
        }
    }

    private async Task DeleteTemplatesAsync(AccountId id, CancellationToken cancellationToken)
    {
        var templates = await Db.Templates.Where(t => t.AccountId == id && t.Removed == null).OrderBy(t => t.Created).ThenBy(t => t.Id).Take(Step).ToListAsync(cancellationToken);
        foreach (var template in templates)
        {
            await Turn.Part<TemplateCopies>().DeleteTemplateAsync(template, cancellationToken);
        }
    }

    private async Task<bool> IsEmptyAsync(AccountId id, CancellationToken cancellationToken) =>
        !await Db.Vms.AnyAsync(v => v.AccountId == id && v.Removed == null, cancellationToken)
        && !await Db.Volumes.AnyAsync(v => v.AccountId == id && v.Removed == null && v.State != VolumeState.Expunging, cancellationToken)
        && !await Db.Templates.AnyAsync(t => t.AccountId == id && t.Removed == null, cancellationToken);

    private async Task CompleteAsync(Guid instance, JobKind[] kinds, CancellationToken cancellationToken)
    {
        foreach (var job in await Db.Jobs.Where(j => j.State == JobState.Pending && j.InstanceId == instance && kinds.Contains(j.Kind)).Select(j => j.Id).ToListAsync(cancellationToken))
        {
            await Turn.CompleteJobAsync(job, cancellationToken);
        }
    }
}
