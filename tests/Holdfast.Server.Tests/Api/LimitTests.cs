using System.Globalization;
using System.Text.Json;
using Holdfast.Core.Ids;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>What accounts and domains may have.</summary>
public sealed class LimitTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static int _names;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_account_gets_as_many_vms_as_it_may_have_and_another_when_one_is_destroyed()
    {
        var user = await UserAsync();
        await LimitAsync(user, 0, 1);
        var (offering, template) = await MachineAsync();
        var first = await DeployAsync(user, offering, template);

        (await TryDeployAsync(user, offering, template)).ShouldFail(535).ErrorText.ShouldBe(
            $"Maximum amount of resources of Type = 'user_vm' for account {user.Account.Name} ({user.Account.Id}) is exceeded: it may have 1 VMs, has 1, and 1 more are asked for");

        await SucceedAsync(user, "destroyVirtualMachine", ("id", first));
        await DeployAsync(user, offering, template);
        (await host.CallAsync(host.Admin, "recoverVirtualMachine", ("id", first))).ShouldFail(535).ErrorText!.ShouldContain("'user_vm'");
        (await ShownAsync(user)).GetProperty("vmtotal").GetInt64().ShouldBe(1);

        // Who looks after it is bound by it, too; root administrators' own accounts are not.
        (await TryDeployAsync(host.Admin, offering, template, ("account", user.Account.Name), ("domainid", user.Domain.Id.ToString()))).ShouldFail(535);
        await DeployAsync(host.Admin, offering, template);
    }

    [Theory]
    [InlineData(8, 2, "cpu", 3L)]
    [InlineData(9, 512, "memory", 1024L)]
    [InlineData(2, 1, "volume", null)]
    [InlineData(10, 4, "primary_storage", null)]
    public async Task What_a_vm_brings_along_is_limited_at_its_deployment_and_when_it_grows(int type, long most, string name, long? grown)
    {
        var user = await UserAsync();
        await LimitAsync(user, type, most);
        var (offering, template) = await MachineAsync(cpus: 2, memory: 512, templateGib: 4);
        var vm = await DeployAsync(user, offering, template);

        (await TryDeployAsync(user, offering, template)).ShouldFail(535).ErrorText!.ShouldContain($"'{name}'");
        if (grown is { } more)
        {
            var (larger, _) = await MachineAsync(cpus: type == 8 ? (int)more : 2, memory: type == 9 ? (int)more : 512);
            (await host.CallAsync(user, "changeServiceForVirtualMachine", ("id", vm), ("serviceofferingid", larger))).ShouldFail(535).ErrorText!.ShouldContain($"'{name}'");
            var (smaller, _) = await MachineAsync(cpus: 1, memory: 256);
            (await host.CallAsync(user, "changeServiceForVirtualMachine", ("id", vm), ("serviceofferingid", smaller))).ShouldSucceed();
        }
        else
        {
            (await VolumeAsync(user, 1)).ShouldFail(535).ErrorText!.ShouldContain($"'{name}'");
        }
    }

    [Fact]
    public async Task A_volume_grows_as_far_as_its_account_may_have_and_what_is_deleted_makes_room()
    {
        var user = await UserAsync();
        await LimitAsync(user, 10, 3);
        var volume = (await VolumeAsync(user, 2)).ShouldSucceed().Body.GetProperty("id").GetString()!;
        (await VolumeAsync(user, 2)).ShouldFail(535).ErrorText!.ShouldContain("it may have 3 GiB of volumes, has 2, and 2 more are asked for");
        (await host.CallAsync(user, "resizeVolume", ("id", volume), ("size", "4"))).ShouldFail(535);
        (await host.CallAsync(user, "resizeVolume", ("id", volume), ("size", "3"))).ShouldSucceed();
        (await ShownAsync(user)).GetProperty("primarystorageavailable").GetString().ShouldBe("0");

        (await host.CallAsync(user, "deleteVolume", ("id", volume))).ShouldSucceed();
        (await VolumeAsync(user, 3)).ShouldSucceed();
    }

    [Fact]
    public async Task Templates_are_limited()
    {
        var user = await UserAsync();
        await LimitAsync(user, 4, 0);

        (await host.CallAsync(user, "registerTemplate", ("name", "t"), ("displaytext", "t"), ("url", "https://images.example.org/t.qcow2"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("zoneid", host.Zone.Id.ToString())))
            .ShouldFail(535).ErrorText!.ShouldContain("'template'");
    }

    [Fact]
    public async Task The_accounts_of_a_domain_and_all_below_it_have_together_what_the_domain_may_have()
    {
        var upper = await DomainAsync(null);
        var lower = await DomainAsync(upper);
        var (one, other) = (await UserAsync(upper), await UserAsync(lower));
        (await host.CallAsync(host.Admin, "updateResourceLimit", ("domainid", upper), ("resourcetype", "2"), ("max", "2"))).ShouldSucceed().Body.GetProperty("resourcelimit").GetProperty("max").GetInt64().ShouldBe(2);

        (await VolumeAsync(one, 1)).ShouldSucceed();
        (await VolumeAsync(other, 1)).ShouldSucceed();
        (await VolumeAsync(one, 1)).ShouldFail(535).ErrorText!.ShouldContain("for domain ROOT/");
        (await VolumeAsync(other, 1)).ShouldFail(535);

        var shown = (await host.CallAsync(host.Admin, "listDomains", ("id", upper))).List("domain").Single();
        shown.GetProperty("volumelimit").GetString().ShouldBe("2");
        shown.GetProperty("volumetotal").GetInt64().ShouldBe(2);
        shown.GetProperty("volumeavailable").GetString().ShouldBe("0");
        (await host.CallAsync(host.Admin, "listDomains", ("id", lower))).List("domain").Single().GetProperty("volumetotal").GetInt64().ShouldBe(1);
    }

    [Fact]
    public async Task Without_a_limit_of_its_own_an_account_has_that_of_the_settings()
    {
        var user = await UserAsync();
        (await ShownAsync(user)).GetProperty("vmlimit").GetString().ShouldBe("20");
        (await MaximumAsync(user, "account", "user_vm")).ShouldBe(20);
        await LimitAsync(user, 0, -1);
        (await ShownAsync(user)).GetProperty("vmlimit").GetString().ShouldBe("Unlimited");
        (await ShownAsync(user)).GetProperty("vmavailable").GetString().ShouldBe("Unlimited");
        (await MaximumAsync(user, "account", "user_vm")).ShouldBe(-1);
        (await host.CallAsync(host.Admin, "listAccounts", ("id", host.Admin.Account.Id.ToString()))).List("account").Single().GetProperty("vmlimit").GetString().ShouldBe("Unlimited");
        (await host.CallAsync(host.Admin, "updateConfiguration", ("name", "max.account.user.vms"), ("value", "-2"))).ShouldFail(431);
    }

    [Fact]
    public async Task Who_may_set_a_limit_and_what_it_may_be()
    {
        var domain = await DomainAsync(host.DomainAdmin.Domain.Id.ToString());
        var user = await UserAsync(domain);

        // A domain administrator, below what the domain may have.
        await LimitAsync(user, 0, 7, by: host.DomainAdmin);
        (await host.CallAsync(host.DomainAdmin, "updateResourceLimit", ("domainid", domain), ("resourcetype", "0"), ("max", "5"))).ShouldSucceed();
        (await SetAsync(host.DomainAdmin, user, 0, 6)).ShouldFail(431).ErrorText!.ShouldContain("is more than the 5 that the domain");
        (await host.CallAsync(host.DomainAdmin, "updateResourceLimit", ("domainid", host.DomainAdmin.Domain.Id.ToString()), ("resourcetype", "0"), ("max", "5"))).ShouldFail(531).ErrorText!.ShouldContain("own domain");

        // Not others', whose names they do not learn, and not those that have none.
        var elsewhere = await UserAsync(await DomainAsync(null));
        (await SetAsync(host.DomainAdmin, elsewhere, 0, 1)).ShouldFail(431);
        (await host.CallAsync(host.DomainAdmin, "updateResourceLimit", ("domainid", elsewhere.Domain.Id.ToString()), ("resourcetype", "0"), ("max", "5"))).ShouldFail(431);
        (await SetAsync(host.Admin, host.Admin, 0, 1)).ShouldFail(431).ErrorText!.ShouldContain("has no limits");
        (await host.CallAsync(host.Admin, "updateResourceLimit", ("domainid", host.Admin.Domain.Id.ToString()), ("resourcetype", "0"), ("max", "5"))).ShouldFail(431).ErrorText!.ShouldContain("has no limits");
        (await SetAsync(user, user, 0, 1)).ShouldFail(401);

        // Of what there is no limit, and no number.
        (await SetAsync(host.Admin, user, 6, 1)).ShouldFail(431).ErrorText!.ShouldContain("value=6");
        (await SetAsync(host.Admin, user, 0, -2)).ShouldFail(431).ErrorText!.ShouldContain("value=-2");
        (await MaximumAsync(user, "account", "user_vm")).ShouldBe(7);
    }

    [Fact]
    public async Task Limits_and_counts_are_listed_for_one_owner()
    {
        var user = await UserAsync();
        (await VolumeAsync(user, 2)).ShouldSucceed();
        (string, string)[] owner = [("account", user.Account.Name), ("domainid", user.Domain.Id.ToString())];

        var limits = (await host.CallAsync(user, "listResourceLimits")).List("resourcelimit");
        limits.Select(l => l.GetProperty("resourcetype").GetString()).ShouldBe(["0", "2", "4", "5", "8", "9", "10"]);
        limits[0].GetProperty("account").GetString().ShouldBe(user.Account.Name);
        (await host.CallAsync(host.Admin, "listResourceLimits", [("resourcetypename", "Volume"), .. owner])).List("resourcelimit").Single().GetProperty("max").GetInt64().ShouldBe(20);
        (await host.CallAsync(host.Admin, "listResourceLimits", ("domainid", user.Domain.Id.ToString()), ("resourcetype", "2"))).List("resourcelimit").Single().TryGetProperty("account", out _).ShouldBeFalse();
        (await host.CallAsync(user, "listResourceLimits", ("page", "2"), ("pagesize", "4"))).List("resourcelimit").Length.ShouldBe(3);
        (await host.CallAsync(host.User, "listResourceLimits", owner)).ShouldFail(431);
        (await host.CallAsync(host.Admin, "listResourceLimits", ("resourcetype", "1"))).ShouldFail(431);

        (await host.CallAsync(host.Admin, "updateResourceCount", [("resourcetype", "10"), .. owner])).List("resourcecount").Single().GetProperty("resourcecount").GetInt64().ShouldBe(2);
    }

    private static string Name(string stem) => $"{stem}{Interlocked.Increment(ref _names).ToString(CultureInfo.InvariantCulture)}";

    private async Task<string> DomainAsync(string? above) =>
        (await host.CallAsync(host.Admin, "createDomain", [("name", Name("limited")), .. above is null ? Array.Empty<(string, string)>() : [("parentdomainid", above)]]))
        .ShouldSucceed().Body.GetProperty("domain").GetProperty("id").GetString()!;

    private async Task<TestUser> UserAsync(string? domain = null)
    {
        var id = domain is null ? host.Admin.Domain.Id : new DomainId(Guid.Parse(domain));
        return await host.AddUserAsync(Name("bounded"), await host.Database.ReadAsync((db, ct) => db.Domains.SingleAsync(d => d.Id == id, ct), Token), 0);
    }

    private Task<ApiAnswer> SetAsync(TestUser by, TestUser owner, int type, long most) => host.CallAsync(
        by,
        "updateResourceLimit",
        ("account", owner.Account.Name),
        ("domainid", owner.Domain.Id.ToString()),
        ("resourcetype", type.ToString(CultureInfo.InvariantCulture)),
        ("max", most.ToString(CultureInfo.InvariantCulture)));

    private async Task LimitAsync(TestUser owner, int type, long most, TestUser? by = null) => (await SetAsync(by ?? host.Admin, owner, type, most)).ShouldSucceed();

    private async Task<JsonElement> ShownAsync(TestUser user) => (await host.CallAsync(user, "listAccounts")).List("account").Single();

    private async Task<long> MaximumAsync(TestUser user, string field, string type)
    {
        var limit = (await host.CallAsync(user, "listResourceLimits", ("resourcetypename", type))).List("resourcelimit").Single();
        limit.GetProperty(field).GetString().ShouldBe(user.Account.Name);
        return limit.GetProperty("max").GetInt64();
    }

    private async Task<(string Offering, string Template)> MachineAsync(int cpus = 1, int memory = 256, int templateGib = 1)
    {
        var offering = Rows.ServiceOffering(Name("offering")) with { Cpus = cpus, MemoryMib = memory };
        var template = Rows.Template(host.Admin, Name("template"), isPublic: true) with { SizeBytes = (long)templateGib << 30 };
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        return (offering.Id.ToString(), template.Id.ToString());
    }

    private Task<ApiAnswer> TryDeployAsync(TestUser user, string offering, string template, params (string, string)[] more) => host.CallAsync(
        user, "deployVirtualMachine", [("serviceofferingid", offering), ("templateid", template), ("zoneid", host.Zone.Id.ToString()), ("startvm", "false"), .. more]);

    private async Task<string> DeployAsync(TestUser user, string offering, string template) =>
        (await TryDeployAsync(user, offering, template)).ShouldSucceed().Body.GetProperty("id").GetString()!;

    private async Task<ApiAnswer> VolumeAsync(TestUser user, int gib)
    {
        var offering = Rows.DiskOffering(Name("disk")) with { Customized = true, SizeBytes = 0 };
        await host.InsertAsync(offering);
        return await host.CallAsync(user, "createVolume", ("name", Name("v")), ("diskofferingid", offering.Id.ToString()), ("size", gib.ToString(CultureInfo.InvariantCulture)), ("zoneid", host.Zone.Id.ToString()));
    }

    private async Task SucceedAsync(TestUser user, string command, params (string, string)[] parameters)
    {
        var job = (await host.CallAsync(user, command, parameters)).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        (await host.CallAsync(user, "queryAsyncJobResult", ("jobid", job))).ShouldSucceed().Body.GetProperty("jobstatus").GetInt32().ShouldBe(1);
    }
}
