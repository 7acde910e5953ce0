using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class BindingProgressTests
{
    private static readonly PoolBindingFacts Removed = new() { HostName = "h1", IsHostUp = true, Wish = BindingWish.Absent, IsCurrent = true };

    [Fact]
    public void Nothing_is_waited_for_when_the_host_has_what_it_should()
    {
        Waiting(Removed with { IsAbsent = true }).ShouldBeNull();
        Waiting(Removed with { Wish = BindingWish.Quiesced, IsQuiesced = true }).ShouldBeNull();
        Waiting(Removed with { Wish = BindingWish.Attached, IsServing = true }).ShouldBeNull();
    }

    [Fact]
    public void A_host_that_is_away_is_waited_for_by_name_and_may_be_absolved() =>
        Waiting(Removed with { IsHostUp = false }, HostState.Alert).ShouldBe(
            "host h1 is Alert; it is told to end its driver when it reports again, or is absolved when the host is re-installed or deleted");

    [Fact]
    public void A_host_that_is_up_is_waited_for_by_generation_then_by_its_own_words()
    {
        Waiting(Removed with { IsCurrent = false }).ShouldBe("host h1 has not yet answered to generation 7: end its driver");
        Waiting(Removed, condition: "process 4711 cannot be killed").ShouldBe("process 4711 cannot be killed");
        Waiting(Removed with { Error = "refused" }).ShouldBe("refused");
        Waiting(Removed).ShouldBe("host h1 is about to end its driver");
    }

    [Fact]
    public void A_report_of_an_older_generation_confirms_nothing() =>
        Waiting(Removed with { Wish = BindingWish.Quiesced, IsQuiesced = true, IsCurrent = false }).ShouldNotBeNull();

    private static string? Waiting(PoolBindingFacts facts, HostState host = HostState.Up, string? condition = null) => BindingProgress.WaitingFor(facts, host, 7, condition);
}
