using System.Text.Json;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.VmSchedules;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>The commands about schedules of VMs, and when a schedule is due.</summary>
public sealed class VmScheduleCommandTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Fact]
    public async Task A_schedule_is_made_listed_changed_and_deleted()
    {
        var vm = await VmAsync(host.User);
        var made = (await CreateAsync(host.User, vm, ("description", "nightly"), ("startdate", "2099-01-01 00:00:00"), ("enddate", "2100-01-01"))).ShouldSucceed().Body.GetProperty("vmschedule");
        var id = made.GetProperty("id").GetString()!;
        (made.GetProperty("action").GetString(), made.GetProperty("schedule").GetString(), made.GetProperty("enabled").GetBoolean()).ShouldBe(("FORCE_STOP", "30 3 * * *", true));
        made.GetProperty("startdate").GetString().ShouldBe("2098-12-31T23:00:00+0000", "as a clock in Zurich has it");
        made.GetProperty("next").GetString().ShouldBe("2099-01-01T02:30:00+0000");

        (await ListAsync(host.User, vm, ("action", "force_stop"), ("enabled", "true"), ("keyword", "NIGHT"))).Single().GetProperty("id").GetString().ShouldBe(id);
        (await ListAsync(host.User, vm, ("action", "START"))).ShouldBeEmpty();
        var off = (await host.CallAsync(host.User, "updateVMSchedule", ("id", id), ("enabled", "false"))).ShouldSucceed().Body.GetProperty("vmschedule");
        off.TryGetProperty("next", out _).ShouldBeFalse();
        var other = (await host.CallAsync(host.User, "updateVMSchedule", ("id", id), ("enabled", "true"), ("schedule", "0 0 1 * *"), ("timezone", "UTC"), ("startdate", "2099-02-02T00:00:00Z"))).ShouldSucceed().Body.GetProperty("vmschedule");
        (other.GetProperty("next").GetString(), other.GetProperty("description").GetString()).ShouldBe(("2099-03-01T00:00:00+0000", "nightly"));

        (await host.CallAsync(host.User, "deleteVMSchedule", ("virtualmachineid", vm))).ShouldFail(431);
        var elsewhere = (await CreateAsync(host.User, await VmAsync(host.User))).ShouldSucceed().Body.GetProperty("vmschedule").GetProperty("id").GetString()!;
        (await host.CallAsync(host.User, "deleteVMSchedule", ("virtualmachineid", vm), ("ids", $"{id},{elsewhere}"))).ShouldFail(431);
        (await ListAsync(host.User, vm)).ShouldHaveSingleItem();
        (await host.CallAsync(host.User, "deleteVMSchedule", ("virtualmachineid", vm), ("id", id))).ShouldSucceed();
        (await ListAsync(host.User, vm)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("schedule", "0 0 * *")]
    [InlineData("schedule", "0 0 30 2 *")]
    [InlineData("timezone", "Europe/Nowhere")]
    [InlineData("action", "SUSPEND")]
    [InlineData("startdate", "2001-01-01")]
    [InlineData("enddate", "2001-01-01")]
    public async Task What_is_wrong_with_a_schedule_is_said_and_nothing_is_made(string parameter, string value)
    {
        var vm = await VmAsync(host.User);
        (await CreateAsync(host.User, vm, (parameter, value))).ShouldFail(431).ErrorText!.ShouldContain(parameter == "schedule" ? value : parameter == "timezone" ? value : parameter);
        (await ListAsync(host.User, vm)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Schedules_are_those_of_who_owns_the_vm()
    {
        var vm = await VmAsync(host.User);
        var id = (await CreateAsync(host.User, vm)).ShouldSucceed().Body.GetProperty("vmschedule").GetProperty("id").GetString()!;
        (await CreateAsync(host.Other, vm)).ShouldFail(431);
        (await host.CallAsync(host.Other, "listVMSchedule", ("virtualmachineid", vm))).ShouldFail(431);
        (await host.CallAsync(host.Other, "updateVMSchedule", ("id", id), ("enabled", "false"))).ShouldFail(431);
        (await host.CallAsync(host.Other, "deleteVMSchedule", ("virtualmachineid", vm), ("id", id))).ShouldFail(431);
        (await ListAsync(host.DomainAdmin, vm)).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z")]
    [InlineData("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z")]
    [InlineData("0 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z")]
    [InlineData("15 4 * * MON", "2026-01-01T00:00:00Z", "2026-01-05T03:15:00Z", "2026-01-12T03:15:00Z")]
    public void The_time_zones_daylight_saving_counts(string schedule, string after, string first, string second)
    {
        var times = ScheduleTimes.Read(schedule, "Europe/Zurich").Times!;
        var row = new VmScheduleRow
        {
            Id = default, VmId = default, Schedule = schedule, TimeZone = "Europe/Zurich", Action = ScheduledAction.Stop, Enabled = true, StartDate = DateTimeOffset.UnixEpoch, Created = Rows.Now,
        };
        var one = times.NextAfter(row, DateTimeOffset.Parse(after, null));
        one.ShouldBe(DateTimeOffset.Parse(first, null));
        times.NextAfter(row, one!.Value).ShouldBe(DateTimeOffset.Parse(second, null));
        times.NextAfter(row with { EndDate = one }, one.Value).ShouldBeNull();
        times.NextAfter(row with { StartDate = one.Value.AddMinutes(-1) }, DateTimeOffset.UnixEpoch).ShouldBe(one);
    }

    private Task<ApiAnswer> CreateAsync(TestUser user, string vm, params (string Name, string Value)[] parameters) => host.CallAsync(
        user,
        "createVMSchedule",
        [
            ("virtualmachineid", vm),
            .. new[] { ("schedule", "30 3 * * *"), ("timezone", "Europe/Zurich"), ("action", "FORCE_STOP") }.Where(p => parameters.All(q => q.Name != p.Item1)),
            .. parameters,
        ]);

    private async Task<JsonElement[]> ListAsync(TestUser user, string vm, params (string, string)[] parameters) =>
        (await host.CallAsync(user, "listVMSchedule", [("virtualmachineid", vm), .. parameters])).ShouldSucceed().List("vmschedule");

    private async Task<string> VmAsync(TestUser owner)
    {
        var vm = Rows.Vm(owner, host.Zone.Id, Rows.ServiceOffering(), $"vm-{Guid.NewGuid():N}"[..30]) with { State = VmState.Stopped };
        await host.InsertAsync(vm);
        return $"{vm.Id}";
    }
}
