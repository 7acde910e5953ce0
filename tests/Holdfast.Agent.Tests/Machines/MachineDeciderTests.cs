using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Machines;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Machines;

/// <summary>Every wish against everything that can be seen.</summary>
public sealed class MachineDeciderTests
{
    [Theory]
    // Nobody named it: it is left alone, whatever it is.
    [InlineData(null, null, "running", false, false, "Rest")]
    [InlineData(null, null, "absent", true, true, "Rest")]
    // Running.
    [InlineData(Desired.Running, null, "absent", false, false, "Start")]
    [InlineData(Desired.Running, MachineState.Starting, "absent", true, false, "Start")]
    [InlineData(Desired.Running, MachineState.Running, "absent", true, false, "RecordGone by itself")]
    [InlineData(Desired.Running, MachineState.Running, "absent", true, true, "RecordGone by itself")]
    [InlineData(Desired.Running, MachineState.Stopped, "absent", false, false, "Rest")]
    [InlineData(Desired.Running, MachineState.Failed, "absent", false, false, "Rest")]
    [InlineData(Desired.Running, null, "absent", false, true, "FailStart Expired")]
    [InlineData(Desired.Running, MachineState.Starting, "absent", true, true, "FailStart Expired")]
    [InlineData(Desired.Running, null, "foreign", false, false, "FailStart Conflict")]
    [InlineData(Desired.Running, MachineState.Failed, "foreign", false, false, "Rest")]
    [InlineData(Desired.Running, null, "running", false, false, "Adjust")]
    [InlineData(Desired.Running, null, "running", false, true, "Adjust")]
    [InlineData(Desired.Running, MachineState.Stopped, "running", false, false, "Adjust")]
    [InlineData(Desired.Running, null, "paused", false, false, "Adjust")]
    [InlineData(Desired.Running, null, "corpse", false, false, "Stop at once")]
    [InlineData(Desired.Running, null, "unknown", false, false, "AwaitHypervisor")]
    [InlineData(Desired.Running, null, "unknown", false, true, "FailStart HypervisorDown")]
    [InlineData(Desired.Running, MachineState.Running, "unknown", true, true, "AwaitHypervisor")]
    [InlineData(Desired.Running, MachineState.Failed, "unknown", false, true, "Rest")]
    // Stopped.
    [InlineData(Desired.Stopped, MachineState.Running, "running", true, false, "Stop")]
    [InlineData(Desired.Stopped, MachineState.Running, "running", true, true, "Stop")]
    [InlineData(Desired.Stopped, MachineState.Stopped, "running", false, false, "Stop")]
    [InlineData(Desired.Stopped, null, "corpse", false, false, "Stop at once")]
    [InlineData(Desired.Stopped, null, "absent", false, false, "RecordGone")]
    [InlineData(Desired.Stopped, MachineState.Stopped, "absent", false, false, "Rest")]
    [InlineData(Desired.Stopped, MachineState.Stopped, "absent", true, false, "RecordGone")]
    [InlineData(Desired.Stopped, null, "foreign", false, false, "RecordGone")]
    [InlineData(Desired.Stopped, MachineState.Running, "unknown", true, false, "Stop")]
    [InlineData(Desired.Stopped, null, "unknown", false, false, "Stop")]
    [InlineData(Desired.Stopped, MachineState.Stopped, "unknown", false, false, "Rest")]
    // Absent.
    [InlineData(Desired.Absent, MachineState.Running, "running", true, false, "Stop at once")]
    [InlineData(Desired.Absent, null, "corpse", false, false, "Stop at once")]
    [InlineData(Desired.Absent, null, "absent", false, false, "Forget")]
    [InlineData(Desired.Absent, MachineState.Absent, "absent", false, false, "Rest")]
    [InlineData(Desired.Absent, MachineState.Absent, "absent", true, false, "Forget")]
    [InlineData(Desired.Absent, null, "foreign", false, false, "Forget")]
    [InlineData(Desired.Absent, null, "unknown", false, false, "Stop at once")]
    [InlineData(Desired.Absent, MachineState.Absent, "unknown", false, false, "Rest")]
    public void Next_step(object? desired, object? state, string seen, bool hasAttachments, bool isExpired, string step)
    {
        var item = desired is Desired wish ? Samples.Machine(wish, 5) : null;
        Name(MachineDecider.Next(item, Row(state, 5), Seen(seen), hasAttachments, isExpired, true)).ShouldBe(step);
    }

    [Theory]
    [InlineData(Desired.Running, MachineState.Failed, "absent", "Start")]
    [InlineData(Desired.Running, MachineState.Stopped, "absent", "Start")]
    [InlineData(Desired.Stopped, MachineState.Stopped, "absent", "RecordGone")]
    [InlineData(Desired.Absent, MachineState.Absent, "absent", "Forget")]
    public void What_was_final_for_an_older_generation_is_not_final_for_a_newer_one(object desired, object state, string seen, string step) =>
        Name(MachineDecider.Next(Samples.Machine((Desired)desired, 6), Row(state, 5), Seen(seen), false, false, true)).ShouldBe(step);

