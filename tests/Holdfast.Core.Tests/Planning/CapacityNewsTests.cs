using Holdfast.Core.Planning;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class CapacityNewsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(1000, 500, 5, 1000, 500, false)]
    [InlineData(1000, 500, 5, 1000, 509, false)]
    [InlineData(1000, 500, 5, 1000, 510, true)]
    [InlineData(1000, 500, 5, 1000, 490, true)]
    [InlineData(1000, 500, 60, 1000, 501, true)]
    [InlineData(1000, 500, 60, 1000, 500, false)]
    [InlineData(1000, 500, 5, 1001, 500, true)]
    public void A_small_change_waits_until_what_is_known_is_a_minute_old(long knownTotal, long knownUsed, int seconds, long total, long used, bool isNews) =>
        CapacityNews.IsNews(knownTotal, knownUsed, Now - TimeSpan.FromSeconds(seconds), total, used, Now).ShouldBe(isNews);

    [Fact]
    public void The_first_word_is_news() => CapacityNews.IsNews(null, null, null, 1000, 0, Now).ShouldBeTrue();

    [Fact]
    public void Of_a_tiny_pool_every_change_is_news() => CapacityNews.IsNews(50, 1, Now, 50, 2, Now).ShouldBeTrue();
}
