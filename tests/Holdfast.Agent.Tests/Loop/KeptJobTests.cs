using Holdfast.Agent.Loop;
using Holdfast.Agent.Tests.Simulation;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Loop;

/// <summary>A bug in a job was the end of that job: an agent whose watch had ended so went on to report, was shown Up, and did nothing any more.</summary>
public sealed class KeptJobTests
{
    private static readonly InvalidOperationException Bug = new("a bug");
    private readonly SimHost _host = new();

    [Fact]
    public void The_watch_goes_on_after_a_bug()
    {
        _host.StartAgent();
        _host.Until(() => _host.Agent.Items.IsSynced, "the agent to watch");
        _host.Server.Bug = Bug;
        _host.Server.Reach(isDown: false);
        Told("Job 'watch'");
        _host.Agent.Status().Watching.ShouldBeFalse();
        _host.AddStorage(Samples.Pool);
        _host.UntilBinding(Samples.Pool, BindingState.Attached, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void A_pool_is_served_after_a_bug_in_its_supervisor_and_another_one_does_not_notice()
    {
        _host.AddStorage(Samples.OtherPool, "other");
        _host.StartAgent();
        _host.UntilBinding(Samples.OtherPool, BindingState.Attached);
        var before = _host.Launcher.Running[Samples.OtherPool];
        _host.Launcher.Bug = Bug;
        _host.AddStorage(Samples.Pool);
        Told("Job 'binding fast'");
        _host.UntilBinding(Samples.Pool, BindingState.Attached, TimeSpan.FromSeconds(20));
        _host.Launcher.Running[Samples.OtherPool].ShouldBeSameAs(before);
    }

    [Fact]
    public void Pauses_grow_to_half_a_minute_and_a_job_that_ends_well_is_done()
    {
        _host.StartAgent();
        var begun = new List<DateTimeOffset>();
        using var loop = new AgentLoop(_host.Scheduler, _host.Time, _host.Errors);
        loop.Keep("wrong", () =>
        {
            begun.Add(_host.Time.GetUtcNow());
            return begun.Count < 6 ? throw Bug : Task.CompletedTask;
        });
        _host.Scheduler.RunFor(TimeSpan.FromMinutes(10));
        begun.Zip(begun.Skip(1), static (one, next) => (next - one).TotalSeconds).ShouldBe([1, 5, 30, 30, 30]);
    }

    private void Told(string job)
    {
        _host.Scheduler.RunUntil(() => _host.Errors.Lines.Any(line => line.StartsWith(job, StringComparison.Ordinal)), TimeSpan.FromSeconds(10), $"{job} to meet the bug");
        Should.Throw<AggregateException>(_host.Errors.ThrowIfAny).InnerException.ShouldBe(Bug);
        _host.Errors.Forget();
    }
}
