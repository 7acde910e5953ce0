using Holdfast.Core.Planning;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class FlapRuleTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, FlapVerdict.TellChange)]
    [InlineData(FlapRule.ToldOneByOne - 1, FlapVerdict.TellChange)]
    [InlineData(FlapRule.ToldOneByOne, FlapVerdict.TellFlapping)]
    [InlineData(500, FlapVerdict.TellFlapping)]
    public void The_first_changes_are_told_one_by_one_then_that_there_are_many(int told, FlapVerdict verdict) => FlapRule.Change(null, told).ShouldBe(verdict);

    [Fact]
    public void While_it_is_known_to_flap_nothing_is_told() => FlapRule.Change(Now - TimeSpan.FromDays(1), 0).ShouldBe(FlapVerdict.Silence);

    [Theory]
    [InlineData(30, 9.9, false)]
    [InlineData(30, 10.0, true)]
    [InlineData(5, 60.0, false)]
    [InlineData(11, null, true)]
    [InlineData(9, null, false)]
    public void It_is_steady_when_neither_it_nor_the_word_of_it_is_young(double flappingMinutes, double? changedMinutes, bool isSteady) =>
        FlapRule.IsSteady(Now - TimeSpan.FromMinutes(flappingMinutes), changedMinutes is { } minutes ? Now - TimeSpan.FromMinutes(minutes) : null, Now).ShouldBe(isSteady);
}
