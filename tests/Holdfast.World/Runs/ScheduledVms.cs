using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.VmSchedules;
using LinqToDB.Async;

namespace Holdfast.Worlds.Runs;

/// <summary>An hour of schedules on virtual time, with a server that is away when something is due.</summary>
internal static class ScheduledVms
{
    /// <summary>Plays them.</summary>
    /// <returns>The digest of the history.</returns>
    public static string Play(int seed)
    {
        using var world = new World(new WorldOptions { Seed = seed }).Build();
        var vm = world.Run();
        var stop = Schedule(world, vm, "*/20 * * * *", ScheduledAction.ForceStop);
        Schedule(world, vm, "10,30,50 * * * *", ScheduledAction.Start);
        world.Until(() => !world.Runs(vm), TimeSpan.FromMinutes(21), "the VM to be stopped by its schedule");
        world.UntilSeen(() => world.Vm(vm).State == VmState.Running, TimeSpan.FromMinutes(11), "the VM to be started by its schedule");

        // Away from before the next stop until long after it.
        world.IsServerHeldDown = true;
        world.Node.Kill("nobody is there when something is due");
        world.For(TimeSpan.FromMinutes(17));
        world.IsServerHeldDown = false;
        world.For(TimeSpan.FromMinutes(1));
        if (!world.Runs(vm))
        {
            throw new WorldException(world, "the VM was stopped by a time that was over");
        }

        world.Until(() => !world.Runs(vm), TimeSpan.FromMinutes(21), "the VM to be stopped at the next time");
        var outcomes = world.Node.Read(db => db.VmScheduleRuns.Where(r => r.ScheduleId == stop).OrderBy(r => r.Due).Select(r => r.Outcome).ToListAsync());
        return outcomes is [ScheduleOutcome.Started, ScheduleOutcome.Missed, ScheduleOutcome.Started]
            ? world.Recorder.Digest()
            : throw new WorldException(world, $"the times of the stop were {string.Join(", ", outcomes)}");
    }

    private static VmScheduleId Schedule(World world, VmId vm, string schedule, ScheduledAction action) => new(world.Do(world.Api.Make<VmScheduleId>(
        $"createVMSchedule {action} {schedule}",
        (server, admin, ct) => server.Service<IVmScheduleOperations>().CreateAsync(admin, new CreateVmSchedule { VmId = vm, Schedule = schedule, TimeZone = "Europe/Zurich", Action = action }, ct),
        static id => id.Value)).Entity!.Value);
}
