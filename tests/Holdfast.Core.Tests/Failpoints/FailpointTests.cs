using System.Reflection;
using Holdfast.Core.Failpoints;
using Shouldly;
using Xunit;

namespace Holdfast.Core.Tests.Failpoints;

public sealed class FailpointTests
{
    private readonly List<Failpoint> _panics = [];
    private readonly FailpointSet _points;

    public FailpointTests() => _points = new FailpointSet(_panics.Add, TimeProvider.System);

    [Fact]
    public void All_names_every_constant_once_and_each_says_where_it_is()
    {
        var constants = typeof(Failpoint).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (Failpoint)field.GetValue(null)!).ToArray();
        Failpoint.All.ShouldBe(constants, ignoreOrder: true);
        Failpoint.All.Select(point => point.Name).ShouldBeUnique();
        Failpoint.All.ShouldAllBe(point => point.Where.Length > 0 && point.Name.Split('.', StringSplitOptions.None).Length == 3);
    }

    [Fact]
    public void A_set_that_is_not_armed_does_nothing()
    {
        foreach (var point in Failpoint.All)
        {
            _points.Pass(point).ShouldBeNull();
            FailpointSet.None.Pass(point).ShouldBeNull();
        }

        Should.Throw<InvalidOperationException>(() => FailpointSet.None.Arm("agent.start.done=panic"));
    }

    [Theory]
    [InlineData("error(full)", "EEEE")]
    [InlineData("2*error(full)", "EE--")]
    [InlineData("2*off->1*error(full)", "--E-")]
    [InlineData("1*off->1*error(full)->1*off->error(full)", "-E-E")]
    [InlineData("off", "----")]
    public void Steps_are_counted(string steps, string passes)
    {
        _points.Arm($"agent.ledger.before-write={steps}");
        string.Concat(Enumerable.Range(0, 4).Select(_ => _points.Pass(Failpoint.LedgerBeforeWrite) == "full" ? 'E' : '-')).ShouldBe(passes);
        _points.Passes(Failpoint.LedgerBeforeWrite).ShouldBe(4);
    }

    [Fact]
    public void Panic_ends_the_process_at_its_place_and_nowhere_else()
    {
        _points.Arm("agent.start.done=1*off->1*panic; agent.start.before=off");
        _points.Pass(Failpoint.StartDone).ShouldBeNull();
        _points.Pass(Failpoint.DestroyDone).ShouldBeNull();
        Should.Throw<FailpointPanicException>(() => _points.Pass(Failpoint.StartDone)).Message.ShouldContain("agent.start.done");
        _panics.ShouldBe([Failpoint.StartDone]);
    }

    [Fact]
    public async Task Delay_waits()
    {
        _points.Arm("agent.start.done=delay(60000)");
        using var stop = new CancellationTokenSource();
        var passing = _points.PassAsync(Failpoint.StartDone, stop.Token).AsTask();
        passing.IsCompleted.ShouldBeFalse();
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(passing);
    }

    [Theory]
    [InlineData("agent.start.doen=panic", "agent.start.doen")]
    [InlineData("agent.start.done", "agent.start.done")]
    [InlineData("agent.start.done=", "agent.start.done")]
    [InlineData("agent.start.done=explode", "explode")]
    [InlineData("agent.start.done=error", "no failure of its own")]
    [InlineData("agent.ledger.written=delay(1)", "cannot wait")]
    [InlineData("agent.start.done=delay", "delay")]
    [InlineData("agent.start.done=delay(soon)", "soon")]
    [InlineData("agent.start.done=delay(1", "parenthesis")]
    [InlineData("agent.start.done=0*panic", "0")]
    [InlineData("agent.start.done=x*panic", "'x'")]
    public void Nonsense_is_refused_by_name_and_arms_nothing(string text, string named)
    {
        Should.Throw<FormatException>(() => _points.Arm("agent.destroy.done=panic;" + text)).Message.ShouldContain(named);
        _points.Pass(Failpoint.DestroyDone).ShouldBeNull();
    }

    [Fact]
    public void Only_a_debug_build_can_read_the_environment()
    {
        var reader = typeof(FailpointSet).Assembly.GetType("Holdfast.Core.Failpoints.FailpointEnvironment");
        var isDebug = typeof(FailpointSet).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration == "Debug";
        (reader is not null).ShouldBe(isDebug);

        // Whoever names the variable, or calls its reader, does so inside #if DEBUG.
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.cs", SearchOption.AllDirectories))
        {
            var isInside = false;
            foreach (var line in File.ReadLines(file))
            {
                isInside = line.Trim() switch { "#if DEBUG" => true, "#else" or "#endif" => false, _ => isInside };
                if (line.Contains("FailpointEnvironment", StringComparison.Ordinal) || line.Contains("HOLDFAST_FAILPOINTS", StringComparison.Ordinal))
                {
                    isInside.ShouldBeTrue($"{file}: {line}");
                }
            }
        }
    }

    [Fact]
    public void Every_failpoint_is_passed_somewhere()
    {
        var source = string.Concat(Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/Failpoints/", StringComparison.Ordinal)).Select(File.ReadAllText));
        foreach (var field in typeof(Failpoint).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            source.Contains($"(Failpoint.{field.Name}", StringComparison.Ordinal).ShouldBeTrue($"{field.Name} is passed nowhere");
        }
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Holdfast.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("This test runs in a checkout.");
        }

        return folder;
    }
}
