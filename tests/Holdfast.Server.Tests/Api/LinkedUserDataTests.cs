using System.Text;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.UserData;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>User data that templates have for the VMs that are made from them.</summary>
public abstract class LinkedUserDataTests
{
    private const string Script = "#!/bin/sh\necho own\n";
    private readonly ApiHost _host;

    private protected LinkedUserDataTests(ApiHost host) => _host = host;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_template_shows_the_user_data_that_it_is_linked_to_and_keeps_it_from_being_deleted()
    {
        var (template, userData) = await LinkedAsync("ALLOWOVERRIDE");
        var shown = (await _host.CallAsync(_host.Other, "listTemplates", ("templatefilter", "community"), ("id", $"{template.Id}"))).List("template").Single();
        shown.GetProperty("userdataid").GetString().ShouldBe($"{userData.Id}");
        shown.GetProperty("userdataname").GetString().ShouldBe(userData.Name);
        shown.GetProperty("userdatapolicy").GetString().ShouldBe("ALLOWOVERRIDE");
        (await PostAsync(_host.User, "deleteUserData", ("id", $"{userData.Id}"))).ShouldFail(536).ErrorText!.ShouldContain($"{template.Id}");

        var changed = (await PostAsync(_host.User, "linkUserDataToTemplate", ("templateid", $"{template.Id}"), ("userdataid", $"{userData.Id}"), ("userdatapolicy", "append"))).ShouldSucceed().Body.GetProperty("template");
        (changed.GetProperty("id").GetString(), changed.GetProperty("userdatapolicy").GetString()).ShouldBe(($"{template.Id}", "APPEND"));
        (await PostAsync(_host.User, "linkUserDataToTemplate", ("templateid", $"{template.Id}"))).ShouldSucceed().Body.GetProperty("template").TryGetProperty("userdataid", out _).ShouldBeFalse();
        (await PostAsync(_host.User, "deleteUserData", ("id", $"{userData.Id}"))).ShouldSucceed();
    }

    [Fact]
    public async Task Only_ones_own_are_linked_and_what_makes_no_sense_is_refused()
    {
        var (template, userData) = await LinkedAsync("DENYOVERRIDE");
        var others = Rows.UserData(_host.Other);
        await _host.InsertAsync(others);
        (await PostAsync(_host.Other, "linkUserDataToTemplate", ("templateid", $"{template.Id}"))).ShouldFail(431).ErrorText!.ShouldContain("templateid");
        (await PostAsync(_host.User, "linkUserDataToTemplate", ("templateid", $"{template.Id}"), ("userdataid", $"{others.Id}"))).ShouldFail(431).ErrorText!.ShouldContain("userdataid");
        (await PostAsync(_host.User, "linkUserDataToTemplate", ("templateid", $"{template.Id}"), ("userdataid", $"{userData.Id}"), ("userdatapolicy", "MERGE"))).ShouldFail(431).ErrorText!.ShouldContain("ALLOWOVERRIDE, APPEND, DENYOVERRIDE");
        (await PostAsync(_host.User, "linkUserDataToTemplate", ("templateid", $"{template.Id}"), ("userdatapolicy", "APPEND"))).ShouldFail(431).ErrorText!.ShouldContain("userdataid");
        (await PostAsync(_host.User, "linkUserDataToTemplate", ("isoid", $"{template.Id}"), ("templateid", $"{template.Id}"))).ShouldFail(431).ErrorText!.ShouldContain("isoid");
        (await TemplateAsync(template.Id)).UserDataPolicy.ShouldBe(UserDataPolicy.DenyOverride);
    }

    [Fact]
    public async Task Without_its_own_a_vm_has_its_templates_whatever_the_policy()
    {
        foreach (var policy in new[] { "ALLOWOVERRIDE", "APPEND", "DENYOVERRIDE" })
        {
            var (template, userData) = await LinkedAsync(policy);
            var id = await DeployAsync(_host.Other, template, ("userdatadetails[0].role", "web"));

            (await ToldAsync(id)).ShouldBe(userData.Content);
            var shown = (await _host.CallAsync(_host.Other, "listVirtualMachines", ("id", id))).List("virtualmachine").Single();
            shown.GetProperty("userdataid").GetString().ShouldBe($"{userData.Id}");
            shown.GetProperty("userdatapolicy").GetString().ShouldBe(policy);
            shown.GetProperty("userdatadetails").GetString().ShouldBe("{role=web}");
        }
    }

