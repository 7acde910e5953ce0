using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Planning;

public sealed class InventoryPlannerTests
{
    private static readonly DateTimeOffset Asked = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly VolumeId Volume = new(Guid.Parse("00000000-0000-7000-8000-000000000001"));

    private static KnownVolume Known => new() { Id = Volume, Generation = Generation.First, Since = Asked.AddHours(-1) };

    private static KnownVolume Copy => Known with { IsCopy = true };

    private static SeenVolume Seen => new(Volume, Generation.First, true);

    [Fact]
    public void What_is_there_is_not_spoken_of() => Listed(Known, Seen).ShouldBeEmpty();

    [Fact]
    public void A_list_that_lacks_a_volume_is_only_a_hint() => Listed(Known).ShouldBe([new InventoryFinding.Suspect(Volume)]);

    [Fact]
    public void A_second_look_decides() => Looked(Known).ShouldBe([new InventoryFinding.Missing(Volume)]);

    [Fact]
    public void A_second_look_that_finds_it_after_all_says_nothing() => Looked(Known, Seen).ShouldBeEmpty();

    [Fact]
    public void A_volume_that_changed_after_the_look_was_asked_for_is_not_judged()
    {
        var young = Known with { Since = Asked.AddMilliseconds(1) };
        Listed(young).ShouldBeEmpty();
        Looked(young).ShouldBeEmpty();
    }

    [Fact]
    public void A_volume_that_a_task_works_on_is_not_judged()
    {
        Listed(Known with { IsBusy = true }).ShouldBeEmpty();
        Looked(Known with { IsBusy = true }).ShouldBeEmpty();
    }

    [Fact]
    public void What_is_missing_already_is_not_said_again()
    {
        Listed(Known with { IsMissing = true }).ShouldBeEmpty();
        Looked(Known with { IsMissing = true }).ShouldBeEmpty();
    }

    [Fact]
    public void What_was_missing_is_back_when_a_list_has_it() => Listed(Known with { IsMissing = true }, Seen).ShouldBe([new InventoryFinding.Back(Volume)]);

    [Fact]
    public void A_volume_that_nobody_wrote_to_is_made_again() => Looked(Known with { IsUnused = true }).ShouldBe([new InventoryFinding.MakeAgain(Volume)]);

    [Fact]
    public void An_unused_volume_that_was_missing_among_all_is_looked_at_again_later() =>
        Listed(Known with { IsUnused = true, IsMissing = true }).ShouldBe([new InventoryFinding.Suspect(Volume)]);

    [Fact]
    public void A_copy_that_is_gone_unsealed_or_another_is_given_up_after_a_second_look()
    {
        Listed(Copy).ShouldBe([new InventoryFinding.Suspect(Volume)]);
        Listed(Copy, Seen with { IsSealed = false }).ShouldBe([new InventoryFinding.Suspect(Volume)]);
        Looked(Copy).ShouldBe([new InventoryFinding.GiveUpCopy(Volume, "is not at the backend any more")]);
        Looked(Copy, Seen with { IsSealed = false }).ShouldBe([new InventoryFinding.GiveUpCopy(Volume, "is at the backend, but not sealed")]);
        Looked(Copy, Seen with { Generation = new Generation(2) }).ShouldBe([new InventoryFinding.GiveUpCopy(Volume, "has generation 2 at the backend, not 1")]);
    }

    [Fact]
    public void A_volume_of_another_generation_is_there() => Looked(Known, Seen with { Generation = new Generation(7) }).ShouldBeEmpty();

    [Fact]
    public void What_the_backend_was_unclear_about_is_not_judged() =>
        InventoryPlanner.Compare(new InventoryFacts { Asked = Asked, IsSecondLook = true, Known = [Known, Copy], Seen = [], Unclear = [Volume] }).ShouldBeEmpty();

    [Fact]
    public void A_backend_that_knows_none_of_many_loses_nothing_but_is_told()
    {
        InventoryPlanner.IsWholesale(0, InventoryPlanner.WholesaleFrom).ShouldBeTrue();
        InventoryPlanner.IsWholesale(1, 1000).ShouldBeFalse();
        InventoryPlanner.IsWholesale(0, InventoryPlanner.WholesaleFrom - 1).ShouldBeFalse();
        Wholesale(Copy).ShouldBeEmpty();
        Wholesale(Known with { IsUnused = true }).ShouldBe([new InventoryFinding.Missing(Volume)]);
        Wholesale(Known).ShouldBe([new InventoryFinding.Missing(Volume)]);
    }

    private static IReadOnlyList<InventoryFinding> Listed(KnownVolume known, params SeenVolume[] seen) =>
        InventoryPlanner.Compare(new InventoryFacts { Asked = Asked, IsSecondLook = false, Known = [known], Seen = seen });

    private static IReadOnlyList<InventoryFinding> Looked(KnownVolume known, params SeenVolume[] seen) =>
        InventoryPlanner.Compare(new InventoryFacts { Asked = Asked, IsSecondLook = true, Known = [known], Seen = seen });

    private static IReadOnlyList<InventoryFinding> Wholesale(KnownVolume known) =>
        InventoryPlanner.Compare(new InventoryFacts { Asked = Asked, IsSecondLook = true, IsWholesale = true, Known = [known], Seen = [] });
}
