using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>Has VMs started, stopped and rebooted, by jobs, whoever wants it: a request, or a schedule.</summary>
internal sealed class MachinePower : TurnPart, ITurnPart<MachinePower>
{
    private MachinePower(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static MachinePower Of(Turn turn) => new(turn);

    /// <summary>As <see cref="IVirtualMachineOperations.StartAsync"/>, of a VM that the caller may touch.</summary>
    public async Task<JobOutcome> StartAsync(Caller caller, VmRow vm, HostId? hostId, CancellationToken cancellationToken)
    {
        if (hostId is { } wanted)
        {
            var host = caller.IsRootAdmin ? await Db.Hosts.FirstOrDefaultAsync(h => h.Id == wanted && h.Removed == null, cancellationToken) : null;
            if (host is null)
            {
                return new JobOutcome.Refused(Faults.NoSuchEntity("startVirtualMachine", "hostid", wanted));
            }

            if (host.ZoneId != vm.ZoneId)
            {
                return new JobOutcome.Refused(Faults.NotWithin($"Host {host.Name} ({host.Id})", $"the zone of VM {vm.Name} ({vm.Id})"));
            }
        }

        if (await Db.Accounts.FirstOrDefaultAsync(a => a.Id == vm.AccountId && a.State != AccountStates.Enabled, cancellationToken) is { } account)
        {
            return new JobOutcome.Refused(Faults.PermissionDenied($"The {account.Named} of VM {vm.Name} ({vm.Id}) is {account.ShownState}"));
        }

        var job = await AddJobAsync(caller, JobKind.StartVm, vm, "starting", cancellationToken);
        var silence = await SilenceOfHostAsync(vm, cancellationToken);
        switch (vm.State)
        {
            case VmState.Running or VmState.Starting or VmState.Stopping when silence is not null:
                await Turn.FailJobAsync(job.Id, Faults.NotStartableElsewhere(vm.Id, vm.Name, vm.State, silence), cancellationToken);
                break;
            case VmState.Stopped when vm.Removal == VmRemoval.None:
                await Turn.Part<MachineRows>().SaveAsync(vm with { State = VmState.Starting, StateSince = Now, OnlyHostId = hostId, Condition = null }, cancellationToken);
                Turn.Mark(vm.Id);
                break;
            case VmState.Running:
                await Turn.FailJobAsync(job.Id, vm.Paused is null ? Faults.AlreadyRunning(vm.Id, vm.Name) : Faults.RunningButPaused(vm.Id, vm.Name, vm.Condition), cancellationToken);
                break;
            case VmState.Starting or VmState.Stopping:
                await Turn.FailJobAsync(job.Id, Faults.VmBusy(vm.Id, vm.Name, vm.State), cancellationToken);
                break;
            default:
                await Turn.FailJobAsync(job.Id, Faults.NotStartable(vm.Id, vm.Name, vm.State), cancellationToken);
                break;
        }

        return new JobOutcome.Accepted(job.Id, vm.Id.Value);
    }

    /// <summary>As <see cref="IVirtualMachineOperations.StopAsync"/>, of a VM that the caller may touch.</summary>
    public async Task<JobOutcome> StopAsync(Caller caller, VmRow vm, bool forced, CancellationToken cancellationToken)
    {
        var job = await AddJobAsync(caller, JobKind.StopVm, vm, forced ? "stopping (forced)" : "stopping", cancellationToken);
        switch (vm.State)
        {
            case VmState.Running or VmState.Stopping:
            case VmState.Starting when forced:
                await Turn.Part<MachineEnding>().StopAsync(vm with { RestartOnCancel = null }, forced, cancellationToken);
                if (vm.EverRan && await SilenceOfHostAsync(vm, cancellationToken) is { } silence)
                {
                    // It stands and is carried out when the host is back; nobody has to wait minutes to be told so.
                    await Turn.FailJobAsync(job.Id, Faults.StopNotConfirmed(vm.Id, vm.Name, silence), cancellationToken);
                }

                break;
            case VmState.Starting:
                await Turn.FailJobAsync(job.Id, Faults.VmBusy(vm.Id, vm.Name, vm.State), cancellationToken);
                break;
            default:
                await Turn.CompleteJobAsync(job.Id, cancellationToken);
                break;
        }

        return new JobOutcome.Accepted(job.Id, vm.Id.Value);
    }

    /// <summary>As <see cref="IVirtualMachineOperations.RebootAsync"/>, of a VM that the caller may touch.</summary>
    public async Task<JobOutcome> RebootAsync(Caller caller, VmRow vm, bool forced, CancellationToken cancellationToken)
    {
        var job = await AddJobAsync(caller, JobKind.RebootVm, vm, forced ? "rebooting (forced)" : "rebooting", cancellationToken);
        if (vm.State != VmState.Running)
        {
            await Turn.FailJobAsync(job.Id, Faults.NotRunning(vm.Id, vm.Name), cancellationToken);
            return new JobOutcome.Accepted(job.Id, vm.Id.Value);
        }

        await Turn.Part<MachineRows>().SaveAsync(vm with { RebootSequence = vm.RebootSequence + 1, ForcedReboot = forced }, cancellationToken);
        await Turn.Part<MachineSettler>().UpdateMachineAsync(vm.Id, [job.Id], cancellationToken);
        Turn.Mark(vm.Id);
        return new JobOutcome.Accepted(job.Id, vm.Id.Value);
    }

    private Task<JobRow> AddJobAsync(Caller caller, JobKind kind, VmRow vm, string verb, CancellationToken cancellationToken) => Turn.AddJobAsync(
        caller.AccountId, caller.UserId, kind, ResourceTypes.VirtualMachine, vm.Id.Value, $"{verb} VM {vm.Name} ({vm.Id})", Turn.Timings.Of(kind, vm.GraceSeconds), cancellationToken);

    // Null while the host of the VM is heard of, or it has none.
    private async Task<string?> SilenceOfHostAsync(VmRow vm, CancellationToken cancellationToken) =>
        vm.HostId is { } id && await Turn.Part<KeptRows>().HostAsync(id, cancellationToken) is { } host
            ? HostSilence.Of(host.Name, host.State, host.LastReport)
            : null;
}
