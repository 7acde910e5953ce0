using System.Net;
using Holdfast.Server.Agents;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Hosts;

public sealed class JoinRateTests
{
    [Fact]
    public void A_rack_of_hosts_joins_at_once_and_who_guesses_waits_while_others_do_not()
    {
        var time = new FakeTimeProvider();
        var rate = new JoinRate(time);
        var one = IPAddress.Parse("192.0.2.1");
        Enumerable.Range(0, 50).ShouldAllBe(_ => rate.Allows(one));
        rate.Allows(one).ShouldBeFalse();
        rate.Allows(IPAddress.Parse("192.0.2.2")).ShouldBeTrue();

        time.Advance(TimeSpan.FromSeconds(1));
        Enumerable.Range(0, 5).ShouldAllBe(_ => rate.Allows(one));
        rate.Allows(one).ShouldBeFalse();

        time.Advance(TimeSpan.FromHours(1));
        Enumerable.Range(0, 50).ShouldAllBe(_ => rate.Allows(one));
        rate.Allows(one).ShouldBeFalse("what was not used is not saved up");
    }

    [Fact]
    public void Many_addresses_are_told_apart_and_forgotten()
    {
        var time = new FakeTimeProvider();
        var rate = new JoinRate(time);
        foreach (var i in Enumerable.Range(0, 3000))
        {
            rate.Allows(new IPAddress([10, 0, (byte)(i / 250), (byte)(i % 250)])).ShouldBeTrue();
            time.Advance(TimeSpan.FromMilliseconds(1));
        }
    }
}
