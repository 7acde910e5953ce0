using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.VmSchedules;

/// <summary>What a schedule is to be.</summary>
internal sealed record CreateVmSchedule
{
    public required VmId VmId { get; init; }

    public string? Description { get; init; }

    public required string Schedule { get; init; }

    public required string TimeZone { get; init; }

    public required ScheduledAction Action { get; init; }

    /// <summary>Null: at once.</summary>
    public ScheduleDate? Start { get; init; }

    /// <summary>Null: for ever.</summary>
    public ScheduleDate? End { get; init; }

    public bool Enabled { get; init; } = true;
}

/// <summary>What to change of a schedule; null leaves a field.</summary>
internal sealed record UpdateVmSchedule
{
    public required VmScheduleId Id { get; init; }

    public string? Description { get; init; }

    public string? Schedule { get; init; }

    public string? TimeZone { get; init; }

    public ScheduleDate? Start { get; init; }

    public ScheduleDate? End { get; init; }

    public bool? Enabled { get; init; }
}

/// <summary>Schedules of VMs. What is due is found by <see cref="VmScheduleSweep"/>.</summary>
internal interface IVmScheduleOperations
{
    /// <summary>createVMSchedule. 431 unknown VM, fields or a time zone that are none, dates that leave no time.</summary>
    Task<Outcome<VmScheduleId>> CreateAsync(Caller caller, CreateVmSchedule request, CancellationToken cancellationToken);

    /// <summary>updateVMSchedule: what is due from now on. Errors as for a new one.</summary>
    Task<Outcome<VmScheduleId>> UpdateAsync(Caller caller, UpdateVmSchedule request, CancellationToken cancellationToken);

    /// <summary>deleteVMSchedule: all of them, or none. 431 one that is not the VM's.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, VmId vmId, IReadOnlyList<VmScheduleId> ids, CancellationToken cancellationToken);
}
