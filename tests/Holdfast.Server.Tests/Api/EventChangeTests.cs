using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Events and alerts are put away and deleted by those who may see them.</summary>
public sealed class EventChangeTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Fact]
    public async Task An_archived_event_is_listed_only_when_archived_ones_are_asked_for()
    {
        var (type, events) = await EventsAsync(3);
        (await host.CallAsync(host.User, "archiveEvents", ("ids", $"{events[0].Id},{events[1].Id}"))).ShouldSucceed().Body.GetProperty("success").GetBoolean().ShouldBeTrue();

        (await IdsAsync(host.User, ("type", type))).ShouldBe([$"{events[2].Id}"]);
        (await IdsAsync(host.User, ("type", type), ("archived", "true"))).ShouldBe([$"{events[0].Id}", $"{events[1].Id}"], ignoreOrder: true);
        (await host.CallAsync(host.User, "archiveEvents", ("ids", $"{events[0].Id}"))).ShouldSucceed();
        (await host.CallAsync(host.User, "deleteEvents", ("type", type.ToLowerInvariant()), ("enddate", $"{events[0].Created.AddMinutes(1):yyyy-MM-dd HH:mm:ss}"))).ShouldSucceed();
        (await IdsAsync(host.User, ("type", type), ("archived", "true"))).ShouldBe([$"{events[1].Id}"]);
        (await host.CallAsync(host.User, "listEvents", ("type", "EVENT.DELETE"))).List("event").First().GetProperty("description").GetString().ShouldBe("ulla deleted 1 events");
    }

    [Fact]
    public async Task Nobody_touches_events_of_others_and_nobody_loses_all_by_a_slip()
    {
        var (type, events) = await EventsAsync(2);
        foreach (var command in new[] { "archiveEvents", "deleteEvents" })
        {
            (await host.CallAsync(host.Other, command, ("ids", $"{events[0].Id}"))).ShouldFail(431);
            (await host.CallAsync(host.Other, command, ("type", type))).ShouldSucceed();
            (await host.CallAsync(host.User, command)).ShouldFail(431).ErrorText!.ShouldContain("enddate");
            (await host.CallAsync(host.User, command, ("type", type), ("startdate", "2020-01-01"))).ShouldFail(431).ErrorText!.ShouldContain("enddate");
        }

        (await IdsAsync(host.User, ("type", type))).Length.ShouldBe(2);
        (await host.CallAsync(host.DomainAdmin, "archiveEvents", ("type", type))).ShouldSucceed();
        (await IdsAsync(host.User, ("type", type))).ShouldBeEmpty();
    }

    [Fact]
    public async Task Alerts_are_put_away_and_deleted_by_root_administrators()
    {
        var alerts = Enumerable.Range(0, 3).Select(i => new AlertRow { Id = new AlertId(Guid.NewGuid()), Type = 4711, Name = "A", Description = "x", Created = Rows.Now.AddHours(i) }).ToList();
        await host.InsertAsync<AlertRow>(alerts);
        (await host.CallAsync(host.DomainAdmin, "deleteAlerts", ("type", "4711"))).ShouldFail(401);
        (await host.CallAsync(host.Admin, "deleteAlerts")).ShouldFail(431);
        (await host.CallAsync(host.Admin, "archiveAlerts", ("ids", $"{alerts[0].Id}"))).ShouldSucceed();
        (await CountAsync()).ShouldBe(2);
        (await host.CallAsync(host.Admin, "deleteAlerts", ("type", "none"), ("enddate", "2100-01-01"))).ShouldSucceed();
        (await CountAsync()).ShouldBe(2);
        (await host.CallAsync(host.Admin, "deleteAlerts", ("type", "4711"), ("startdate", $"{alerts[2].Created.AddMinutes(-1):yyyy-MM-dd HH:mm:ss}"), ("enddate", "2100-01-01"))).ShouldSucceed();
        (await CountAsync()).ShouldBe(1);

        async Task<int> CountAsync() => (await host.CallAsync(host.Admin, "listAlerts", ("type", "4711"))).List("alert").Length;
    }

    private async Task<(string Type, List<EventRow> Events)> EventsAsync(int count)
    {
        var type = $"TEST.{Guid.NewGuid():N}".ToUpperInvariant();
        var events = Enumerable.Range(0, count).Select(i => Rows.Event(host.User, type) with { Created = Rows.Now.AddHours(i) }).ToList();
        await host.InsertAsync<EventRow>(events);
        return (type, events);
    }

    private async Task<string[]> IdsAsync(TestUser user, params (string, string)[] parameters) =>
        [.. (await host.CallAsync(user, "listEvents", parameters)).ShouldSucceed().List("event").Select(e => e.GetProperty("id").GetString()!)];
}
