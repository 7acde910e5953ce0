using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Hosts;
using Holdfast.Server.Settings;
using Holdfast.Server.Sweeps;
using Holdfast.Server.Tests.Hosts;
using Holdfast.Server.Transactions;
using LinqToDB;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Reconcile;

/// <summary>Which hosts a node takes for silent: none that it could not have heard.</summary>
public sealed class HostSilenceTests : NodeTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(5);
    private readonly HostSweep _sweep = new();
    private DateTimeOffset _now = DateTimeOffset.UtcNow;

    // The test sweeps, at times of its own.
    private protected override ReconcileTimings Timings { get; } = new() { SweepInterval = TimeSpan.FromDays(1) };

    protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);

    [Fact]
    public async Task A_server_that_was_down_or_stood_still_does_not_take_its_hosts_for_lost_before_it_has_listened()
    {
        await using (await TestAgent.StartAsync(Node))
        {
        }

        await SetAsync(HostState.Up, _now - TimeSpan.FromHours(1));
        (await FindsAsync()).ShouldBe(0, "an hour without this server is not an hour without the host");
        (await PassAsync(HostPlanner.Late - Step)).ShouldBe(0);
        (await PassAsync(Step)).ShouldBe(1, "now it was to be heard");

        _now += TimeSpan.FromMinutes(2);
        (await FindsAsync()).ShouldBe(0, "the server stood still");
        (await PassAsync(HostPlanner.Late)).ShouldBe(1);

        _now += TimeSpan.FromMinutes(2);
        await SetAsync(HostState.Alert, _now);
        (await FindsAsync()).ShouldBe(1, "one that reports is up, however long the server has listened");
    }

    // As the sweeper does, again and again; what was found at the end.
    private async Task<int> PassAsync(TimeSpan time)
    {
        var found = 0;
        for (var end = _now + time; _now < end;)
        {
            _now += Step;
            found = await FindsAsync();
        }

        return found;
    }

    private async Task<int> FindsAsync() => (await Node.ReadAsync(async db =>
        await _sweep.FindAsync(new SweepMoment(db, _now, await SettingValues.ReadAsync(db, Timings, Token), Timings, false), Token))).Count;

    private Task SetAsync(HostState state, DateTimeOffset report) =>
        Node.Database.WriteAsync((db, ct) => db.Hosts.Set(h => h.State, state).Set(h => h.LastReport, report).UpdateAsync(ct), Token);
}
