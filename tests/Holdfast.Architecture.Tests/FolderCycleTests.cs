using Shouldly;
using Xunit;

namespace Holdfast.Architecture.Tests;

/// <summary>
/// No two folders of a project use each other: who needs to be told subscribes or is given a delegate. A folder is a namespace; one inside another counts as part of it towards all
/// that is outside, and as a folder of its own towards those beside it and the one that it is in. (The server's folders count whole: inside Api, the command table and the
/// commands still name each other.)
/// </summary>
public sealed class FolderCycleTests
{
    private const int MostNamed = 6;
    private const int All = int.MaxValue;

    /// <summary>What still breaks the rule, to be taken away one by one: a pair that uses each other no more must leave this list.</summary>
    private static readonly Dictionary<string, string[]> StillUseEachOther = new(StringComparer.Ordinal)
    {
        ["Holdfast.Agent"] = [],
        ["Holdfast.Server"] = [],
    };

    [Theory]
    [InlineData("Holdfast.Agent", "holdfast-agent.dll", All)]
    [InlineData("Holdfast.Server", "holdfast-server.dll", 1)]
    public void No_two_folders_use_each_other(string project, string assembly, int depth) =>
        Find(project, assembly, depth).Where(cycle => !StillUseEachOther[project].Contains(cycle.Name)).Select(cycle => cycle.Describe(MostNamed)).ShouldBeEmpty();

    [Theory]
    [InlineData("Holdfast.Agent", "holdfast-agent.dll", All)]
    [InlineData("Holdfast.Server", "holdfast-server.dll", 1)]
    public void The_list_of_what_breaks_that_only_shrinks(string project, string assembly, int depth) =>
        StillUseEachOther[project].Except(Find(project, assembly, depth).Select(cycle => cycle.Name)).ShouldBeEmpty("These use each other no more: take them off the list.");

    [Fact]
    public void Two_folders_that_use_each_other_are_named_with_their_types()
    {
        TypeUse[] uses = [Use("App.Left", "One", "App.Right", "Two"), Use("App.Right.Deep", "Three", "App.Left", "One"), Use("App.Right", "Two", "App.Beside", "Four")];
        FolderCycle.Find(uses, "App").ShouldHaveSingleItem().Describe(MostNamed)
            .ShouldBe("Left - Right: Left.One uses Right.Two; Right.Deep.Three uses Left.One");
    }

    [Fact]
    public void A_folder_and_the_one_it_is_in_may_not_use_each_other_either()
    {
        TypeUse[] uses = [Use("App.Outer", "One", "App.Outer.Inner", "Two"), Use("App.Outer.Inner", "Two", "App.Outer", "One")];
        FolderCycle.Find(uses, "App").ShouldHaveSingleItem().Name.ShouldBe("Outer - Outer.Inner");
    }

    [Fact]
    public void What_a_method_uses_in_its_code_alone_is_found()
    {
        var uses = TypeUses.Of(typeof(FolderCycleTests).Assembly.Location);
        uses.ShouldContain(new TypeUse(NameOf(typeof(FolderCycleTests)), NameOf(typeof(FolderCycle))));
        uses.ShouldNotContain(use => use.From.Name == nameof(TypeName) && use.To.Name == nameof(FolderCycle));
    }

    [Fact]
    public void What_leaves_no_trace_in_the_assembly_is_found_by_its_using_directive()
    {
        TypeUse[] compiled = [Use("App.Left", "One", "App.Right", "Two")];
        TypeUse[] written = [Use("App.Left", "One", "App.Right", "*"), Use("App.Right", "Two", "App.Left", "*")];
        FolderCycle.Find(TypeUses.Join(compiled, written), "App").ShouldHaveSingleItem().Describe(MostNamed).ShouldBe("Left - Right: Left.One uses Right.Two; Right.Two uses Left.*");
    }

    private static IReadOnlyList<FolderCycle> Find(string project, string assembly, int depth) => FolderCycle.Find(
        TypeUses.Join(TypeUses.Of(Path.Combine(AppContext.BaseDirectory, assembly)), UsingDirectives.Of(Path.Combine(Repository.Root(), "src", project))), project, depth);

    private static TypeName NameOf(Type type) => new(type.Namespace!, type.Name);

    private static TypeUse Use(string from, string user, string to, string used) => new(new TypeName(from, user), new TypeName(to, used));
}