    [Fact]
    public async Task Its_own_is_told_in_place_of_it_beside_it_or_not_at_all()
    {
        var own = Base64(Script);
        var (allowing, _) = await LinkedAsync("ALLOWOVERRIDE");
        (await ToldAsync(await DeployAsync(_host.Other, allowing, ("userdata", own)))).ShouldBe(own);

        var (appending, linked) = await LinkedAsync("APPEND");
        var registered = Rows.UserData(_host.Other) with { Content = own };
        await _host.InsertAsync(registered);
        foreach (var given in new[] { ("userdata", own), ("userdataid", $"{registered.Id}") })
        {
            var id = await DeployAsync(_host.Other, appending, given);
            var told = Text(await ToldAsync(id));
            told.ShouldStartWith("Content-Type: multipart/mixed;");
            told.IndexOf(linked.Content, StringComparison.Ordinal).ShouldBeInRange(1, told.IndexOf(own, StringComparison.Ordinal));
            (await _host.CallAsync(_host.Other, "listVirtualMachines", ("id", id))).List("virtualmachine").Single().TryGetProperty("userdataid", out var shown).ShouldBe(given.Item1 == "userdataid");
            shown.ToString().ShouldBe(given.Item1 == "userdataid" ? $"{registered.Id}" : "");
        }

        var (denying, _) = await LinkedAsync("DENYOVERRIDE");
        var before = await VmsAsync();
        foreach (var given in new[] { ("userdata", own), ("userdataid", $"{registered.Id}") })
        {
            (await PostAsync(_host.Other, "deployVirtualMachine", [.. await DeployParametersAsync(denying), given])).ShouldFail(431).ErrorText!.ShouldContain($"template {denying.Name} ({denying.Id}) is configured to deny any userdata");
        }

        (await VmsAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task A_reset_and_an_update_go_by_the_policy_too()
    {
        var own = Base64(Script);
        var (template, linked) = await LinkedAsync("APPEND");
        var id = await DeployAsync(_host.Other, template, ("userdata", own));

        (await PostAsync(_host.Other, "resetUserDataForVirtualMachine", ("id", id))).ShouldSucceed().Body.GetProperty("virtualmachine").GetProperty("userdataid").GetString().ShouldBe($"{linked.Id}");
        (await ToldAsync(id)).ShouldBe(linked.Content);
        (await PostAsync(_host.Other, "resetUserDataForVirtualMachine", ("id", id), ("userdata", own))).ShouldSucceed();
        var both = Text(await ToldAsync(id));
        both.ShouldContain(own);
        both.ShouldContain(linked.Content);
        (await PostAsync(_host.Other, "updateVirtualMachine", ("id", id), ("userdatadetails[0].role", "db"))).ShouldSucceed();
        Text(await ToldAsync(id)).ShouldBe(both, "values of variables alone leave it");
        var other = Base64("#!/bin/sh\necho other\n");
        (await PostAsync(_host.Other, "updateVirtualMachine", ("id", id), ("userdata", other))).ShouldSucceed();
        Text(await ToldAsync(id)).ShouldContain(other);
        Text(await ToldAsync(id)).ShouldNotContain(own);

        (await PostAsync(_host.User, "linkUserDataToTemplate", ("templateid", $"{template.Id}"), ("userdataid", $"{linked.Id}"), ("userdatapolicy", "DENYOVERRIDE"))).ShouldSucceed();
        Text(await ToldAsync(id)).ShouldContain(other, Case.Sensitive, "it has a copy");
        foreach (var command in new[] { "resetUserDataForVirtualMachine", "updateVirtualMachine" })
        {
            (await PostAsync(_host.Other, command, ("id", id), ("userdata", own))).ShouldFail(431).ErrorText!.ShouldContain("deny any userdata");
        }

        Text(await ToldAsync(id)).ShouldContain(other);
        (await PostAsync(_host.Other, "resetUserDataForVirtualMachine", ("id", id))).ShouldSucceed();
        (await ToldAsync(id)).ShouldBe(linked.Content);
        (await PostAsync(_host.User, "linkUserDataToTemplate", ("templateid", $"{template.Id}"))).ShouldSucceed();
        (await PostAsync(_host.Other, "resetUserDataForVirtualMachine", ("id", id))).ShouldSucceed().Body.GetProperty("virtualmachine").TryGetProperty("userdataid", out _).ShouldBeFalse();
        (await ToldAsync(id)).ShouldBeNull();
    }

    [Fact]
    public async Task What_is_too_long_together_is_refused_and_makes_nothing()
    {
        var bytes = new byte[UserDataText.MaxLength / 4 * 3];
        new Random(7).NextBytes(bytes);
        var (template, _) = await LinkedAsync("APPEND", Convert.ToBase64String(bytes));
        var before = await VmsAsync();

        (await PostAsync(_host.Other, "deployVirtualMachine", [.. await DeployParametersAsync(template), ("userdata", Base64(Script))])).ShouldFail(431).ErrorText!.ShouldContain("too long together");

        (await VmsAsync()).ShouldBe(before);
        (await DeployAsync(_host.Other, template)).ShouldNotBeNull("alone it fits");
    }

    [Fact]
    public async Task Of_an_account_that_ends_nothing_stays_linked()
    {
        var name = $"going-{Guid.NewGuid():N}";
        var account = (await PostAsync(
            _host.Admin,
            "createAccount",
            ("accounttype", "0"),
            ("account", name),
            ("domainid", $"{_host.User.Domain.Id}"),
            ("username", name),
            ("password", "a long enough password"),
            ("email", "a@example.org"),
            ("firstname", "a"),
            ("lastname", "b"))).ShouldSucceed().Body.GetProperty("account").GetProperty("id").GetString()!;
        var userData = Rows.UserData(_host.User) with { AccountId = new AccountId(Guid.Parse(account)) };
        var template = Rows.Template(_host.User, isPublic: true);
        await _host.InsertAsync(userData);
        await _host.InsertAsync(template);
        (await PostAsync(_host.Admin, "linkUserDataToTemplate", ("templateid", $"{template.Id}"), ("userdataid", $"{userData.Id}"))).ShouldSucceed();
        var vm = await DeployAsync(_host.Other, template);

        (await _host.CallAsync(_host.Admin, "deleteAccount", ("id", account))).ShouldSucceed();

        (await TemplateAsync(template.Id)).UserDataId.ShouldBeNull();
        (await ToldAsync(vm)).ShouldBe(userData.Content, "it has a copy");
        (await _host.CallAsync(_host.Other, "listVirtualMachines", ("id", vm))).List("virtualmachine").Single().TryGetProperty("userdataid", out _).ShouldBeFalse();
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Text(string? base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64.ShouldNotBeNull()));

    private async Task<(TemplateRow Template, UserDataRow UserData)> LinkedAsync(string policy, string? content = null)
    {
        var template = Rows.Template(_host.User, isPublic: true);
        var userData = Rows.UserData(_host.User) with { Content = content ?? Base64("#cloud-config\nruncmd: [[touch, /of-template]]\n") };
        await _host.InsertAsync(template);
        await _host.InsertAsync(userData);
        (await PostAsync(_host.User, "linkUserDataToTemplate", ("templateid", $"{template.Id}"), ("userdataid", $"{userData.Id}"), ("userdatapolicy", policy))).ShouldSucceed();
        return (template, userData);
    }

    private async Task<(string, string)[]> DeployParametersAsync(TemplateRow template)
    {
        var offering = Rows.ServiceOffering();
        await _host.InsertAsync(offering);
        return [("serviceofferingid", $"{offering.Id}"), ("zoneid", $"{_host.Zone.Id}"), ("templateid", $"{template.Id}"), ("startvm", "false")];
    }

    private async Task<string> DeployAsync(TestUser user, TemplateRow template, params (string, string)[] more) =>
        (await PostAsync(user, "deployVirtualMachine", [.. await DeployParametersAsync(template), .. more])).ShouldSucceed().Body.GetProperty("id").GetString()!;

    private async Task<string?> ToldAsync(string vm) =>
        (await _host.CallAsync(_host.Other, "getVirtualMachineUserData", ("virtualmachineid", vm))).ShouldSucceed().Body.GetProperty("virtualmachineuserdata").TryGetProperty("userdata", out var content) ? content.GetString() : null;

    private Task<int> VmsAsync() => _host.Database.ReadAsync((db, ct) => db.Vms.CountAsync(ct), Token);

    private Task<TemplateRow> TemplateAsync(TemplateId id) => _host.Database.ReadAsync((db, ct) => db.Templates.SingleAsync(t => t.Id == id, ct), Token);

    private Task<ApiAnswer> PostAsync(TestUser user, string command, params (string, string)[] parameters) => _host.SendAsync(user, HttpMethod.Post, command, parameters);

    public sealed class OnSqlite(RealApiHost host) : LinkedUserDataTests(host), IClassFixture<RealApiHost>;

    public sealed class OnPostgreSql(RealPostgreSqlApiHost host) : LinkedUserDataTests(host), IClassFixture<RealPostgreSqlApiHost>;
}
