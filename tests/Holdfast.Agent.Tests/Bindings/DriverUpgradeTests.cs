using Holdfast.Agent.Bindings;
using Holdfast.Core.Ids;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Bindings;

public sealed class DriverUpgradeTests
{
    private static readonly DriverBuild Old = new("old");
    private static readonly DriverBuild New = new("new");
    private static readonly DriverBuild Newest = new("newest");
    private static readonly Generation One = Generation.First;
    private static readonly Generation Two = One.Next;
    private readonly FakeTimeProvider _time = new();
    private readonly DriverUpgrade _upgrade;

    public DriverUpgradeTests() => _upgrade = new DriverUpgrade(_time);

    [Fact]
    public void What_serves_is_not_tried()
    {
        _upgrade.IsDue(Old, Old, One).ShouldBeFalse();
        _time.Advance(TimeSpan.FromHours(1));
        _upgrade.IsDue(Old, Old, One).ShouldBeFalse();
    }

    [Fact]
    public void Another_build_is_tried_when_its_files_have_stayed_as_they_are()
    {
        _upgrade.IsDue(Old, New, One).ShouldBeFalse();
        _time.Advance(DriverUpgrade.Unchanged);
        _upgrade.IsDue(Old, Newest, One).ShouldBeFalse();
        _time.Advance(DriverUpgrade.Unchanged);
        _upgrade.IsDue(Old, Newest, One).ShouldBeTrue();
    }

    [Fact]
    public void One_that_did_not_start_is_tried_again_after_a_while()
    {
        Sight(New);
        _upgrade.Reject(New, One, "it does not start", isLasting: false);
        _upgrade.Remark.ShouldBe("it does not start");
        _upgrade.IsDue(Old, New, One).ShouldBeFalse();
        _time.Advance(DriverUpgrade.TryAgainAfter);
        _upgrade.IsDue(Old, New, One).ShouldBeTrue();
    }

    [Fact]
    public void One_that_served_and_ended_is_not_tried_again()
    {
        Sight(New);
        _upgrade.Reject(New, One, "it ended", isLasting: true);
        _time.Advance(TimeSpan.FromDays(30));
        _upgrade.IsDue(Old, New, One).ShouldBeFalse();
        _upgrade.Remark.ShouldNotBeNull();
    }

    [Fact]
    public void Other_files_or_other_settings_of_the_pool_are_a_new_chance()
    {
        Sight(New);
        _upgrade.Reject(New, One, "it ended", isLasting: true);
        _time.Advance(DriverUpgrade.Unchanged);
        _upgrade.IsDue(Old, New, Two).ShouldBeTrue();
        _upgrade.IsDue(Old, Newest, One).ShouldBeFalse();
        _time.Advance(DriverUpgrade.Unchanged);
        _upgrade.IsDue(Old, Newest, One).ShouldBeTrue();
    }

    [Fact]
    public void The_former_files_put_back_are_no_failure_any_more()
    {
        Sight(New);
        _upgrade.Reject(New, One, "it ended", isLasting: true);
        _upgrade.IsDue(Old, Old, One).ShouldBeFalse();
        _upgrade.Remark.ShouldBeNull();
    }

    [Fact]
    public void The_installed_one_is_started_unless_it_failed_and_another_is_proven()
    {
        _upgrade.Choose(New, null, One).ShouldBe(New);
        _upgrade.Choose(New, Old, One).ShouldBe(New);
        _upgrade.Reject(New, One, "it does not start", isLasting: false);
        _upgrade.Choose(New, Old, One).ShouldBe(Old);
        _upgrade.Choose(New, null, One).ShouldBe(New);
        _upgrade.Choose(New, Old, Two).ShouldBe(New);
        _upgrade.Choose(Newest, Old, One).ShouldBe(Newest);
        _upgrade.Forgive();
        _upgrade.Choose(New, Old, One).ShouldBe(New);
    }

    private void Sight(DriverBuild build)
    {
        _upgrade.IsDue(Old, build, One).ShouldBeFalse();
        _time.Advance(DriverUpgrade.Unchanged);
        _upgrade.IsDue(Old, build, One).ShouldBeTrue();
    }
}
