using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.VmSchedules;

/// <inheritdoc/>
internal sealed class VmScheduleOperations : IVmScheduleOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public VmScheduleOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<VmScheduleId>> CreateAsync(Caller caller, CreateVmSchedule request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<VmScheduleId>>(
        async (turn, ct) =>
        {
            if (await FindVmAsync(turn, caller, request.VmId, ct) is not { } vm)
            {
                return new Outcome<VmScheduleId>.Refused(Faults.NoSuchEntity("createVMSchedule", "virtualmachineid", request.VmId));
            }

            if (vm.Removal == VmRemoval.Expunge || vm.State == VmState.Expunging)
            {
                return new Outcome<VmScheduleId>.Refused(Faults.VmBusy(vm.Id, vm.Name, vm.State));
            }

            var (times, wrong) = ScheduleTimes.Read(request.Schedule, request.TimeZone);
            if (times is null)
            {
                return new Outcome<VmScheduleId>.Refused(wrong!);
            }

            var start = request.Start?.In(times.Zone);
            if (start < turn.Now)
            {
                return new Outcome<VmScheduleId>.Refused(Faults.Invalid($"Parameter startdate: {start:O} is over; now it is {turn.Now:O}"));
            }

            var row = new VmScheduleRow
            {
                Id = new VmScheduleId(turn.NewId()),
                VmId = vm.Id,
                Description = request.Description,
                Schedule = request.Schedule,
                TimeZone = request.TimeZone,
                Action = request.Action,
                Enabled = request.Enabled,
                StartDate = start ?? turn.Now,
                EndDate = request.End?.In(times.Zone),
                Created = turn.Now,
            };
            if (WhyNever(row, times, turn.Now) is { } never)
            {
                return new Outcome<VmScheduleId>.Refused(never);
            }

            row = row with { Next = row.Enabled ? times.NextAfter(row, turn.Now) : null };
            await turn.Db.InsertAsync(row, token: ct);
            await TellAsync(turn, caller, EventTypes.VmScheduleCreate, $"Made schedule {Describe(row)}", vm, ct);
            return new Outcome<VmScheduleId>.Done(row.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<VmScheduleId>> UpdateAsync(Caller caller, UpdateVmSchedule request, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<VmScheduleId>>(
        async (turn, ct) =>
        {
            if (await turn.Db.VmSchedules.FirstOrDefaultAsync(s => s.Id == request.Id, ct) is not { } row || await FindVmAsync(turn, caller, row.VmId, ct) is not { } vm)
            {
                return new Outcome<VmScheduleId>.Refused(Faults.NoSuchEntity("updateVMSchedule", "id", request.Id));
            }

            var changed = row with
            {
                Description = request.Description ?? row.Description,
                Schedule = request.Schedule ?? row.Schedule,
                TimeZone = request.TimeZone ?? row.TimeZone,
                Enabled = request.Enabled ?? row.Enabled,
            };
            var (times, wrong) = ScheduleTimes.Read(changed.Schedule, changed.TimeZone);
            if (times is null)
            {
                return new Outcome<VmScheduleId>.Refused(wrong!);
            }

            // One that began long ago goes on; only a new beginning must be to come.
            var start = request.Start?.In(times.Zone);
            if (start < turn.Now && start != row.StartDate)
            {
                return new Outcome<VmScheduleId>.Refused(Faults.Invalid($"Parameter startdate: {start:O} is over; now it is {turn.Now:O}"));
            }

            changed = changed with { StartDate = start ?? row.StartDate, EndDate = request.End?.In(times.Zone) ?? row.EndDate };
            if ((changed.Enabled || request.End is not null) && WhyNever(changed, times, turn.Now) is { } never)
            {
                return new Outcome<VmScheduleId>.Refused(never);
            }

            await turn.Db.UpdateAsync(changed with { Next = changed.Enabled ? times.NextAfter(changed, turn.Now) : null }, token: ct);
            await TellAsync(turn, caller, EventTypes.VmScheduleUpdate, $"Changed schedule {Describe(changed)}", vm, ct);
            return new Outcome<VmScheduleId>.Done(row.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, VmId vmId, IReadOnlyList<VmScheduleId> ids, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            if (await FindVmAsync(turn, caller, vmId, ct) is not { } vm)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteVMSchedule", "virtualmachineid", vmId));
            }

            var wanted = ids.Distinct().ToList();
            var rows = await turn.Db.VmSchedules.Where(s => s.VmId == vmId && wanted.Contains(s.Id)).ToListAsync(ct);
            if (wanted.Where(id => rows.TrueForAll(r => r.Id != id)).Select(id => (VmScheduleId?)id).FirstOrDefault() is { } unknown)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteVMSchedule", "id", unknown));
            }

            await turn.Db.VmScheduleRuns.Where(r => wanted.Contains(r.ScheduleId)).DeleteAsync(ct);
            await turn.Db.VmSchedules.Where(s => wanted.Contains(s.Id)).DeleteAsync(ct);
            await TellAsync(turn, caller, EventTypes.VmScheduleDelete, $"Deleted {string.Join("; ", rows.Select(r => $"schedule {Describe(r)}"))}", vm, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    /// <summary>A schedule in a text.</summary>
    internal static string Describe(VmScheduleRow row) => $"{row.Id} ({ScheduledActions.NameOf(row.Action)} at {row.Schedule} {row.TimeZone})";

    private static ApiFault? WhyNever(VmScheduleRow row, ScheduleTimes times, DateTimeOffset now) =>
        row.EndDate < row.StartDate ? Faults.Invalid($"Parameter enddate: {row.EndDate:O} is before the start date {row.StartDate:O}")
        : times.NextAfter(row, now) is null ? Faults.Invalid($"Schedule {row.Schedule} {row.TimeZone} is never due from {(row.StartDate > now ? row.StartDate : now):O} to {(row.EndDate is { } end ? $"{end:O}" : "the end of time")}")
        : null;

    private static Task<VmRow?> FindVmAsync(Turn turn, Caller caller, VmId id, CancellationToken cancellationToken)
    {
        var owners = caller.Accounts(turn.Db);
        return turn.Db.Vms.FirstOrDefaultAsync(v => v.Id == id && v.Removed == null && owners.Any(a => a.Id == v.AccountId), cancellationToken);
    }

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, VmRow vm, CancellationToken cancellationToken) => turn.TellAsync(
        type, EventLevel.Info, EventState.Completed, $"{text} of VM {vm.Name} ({vm.Id})", vm.AccountId, caller.UserId, ResourceTypes.VirtualMachine, vm.Id.Value, vm.Name, null, cancellationToken);
}
