using Holdfast.Server.Api.Authentication;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

public sealed class LoginThrottleTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Guessing_is_slowed_down_for_the_guesser_only()
    {
        var throttle = new LoginThrottle(_time);
        for (var i = 0; i < 5; i++)
        {
            throttle.MayTry("dora", "10.0.0.9").ShouldBeTrue();
            throttle.Failed("DORA", "10.0.0.9");
        }

        throttle.MayTry("dora", "10.0.0.9").ShouldBeFalse();
        throttle.MayTry("dora", "10.0.0.1").ShouldBeTrue();
        throttle.MayTry("otto", "10.0.0.9").ShouldBeTrue();
        _time.Advance(TimeSpan.FromSeconds(1));
        throttle.MayTry("dora", "10.0.0.9").ShouldBeTrue();
        throttle.Failed("dora", "10.0.0.9");
        _time.Advance(TimeSpan.FromSeconds(1));
        throttle.MayTry("dora", "10.0.0.9").ShouldBeFalse("the wait doubles");
        _time.Advance(TimeSpan.FromSeconds(1));
        throttle.MayTry("dora", "10.0.0.9").ShouldBeTrue();
        throttle.Succeeded("dora", "10.0.0.9");
        throttle.Failed("dora", "10.0.0.9");
        throttle.MayTry("dora", "10.0.0.9").ShouldBeTrue("a right password clears the count");
    }

    [Fact]
    public void Guessing_from_many_addresses_is_slowed_down_for_all_of_them()
    {
        var throttle = new LoginThrottle(_time);
        for (var i = 0; i < 50; i++)
        {
            throttle.Failed("dora", $"10.0.0.{i}");
        }

        throttle.MayTry("dora", "10.1.1.1").ShouldBeFalse();
        throttle.MayTry("otto", "10.1.1.1").ShouldBeTrue();
        _time.Advance(TimeSpan.FromMinutes(2));
        throttle.MayTry("dora", "10.1.1.1").ShouldBeTrue("nobody is locked out for long");
    }

    [Fact]
    public void Ever_new_names_do_not_fill_the_memory()
    {
        var throttle = new LoginThrottle(_time);
        for (var i = 0; i < 30_000; i++)
        {
            throttle.Failed($"user{i}", "10.0.0.9");
        }

        throttle.Count.ShouldBeLessThanOrEqualTo(10_000);
    }

    private sealed class ManualTime : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 1, 30, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan by) => _now += by;
    }
}
