using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class HostSilenceTests
{
    [Fact]
    public void It_names_the_host_and_since_when_nothing_is_known_and_says_nothing_of_a_host_that_reports()
    {
        var last = new DateTimeOffset(2026, 1, 30, 11, 0, 5, TimeSpan.FromHours(1));
        HostSilence.Of("h1", HostState.Up, last).ShouldBeNull();
        HostSilence.Of("h1", HostState.Disconnected, last).ShouldBe("host h1 is Disconnected and has not reported since 2026-01-30 10:00:05 UTC: whether the guest runs is not known");
        HostSilence.Of("h1", HostState.Connecting, null).ShouldBe("host h1 is Connecting and has not reported yet: whether the guest runs is not known");
    }
}
