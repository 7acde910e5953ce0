using Holdfast.Worlds.Runs;
using Shouldly;
using Xunit;

namespace Holdfast.Worlds.Tests;

public sealed class ScheduleTests
{
    [Fact]
    public void What_is_due_is_done_on_virtual_time_what_was_missed_is_not_and_a_seed_replays_it() => ScheduledVms.Play(1).ShouldBe(ScheduledVms.Play(1));
}