    /// <summary>A ledger whose end is cut off may open as an older one that is valid: it started a guest of a VM that had been destroyed.</summary>
    [Theory]
    [InlineData(Desired.Running, null, "absent", 5, "AwaitServer")]
    [InlineData(Desired.Running, MachineState.Starting, "absent", 5, "AwaitServer")]
    [InlineData(Desired.Running, MachineState.Running, "absent", 5, "RecordGone by itself")]
    [InlineData(Desired.Running, MachineState.Running, "running", 5, "Adjust")]
    [InlineData(Desired.Running, MachineState.Running, "running", 4, "Adjust")]
    [InlineData(Desired.Stopped, MachineState.Running, "running", 4, "Stop at once")]
    [InlineData(Desired.Stopped, MachineState.Running, "running", 6, "AwaitServer")]
    [InlineData(Desired.Absent, MachineState.Running, "running", 5, "Stop at once")]
    [InlineData(Desired.Absent, MachineState.Running, "running", 6, "AwaitServer")]
    [InlineData(Desired.Stopped, MachineState.Running, "unknown", 5, "AwaitHypervisor")]
    [InlineData(Desired.Absent, MachineState.Running, "unknown", 5, "AwaitHypervisor")]
    [InlineData(Desired.Stopped, MachineState.Running, "absent", 4, "RecordGone")]
    public void Before_the_server_has_spoken_nothing_is_started_and_no_newer_guest_is_ended(object desired, object? state, string seen, long started, string step)
    {
        var observation = Seen(seen) is Observation.Present present ? new Observation.Present(present.Domain with { Generation = new Generation(started) }) : Seen(seen);
        var item = Samples.Machine((Desired)desired, 5, change: spec => spec with { ForcedStop = true });
        Name(MachineDecider.Next(item, Row(state, 5), observation, true, false, false)).ShouldBe(step);
    }

    /// <summary>It was killed before its I/O was cut off: nothing that an item says makes it run on. A newer guest has nothing to do with it.</summary>
    [Theory]
    [InlineData(Desired.Running, "running", 5, 5, true, "Stop at once")]
    [InlineData(Desired.Running, "running", 4, 5, true, "Stop at once")]
    [InlineData(Desired.Running, "running", 5, 5, false, "Stop at once")]
    [InlineData(Desired.Stopped, "running", 5, 5, true, "Stop at once")]
    [InlineData(Desired.Running, "running", 6, 5, true, "Adjust")]
    [InlineData(Desired.Running, "running", 7, 7, false, "AwaitServer")]
    [InlineData(Desired.Running, "absent", 5, 5, true, "RecordGone by itself")]
    [InlineData(Desired.Running, "unknown", 5, 5, true, "AwaitHypervisor")]
    public void A_guest_that_was_cut_off_is_ended_whatever_its_item_says(object desired, string seen, long started, long cut, bool isConfirmed, string step)
    {
        var observation = Seen(seen) is Observation.Present present ? new Observation.Present(present.Domain with { Generation = new Generation(started) }) : Seen(seen);
        Name(MachineDecider.Next(Samples.Machine((Desired)desired, 6), Row(MachineState.Running, 6), observation, true, false, isConfirmed, new Generation(cut))).ShouldBe(step);
    }

    [Fact]
    public void A_forced_stop_does_not_ask_the_guest() =>
        Name(MachineDecider.Next(Samples.Machine(Desired.Stopped, change: spec => spec with { ForcedStop = true }), null, Seen("running"), true, false, true)).ShouldBe("Stop at once");

    [Theory]
    [InlineData(0, "vda")]
    [InlineData(1, "vdb")]
    [InlineData(25, "vdz")]
    [InlineData(26, "vdaa")]
    [InlineData(51, "vdaz")]
    [InlineData(52, "vdba")]
    [InlineData(701, "vdzz")]
    [InlineData(702, "vdaaa")]
    public void Targets_of_device_ids(int device, string target) => DiskTargets.Of(device).ShouldBe(target);

    private static MachineRow? Row(object? state, long generation) => state is MachineState last
        ? new MachineRow { Machine = Samples.Vm, Generation = new Generation(generation), State = last, Since = Samples.Then }
        : null;

    private static Observation Seen(string seen) => seen switch
    {
        "unknown" => new Observation.Unknown("libvirt does not answer"),
        "absent" => new Observation.Absent(),
        "foreign" => new Observation.Foreign("theirs"),
        _ => new Observation.Present(new OwnDomain
        {
            Machine = Samples.Vm, Name = "i-2-17-VM", Generation = Generation.First, Disks = [],
            Status = seen switch { "running" => DomainStatus.Running, "paused" => DomainStatus.Paused, _ => DomainStatus.Crashed },
        }),
    };

    private static string Name(MachineStep step) => step switch
    {
        MachineStep.Stop { AtOnce: true } => "Stop at once",
        MachineStep.RecordGone { ByItself: true } => "RecordGone by itself",
        MachineStep.FailStart fail => $"FailStart {fail.Why}",
        _ => step.GetType().Name,
    };
}
