using System.Text;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.UserData;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>User data and passwords of VMs: what is taken, who is shown it, and what is kept.</summary>
public sealed class UserDataTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private const string Hello = "I2Nsb3VkLWNvbmZpZwo=";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Hello, Hello)]
    [InlineData("I2Nsb3VkLWNvbmZpZwo", Hello)]
    [InlineData("I2Nsb3Vk\r\nLWNvbmZpZwo=\n", Hello)]
    [InlineData("I2Nsb3VkLWNvbmZpZwo%3D", Hello)]
    [InlineData("-_-_", "+/+/")]
    [InlineData("not*base64", null)]
    [InlineData("#cloud-config\n", null)]
    [InlineData("I2Ns b3Vk", null)]
    [InlineData("A", null)]
    [InlineData("====", null)]
    [InlineData("\n", null)]
    public void User_data_is_base64_with_either_alphabet(string sent, string? read) => UserDataText.Read(sent).ShouldBe(read);

    [Fact]
    public async Task User_data_is_registered_shown_to_its_owner_and_deleted()
    {
        var name = $"web {Guid.NewGuid():N}";
        var made = (await PostAsync(host.User, "registerUserData", ("name", name), ("userdata", Hello.TrimEnd('=')), ("params", "role,tier"))).ShouldSucceed().Body.GetProperty("userdata");
        var id = made.GetProperty("id").GetString()!;

        made.GetProperty("userdata").GetString().ShouldBe(Hello);
        made.GetProperty("params").GetString().ShouldBe("role,tier");
        made.GetProperty("account").GetString().ShouldBe(host.User.Account.Name);
        (await PostAsync(host.User, "registerUserData", ("name", name), ("userdata", Hello))).ShouldFail(431).ErrorText!.ShouldContain($"A userdata with name {name} already exists");
        (await PostAsync(host.User, "registerUserData", ("name", "bad"), ("userdata", "#cloud-config\n"))).ShouldFail(431).ErrorText!.ShouldContain("userdata: User data is not base64 encoded");

        (await host.CallAsync(host.User, "listUserData", ("id", id))).List("userdata").Single().GetProperty("userdata").GetString().ShouldBe(Hello);
        (await host.CallAsync(host.User, "listUserData", ("name", name))).List("userdata").Single().GetProperty("userdata").GetString().ShouldBe(Hello);
        (await host.CallAsync(host.User, "listUserData", ("keyword", name[..8]))).List("userdata").Count(u => u.TryGetProperty("userdata", out _)).ShouldBe(0);
        (await host.CallAsync(host.Other, "listUserData", ("id", id))).ShouldFail(431);
        (await host.CallAsync(host.Other, "listUserData", ("listall", "true"))).Text.ShouldNotContain(name);
        (await PostAsync(host.Other, "deleteUserData", ("id", id))).ShouldFail(431);
        (await PostAsync(host.Admin, "deleteUserData", ("id", id), ("account", "nobody"))).ShouldFail(431).ErrorText!.ShouldContain("nobody");
        (await PostAsync(host.User, "deleteUserData", ("id", id))).ShouldSucceed().Body.GetProperty("success").GetBoolean().ShouldBeTrue();
        (await host.CallAsync(host.User, "listUserData", ("name", name))).Text.ShouldBe("""{"listuserdataresponse":{}}""");
    }

    [Fact]
    public async Task A_vm_has_the_user_data_that_it_was_deployed_with_up_to_a_mebibyte_and_as_it_is()
    {
        var deploy = await DeployAsync(passwordEnabled: false);
        (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, ("userdata", "not*base64")])).ShouldFail(431).ErrorText!.ShouldContain("userdata");
        (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, ("userdata", new string('A', (1 << 20) + 4))])).ShouldFail(431).ErrorText!.ShouldContain("userdata");

        // Compressed, as Cluster API sends it, and of random bytes: of the largest size there is.
        var bytes = new byte[(1 << 20) / 4 * 3];
        new Random(7).NextBytes(bytes);
        (bytes[0], bytes[1]) = (0x1f, 0x8b);
        var large = Convert.ToBase64String(bytes);
        large.Length.ShouldBe(1 << 20);
        var id = (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, ("userdata", large)])).ShouldSucceed().Body.GetProperty("id").GetString()!;

        (await UserDataAsync(host.User, id)).ShouldBe(large);
        (await host.CallAsync(host.User, "listVirtualMachines", ("id", id))).List("virtualmachine").Single().GetProperty("userdata").GetString().ShouldBe(large);
        (await host.CallAsync(host.User, "listVirtualMachines", ("ids", id))).List("virtualmachine").Single().TryGetProperty("userdata", out _).ShouldBeFalse();
        (await PostAsync(host.Other, "getVirtualMachineUserData", ("virtualmachineid", id))).ShouldFail(431);
        var none = (await PostAsync(host.User, "deployVirtualMachine", deploy)).ShouldSucceed().Body.GetProperty("id").GetString()!;
        (await host.CallAsync(host.User, "getVirtualMachineUserData", ("virtualmachineid", none))).Body.GetProperty("virtualmachineuserdata").TryGetProperty("userdata", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Registered_user_data_is_copied_and_kept_while_a_vm_has_it()
    {
        var (first, second) = (Rows.UserData(host.User), Rows.UserData(host.User) with { Content = Base64("second") });
        var others = Rows.UserData(host.Other);
        await host.InsertAsync(first, second, others);
        var deploy = await DeployAsync(passwordEnabled: false);
        (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, ("userdataid", others.Id.ToString())])).ShouldFail(431);
        (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, ("userdataid", first.Id.ToString()), ("userdata", Hello)])).ShouldFail(431).ErrorText!.ShouldContain("Both userdata and userdata ID inputs are not allowed");
        (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, ("userdataid", first.Id.ToString()), ("userdatadetails[0].local-hostname", "x")])).ShouldFail(431).ErrorText!.ShouldContain("local-hostname");

        var id = (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, ("userdataid", first.Id.ToString()), ("userdatadetails[0].role", "web")])).ShouldSucceed().Body.GetProperty("id").GetString()!;
        var shown = (await host.CallAsync(host.User, "listVirtualMachines", ("userdataid", first.Id.ToString()))).List("virtualmachine").Single();
        shown.GetProperty("id").GetString().ShouldBe(id);
        shown.GetProperty("userdataname").GetString().ShouldBe(first.Name);
        shown.GetProperty("userdatadetails").GetString().ShouldBe("{role=web}");
        (await UserDataAsync(host.User, id)).ShouldBe(first.Content);
        var refused = (await PostAsync(host.User, "deleteUserData", ("id", first.Id.ToString()))).ShouldFail(536).ErrorText!;
        refused.ShouldContain($"Userdata {first.Name}");
        refused.ShouldContain(id);

        var told = (await RowAsync(id)).Told;
        (await PostAsync(host.User, "updateVirtualMachine", ("id", id), ("displayname", "x"))).ShouldSucceed();
        (await RowAsync(id)).Told.ShouldBe(told, "nothing new is to be told");
        (await PostAsync(host.User, "updateVirtualMachine", ("id", id), ("userdataid", second.Id.ToString()))).ShouldSucceed();
        (await UserDataAsync(host.User, id)).ShouldBe(second.Content);
        (await PostAsync(host.User, "deleteUserData", ("id", first.Id.ToString()))).ShouldSucceed();
        (await RowAsync(id)).Told.ShouldBe(told + 1);

        (await PostAsync(host.Other, "resetUserDataForVirtualMachine", ("id", id), ("userdata", Hello))).ShouldFail(431);
        (await PostAsync(host.User, "resetUserDataForVirtualMachine", ("id", id), ("userdata", Hello))).ShouldSucceed().Body.GetProperty("virtualmachine").TryGetProperty("userdataid", out _).ShouldBeFalse();
        (await UserDataAsync(host.User, id)).ShouldBe(Hello);
        (await PostAsync(host.User, "resetUserDataForVirtualMachine", ("id", id))).ShouldSucceed();
        (await UserDataAsync(host.User, id)).ShouldBeNull();
        var running = Rows.Vm(host.User, host.Zone.Id, Rows.ServiceOffering()) with { State = VmState.Running };
        await host.InsertAsync(running);
        (await PostAsync(host.User, "resetUserDataForVirtualMachine", ("id", running.Id.ToString()), ("userdata", Hello))).ShouldFail(431).ErrorText!.ShouldContain($"Vm {running.Name} ({running.Id}) should be stopped");
    }

    [Fact]
    public async Task A_password_is_answered_to_who_asked_for_it_and_is_in_no_row_and_no_log()
    {
        (await PostAsync(host.User, "deployVirtualMachine", [.. await DeployAsync(passwordEnabled: false), ("password", "given")])).ShouldFail(431).ErrorText!.ShouldContain("password");
        var deploy = await DeployAsync(passwordEnabled: true);
        var made = (await PostAsync(host.User, "deployVirtualMachine", deploy)).ShouldSucceed().Body;
        var (id, job) = (made.GetProperty("id").GetString()!, made.GetProperty("jobid").GetString()!);

        var password = (await PasswordAsync(host.User, job))!;
        password.Length.ShouldBe(16);
        (await PasswordAsync(host.Admin, job)).ShouldBeNull("somebody else asked");
        (await PasswordAsync(host.DomainAdmin, job)).ShouldBeNull();
        (await host.CallAsync(host.User, "listVirtualMachines", ("id", id))).Text.ShouldNotContain(password);
        (await host.CallAsync(host.User, "listAsyncJobs")).Text.ShouldNotContain(password);
        (await host.Database.ReadAsync((db, ct) => db.Jobs.Where(j => j.InstanceId == Guid.Parse(id)).Select(j => j.Result).SingleAsync(ct), Token))!.ShouldNotContain(password);
        (await RowAsync(id)).Password!.ShouldStartWith("v1.");

        var reset = (await PostAsync(host.User, "resetPasswordForVirtualMachine", ("id", id), ("password", "correct \"horse\""))).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        (await PasswordAsync(host.User, reset)).ShouldBe("correct \"horse\"");
        (await PasswordAsync(host.User, job)).ShouldBeNull("it is not the guest's any more");
        (await PasswordAsync(host.User, (await PostAsync(host.User, "resetPasswordForVirtualMachine", ("id", id))).ShouldSucceed().Body.GetProperty("jobid").GetString()!))!.Length.ShouldBe(16);
        (await PostAsync(host.Other, "resetPasswordForVirtualMachine", ("id", id))).ShouldFail(431);
        (await PasswordAsync(host.User, (await PostAsync(host.User, "deployVirtualMachine", [.. deploy, ("password", "my own")])).ShouldSucceed().Body.GetProperty("jobid").GetString()!)).ShouldBe("my own");

        var plain = (await PostAsync(host.User, "deployVirtualMachine", await DeployAsync(passwordEnabled: false))).ShouldSucceed().Body.GetProperty("id").GetString()!;
        (await PostAsync(host.User, "resetPasswordForVirtualMachine", ("id", plain))).ShouldFail(431).ErrorText!.ShouldContain("the template is not password enabled");
        await host.Database.WriteAsync((db, ct) => db.Vms.Where(v => v.Id == new VmId(Guid.Parse(id))).Set(v => v.State, VmState.Running).UpdateAsync(ct), Token);
        (await PostAsync(host.User, "resetPasswordForVirtualMachine", ("id", id))).ShouldFail(431).ErrorText!.ShouldContain($"({id}) should be stopped");
        host.Log.Lines.ShouldAllBe(line => !line.Contains(password) && !line.Contains("horse"));
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private async Task<(string, string)[]> DeployAsync(bool passwordEnabled)
    {
        var (offering, template) = (Rows.ServiceOffering(), Rows.Template(host.Admin, isPublic: true) with { PasswordEnabled = passwordEnabled });
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        return [("serviceofferingid", offering.Id.ToString()), ("zoneid", host.Zone.Id.ToString()), ("templateid", template.Id.ToString()), ("startvm", "false")];
    }

    private async Task<string?> UserDataAsync(TestUser user, string vm) =>
        (await host.CallAsync(user, "getVirtualMachineUserData", ("virtualmachineid", vm))).ShouldSucceed().Body.GetProperty("virtualmachineuserdata").TryGetProperty("userdata", out var content) ? content.GetString() : null;

    private async Task<string?> PasswordAsync(TestUser user, string job)
    {
        var answer = (await host.CallAsync(user, "queryAsyncJobResult", ("jobid", job))).ShouldSucceed().Body;
        answer.GetProperty("jobstatus").GetInt32().ShouldBe(1);
        return answer.GetProperty("jobresult").GetProperty("virtualmachine").TryGetProperty("password", out var password) ? password.GetString() : null;
    }

    private Task<ApiAnswer> PostAsync(TestUser user, string command, params (string, string)[] parameters) => host.SendAsync(user, HttpMethod.Post, command, parameters);

    private Task<VmRow> RowAsync(string id) => host.Database.ReadAsync((db, ct) => db.Vms.SingleAsync(v => v.Id == new VmId(Guid.Parse(id)), ct), Token);
}
