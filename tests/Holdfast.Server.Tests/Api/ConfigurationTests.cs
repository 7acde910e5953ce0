using System.Text.Json;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Settings by CloudStack's own commands.</summary>
public sealed class ConfigurationTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Fact]
    public async Task Settings_are_listed_with_their_value_and_their_default()
    {
        var all = (await host.CallAsync(host.Admin, "listConfigurations")).ShouldSucceed().List("configuration");
        all.Select(c => c.GetProperty("name").GetString()).ShouldBe(
        [
            "alert.purge.delay", "allow.user.create.projects", "enable.dynamic.scale.vm", "enable.user.2fa", "event.purge.delay", "expunge.delay", "instance.name", "job.expire.minutes", "kvm.cpu.dynamic.scaling.capacity",
            "kvm.memory.dynamic.scaling.capacity", "mandate.user.2fa", "max.account.cpus",
            "max.account.memory", "max.account.primary.storage", "max.account.projects", "max.account.templates", "max.account.user.vms", "max.account.volumes",
            "max.domain.cpus", "max.domain.memory", "max.domain.primary.storage", "max.domain.projects", "max.domain.templates", "max.domain.user.vms",
            "max.domain.volumes", "max.project.cpus", "max.project.memory", "max.project.primary.storage", "max.project.templates", "max.project.user.vms",
            "max.project.volumes", "obligation.alert.age", "pool.storage.capacity.disablethreshold", "storage.cleanup.delay", "storage.history.purge.delay",
            "storage.maintenance.settle.timeout", "storage.overprovisioning.factor", "storage.pool.add.timeout", "storage.pool.add.wait",
            "storage.pool.inventory.interval", "vm.paused.resume.interval",
        ]);
        foreach (var shown in all)
        {
            shown.GetProperty("value").ValueKind.ShouldBe(JsonValueKind.String);
            shown.GetProperty("defaultvalue").ValueKind.ShouldBe(JsonValueKind.String);
            shown.GetProperty("description").GetString().ShouldNotBeNullOrEmpty();
            shown.GetProperty("scope").GetString().ShouldBe("Global");
            shown.GetProperty("isdynamic").GetBoolean().ShouldBeTrue();
        }

        var age = (await host.CallAsync(host.Admin, "listConfigurations", ("name", "OBLIGATION.alert.age"))).List("configuration").Single();
        age.GetProperty("category").GetString().ShouldBe("Alert");
        age.GetProperty("defaultvalue").GetString().ShouldBe("3600");
        (await host.CallAsync(host.Admin, "listConfigurations", ("category", "advanced"))).List("configuration").Length.ShouldBe(11);
        (await host.CallAsync(host.Admin, "listConfigurations", ("keyword", "expire"))).List("configuration").Length.ShouldBe(1);
        (await host.CallAsync(host.Admin, "listConfigurations", ("page", "2"), ("pagesize", "3"))).List("configuration").Length.ShouldBe(3);
        (await host.CallAsync(host.Admin, "listConfigurations", ("name", "no.such.thing"))).Text.ShouldBe("""{"listconfigurationsresponse":{}}""");
        (await host.CallAsync(host.Admin, "listConfigurations", ("zoneid", host.Zone.Id.ToString()))).Text.ShouldBe("""{"listconfigurationsresponse":{}}""");
    }

    [Fact]
    public async Task A_setting_is_changed_told_and_given_its_default_again()
    {
        var changed = (await host.CallAsync(host.Admin, "updateConfiguration", ("name", "job.expire.minutes"), ("value", " 00300 "))).ShouldSucceed().Body.GetProperty("configuration");
        changed.GetProperty("value").GetString().ShouldBe("300");
        changed.GetProperty("defaultvalue").GetString().ShouldBe("1440");
        (await ValueAsync("job.expire.minutes")).ShouldBe("300");
        (await host.CallAsync(host.Admin, "updateConfiguration", ("name", "job.expire.minutes"))).ShouldSucceed().Body.GetProperty("configuration").GetProperty("value").GetString().ShouldBe("300");
        (await host.CallAsync(host.Admin, "updateConfiguration", ("name", "job.expire.minutes"), ("value", "300"))).ShouldSucceed();

        (await host.CallAsync(host.Admin, "resetConfiguration", ("name", "job.expire.minutes"))).ShouldSucceed();
        (await ValueAsync("job.expire.minutes")).ShouldBe("1440");

        var events = await host.Database.ReadAsync(
            (db, ct) => db.Events.Where(e => e.Type == "CONFIGURATION.VALUE.EDIT" && e.ResourceName == "job.expire.minutes").OrderBy(e => e.Created).ToListAsync(ct),
            TestContext.Current.CancellationToken);
        events.Count.ShouldBe(2, "what changes nothing is no event");
        events.ShouldAllBe(e => e.UserId == host.Admin.Row.Id && e.AccountId == host.Admin.Account.Id);
        events.ShouldContain(e => e.Description.Contains("from 1440 to 300"));
        events.ShouldContain(e => e.Description.Contains("from 300 to its default, 1440"));
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("1e3")]
    [InlineData("315360001")]
    [InlineData("99999999999999999999")]
    public async Task A_value_that_makes_no_sense_is_refused_with_the_name_and_the_range(string value)
    {
        var before = await ValueAsync("obligation.alert.age");

        var answer = await host.CallAsync(host.Admin, "updateConfiguration", ("name", "obligation.alert.age"), ("value", value));

        answer.ShouldFail(431).ErrorText!.ShouldContain("obligation.alert.age");
        answer.ErrorText!.ShouldContain($"value: {value}.");
        answer.ErrorText!.ShouldContain("from 0 to 315360000");
        (await ValueAsync("obligation.alert.age")).ShouldBe(before);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("a-b")]
    [InlineData("../VM")]
    [InlineData("é")]
    [InlineData("abcdefghijklmnopqrstuvwxyz1234567")]
    public async Task A_name_of_domains_that_is_no_word_is_refused(string value)
    {
        var answer = await host.CallAsync(host.Admin, "updateConfiguration", ("name", "instance.name"), ("value", value));
        answer.ShouldFail(431).ErrorText!.ShouldContain("instance.name");
        answer.ErrorText!.ShouldContain("1 to 32 letters and digits");
        (await ValueAsync("instance.name")).ShouldBe("VM");
    }

    [Fact]
    public async Task A_setting_that_does_not_exist_or_is_asked_for_a_part_only_is_refused()
    {
        (await host.CallAsync(host.Admin, "updateConfiguration", ("name", "no.such.thing"), ("value", "1"))).ShouldFail(431).ErrorText.ShouldBe("Config parameter with name no.such.thing doesn't exist");
        (await host.CallAsync(host.Admin, "resetConfiguration", ("name", "no.such.thing"))).ShouldFail(431).ErrorText.ShouldBe("Config parameter with name no.such.thing doesn't exist");
        (await host.CallAsync(host.Admin, "updateConfiguration", ("name", "expunge.delay"), ("value", "1"), ("zoneid", host.Zone.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldContain("expunge.delay");
        (await ValueAsync("expunge.delay")).ShouldBe("86400");
        (await host.Database.ReadAsync((db, ct) => db.Settings.CountAsync(s => s.Name == "no.such.thing", ct), TestContext.Current.CancellationToken)).ShouldBe(0);
    }

    [Fact]
    public async Task Os_categories_are_listed_and_filter_os_types()
    {
        var categories = (await host.CallAsync(host.User, "listOsCategories")).ShouldSucceed().List("oscategory");
        categories.Select(c => c.GetProperty("name").GetString()).ShouldBe(["CentOS", "Debian", "Other", "RedHat", "SUSE", "Ubuntu", "Windows"]);
        var debian = categories.Single(c => c.GetProperty("name").GetString() == "Debian").GetProperty("id").GetString()!;
        (await host.CallAsync(host.Admin, "listOsCategories", ("name", "debian"))).List("oscategory").Single().GetProperty("id").GetString().ShouldBe(debian, "the id is the same for everybody and for ever");
        (await host.CallAsync(host.User, "listOsCategories", ("id", debian))).List("oscategory").Single().GetProperty("name").GetString().ShouldBe("Debian");
        (await host.CallAsync(host.User, "listOsCategories", ("id", Guid.NewGuid().ToString()))).Text.ShouldBe("""{"listoscategoriesresponse":{}}""");

        var types = (await host.CallAsync(host.User, "listOsTypes", ("oscategoryid", debian))).List("ostype");
        types.Length.ShouldBe(2);
        types.ShouldAllBe(t => t.GetProperty("oscategoryid").GetString() == debian && t.GetProperty("oscategoryname").GetString() == "Debian");
        (await host.CallAsync(host.User, "listOsTypes", ("oscategoryid", Guid.NewGuid().ToString()))).Text.ShouldBe("""{"listostypesresponse":{}}""");
    }

    private async Task<string?> ValueAsync(string name) =>
        (await host.CallAsync(host.Admin, "listConfigurations", ("name", name))).List("configuration").Single().GetProperty("value").GetString();
}
