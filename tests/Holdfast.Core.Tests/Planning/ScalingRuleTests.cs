using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class ScalingRuleTests
{
    private static readonly HostCandidate Host = new()
    {
        Id = new HostId(Guid.Parse("66666666-0000-7000-8000-000000000001")),
        IncarnationId = new IncarnationId(Guid.Parse("11111111-0000-7000-8000-000000000001")),
        ClusterId = new ClusterId(Guid.Parse("77777777-0000-7000-8000-000000000001")),
        Name = "h1",
        IsUp = true,
        IsEnabled = true,
        Cpus = 8,
        MemoryMib = 4096,
        UsedCpus = 4,
        UsedMemoryMib = 1024,
        Tags = ["fast"],
    };

    private static readonly ScalingFacts Facts = new()
    {
        Vm = "web (1)", Has = new VmAmounts(2, 512), Wanted = new VmAmounts(4, 1024), HasMhz = 500, WantedMhz = 500, Most = new VmAmounts(8, 4096), Host = Host,
    };

    [Theory]
    [InlineData(8, 4000, 0, 0, 8, 3968)]
    [InlineData(8, 4096, -1, -1, 8, 4096)]
    [InlineData(8, 4096, 4, 1024, 4, 1024)]
    [InlineData(8, 4096, 1, 256, 2, 512)]
    [InlineData(1, 256, 0, 0, 2, 512)]
    [InlineData(1024, 4 << 20, 0, 0, 240, 512 * 1024)]
    [InlineData(1024, 4 << 20, 300, 3 << 20, 240, 512 * 1024)]
    public void A_guest_has_room_for_what_its_host_and_the_operator_allow_and_never_for_less_than_it_has(int cpus, int memory, int cpuLimit, int memoryLimit, int mostCpus, int mostMemory) =>
        ScalingRule.Room(new VmAmounts(2, 512), cpus, memory, cpuLimit, memoryLimit).ShouldBe(new VmAmounts(mostCpus, mostMemory));

    [Theory]
    [InlineData(255, 255)]
    [InlineData(256, 4096)]
    public void A_guest_that_is_too_small_to_know_of_more_memory_has_room_for_processors_alone(int memory, int most) =>
        ScalingRule.Room(new VmAmounts(1, memory), 8, 4096, 0, 0).ShouldBe(new VmAmounts(8, most));

    [Fact]
    public void What_is_more_and_fits_is_possible_and_what_stays_the_same_needs_no_room()
    {
        ScalingRule.WhyNot(Facts).ShouldBeNull();
        ScalingRule.WhyNot(Facts with { Wanted = Facts.Has, WantedMhz = 900, Most = null }).ShouldBeNull();
        ScalingRule.WhyNot(Facts with { HostTags = ["FAST"] }).ShouldBeNull();
    }

    [Fact]
    public void What_is_not_possible_says_why()
    {
        Refused(Facts with { Forbidding = ["the VM", "template small (2)"] }, PlanFaultKind.WrongState, "not enabled for the VM and template small (2)");
        Refused(Facts with { Wanted = new VmAmounts(1, 1024) }, PlanFaultKind.WrongState, "only scaling up");
        Refused(Facts with { Wanted = new VmAmounts(4, 256) }, PlanFaultKind.WrongState, "only scaling up");
        Refused(Facts with { WantedMhz = 400 }, PlanFaultKind.WrongState, "only scaling up");
        Refused(Facts with { Most = null }, PlanFaultKind.WrongState, "without room");
        Refused(Facts with { Wanted = new VmAmounts(9, 512) }, PlanFaultKind.WrongState, "at most 8 CPUs and 4096 MiB");
        Refused(Facts with { Wanted = new VmAmounts(2, 4224) }, PlanFaultKind.WrongState, "at most 8 CPUs and 4096 MiB");
        Refused(Facts with { Wanted = new VmAmounts(2, 600) }, PlanFaultKind.WrongState, "steps of 128 MiB");
        Refused(Facts with { HostTags = ["fast", "gpu"] }, PlanFaultKind.WrongState, "no tag gpu");
        Refused(Facts with { Host = Host with { UsedMemoryMib = 3584 } }, PlanFaultKind.NoCapacity, "512 MiB of memory free");
        Refused(Facts with { Host = Host with { UsedCpus = 125 } }, PlanFaultKind.NoCapacity, "CPUs are given away");
        Refused(Facts with { Host = Host with { IsUp = false } }, PlanFaultKind.Runtime, "h1 does not report");
        Refused(Facts with { Host = null }, PlanFaultKind.Runtime, "does not report");
    }

    private static void Refused(ScalingFacts facts, PlanFaultKind kind, string why)
    {
        var fault = ScalingRule.WhyNot(facts).ShouldNotBeNull();
        fault.Kind.ShouldBe(kind);
        fault.Text.ShouldStartWith("Unable to scale the running VM web (1): ");
        fault.Text.ShouldContain(why);
    }
}
