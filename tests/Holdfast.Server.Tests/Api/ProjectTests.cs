using System.Globalization;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Startup;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Projects: who makes and changes them, who is in them, and whose what they have is.</summary>
public sealed class ProjectTests(RealApiHost host) : IClassFixture<RealApiHost>, IAsyncLifetime
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaLvdGGclRfnU8cw+RnIiq4+pWCCvLCKZvCaIpmRWig";
    private static int _names;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // All tests share a domain.
    public async ValueTask InitializeAsync()
    {
        foreach (var type in new[] { "0", "2", "4", "5", "8", "9", "10" })
        {
            await LimitAsync(("domainid", host.User.Domain.Id.ToString()), ("resourcetype", type), ("max", "-1"));
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_project_is_made_shown_and_changed_and_its_name_is_its_own_in_its_domain()
    {
        var owner = await UserAsync();
        var name = Name("alpha");
        var made = await ResultAsync(owner, "createProject", "project", ("name", name), ("displaytext", "First things"));

        var id = made.GetProperty("id").GetString()!;
        made.GetProperty("name").GetString().ShouldBe(name);
        made.GetProperty("displaytext").GetString().ShouldBe("First things");
        made.GetProperty("state").GetString().ShouldBe("Active");
        made.GetProperty("domain").GetString().ShouldBe("a");
        made.GetProperty("domainid").GetString().ShouldBe(owner.Domain.Id.ToString());
        made.GetProperty("vmlimit").GetString().ShouldBe("20");
        made.GetProperty("vmtotal").GetInt64().ShouldBe(0);
        made.TryGetProperty("projectlimit", out _).ShouldBeFalse();
        var held = made.GetProperty("owner").EnumerateArray().Single();
        held.GetProperty("account").GetString().ShouldBe(owner.Account.Name);
        held.GetProperty("accountid").GetString().ShouldBe(owner.Account.Id.ToString());

        // Terraform sends its fields empty when they are not set.
        var other = await ProjectAsync(owner, Name("alpha"), ("displaytext", ""));
        (await host.CallAsync(owner, "createProject", ("name", name.ToUpperInvariant()))).ShouldFail(431).ErrorText!.ShouldContain("already exists");
        (await host.CallAsync(owner, "updateProject", ("id", other), ("name", name))).ShouldFail(431).ErrorText!.ShouldContain("already exists");
        (await host.CallAsync(owner, "createProject", ("name", "a/b"))).ShouldFail(431);
        await ProjectAsync(host.Admin, name);
        await ProjectAsync(owner, owner.Account.Name);

        var changed = await ResultAsync(owner, "updateProject", "project", ("id", id), ("name", name + "b"), ("displaytext", "Other things"));
        changed.GetProperty("name").GetString().ShouldBe(name + "b");
        changed.GetProperty("projectaccountname").GetString().ShouldBe(name + "b");
        (await ListedAsync(owner, ("displaytext", "Other things"))).ShouldBe([id]);
        (await ListedAsync(owner, ("name", name + "B"))).ShouldBe([id]);
        (await ListedAsync(owner, ("keyword", name), ("state", "active"))).ShouldBe([id]);
        (await ListedAsync(owner, ("keyword", name), ("state", "Suspended"))).ShouldBeEmpty();
        (await host.CallAsync(owner, "listProjects", ("id", "-1"))).Text.ShouldBe("""{"listprojectsresponse":{}}""");
    }

    [Fact]
    public async Task What_a_project_has_is_its_members_and_shown_with_the_project()
    {
        var (owner, member, stranger) = (await UserAsync(), await UserAsync(), await UserAsync());
        var name = Name("shared");
        var project = await ProjectAsync(owner, name);
        await ResultAsync(owner, "addAccountToProject", null, ("projectid", project), ("account", member.Account.Name));

        var things = await FillAsync(member, project);

        foreach (var (list, key, id, more) in things)
        {
            foreach (var who in new[] { owner, member, host.DomainAdmin, host.Admin })
            {
                var shown = (await host.CallAsync(who, list, [("projectid", project), .. more])).ShouldSucceed().List(key).Single(r => IdOf(r) == id);
                shown.GetProperty("projectid").GetString().ShouldBe(project, list);
                shown.GetProperty("project").GetString().ShouldBe(name, list);
                shown.TryGetProperty("account", out _).ShouldBeFalse(list);
                shown.TryGetProperty("accountid", out _).ShouldBeFalse(list);
                (await IdsAsync(who, list, key, [("listall", "true"), .. more])).ShouldNotContain(id, $"{list}: a project's are asked for by name");
                (await IdsAsync(who, list, key, more)).ShouldNotContain(id, list);
                if (list != "listTemplates")
                {
                    (await IdsAsync(who, list, key, [("projectid", "-1"), ("listall", "true"), .. more])).ShouldContain(id, list);
                    (await IdsAsync(who, list, key, [("id", id), .. more])).ShouldBe([id], list);
                    (await IdsAsync(who, list, key, [("id", id), ("projectid", project), .. more])).ShouldBe([id], list);
                    (await IdsAsync(who, list, key, [("account", name), ("domainid", owner.Domain.Id.ToString()), .. more])).ShouldNotContain(id, list);
                }
            }

            (await host.CallAsync(stranger, list, [("projectid", project), .. more])).ShouldFail(431);
            (await IdsAsync(stranger, list, key, [("projectid", "-1"), ("listall", "true"), .. more])).ShouldNotContain(id, list);
            (await host.CallAsync(stranger, list, [("id", id), .. more])).ShouldFail(431);
        }

        (await ShownAsync(owner, project)).GetProperty("vmtotal").GetInt64().ShouldBe(1);

        // What a member does to it: changes by id, as if it were the member's.
        var vm = things.Single(t => t.List == "listVirtualMachines").Id;
        (await host.CallAsync(member, "updateVirtualMachine", ("id", vm), ("displayname", "Ours"))).ShouldSucceed().Body.GetProperty("virtualmachine").GetProperty("project").GetString().ShouldBe(name);
        (await host.CallAsync(stranger, "updateVirtualMachine", ("id", vm), ("displayname", "Mine"))).ShouldFail(431);
        (await host.CallAsync(member, "listEvents", ("projectid", project))).List("event").ShouldAllBe(e => e.GetProperty("projectid").GetString() == project);

        await ResultAsync(owner, "deleteAccountFromProject", null, ("projectid", project), ("account", member.Account.Name));
        foreach (var (list, key, id, more) in things)
        {
            (await host.CallAsync(member, list, [("id", id), .. more])).ShouldFail(431);
            (await host.CallAsync(member, list, [("projectid", project), .. more])).ShouldFail(431);
            (await IdsAsync(owner, list, key, [("projectid", project), .. more])).ShouldContain(id, "what it made stays the project's");
        }

        (await host.CallAsync(member, "updateVirtualMachine", ("id", vm), ("displayname", "Still mine"))).ShouldFail(431);
        (await ListedAsync(member, ("listall", "true"))).ShouldNotContain(project);
    }

    public static TheoryData<string> WithProject => [.. ServerCommands.Table.All.Where(c => c.Parameters.Any(p => p.Name == "projectid")).Select(c => c.Name)];

    /// <summary>Every command, present and future, that takes a project.</summary>
    [Theory]
    [MemberData(nameof(WithProject))]
    public async Task Somebody_elses_project_is_answered_like_one_that_is_not_there(string command)
    {
        var project = await CommandTableTests.EntityAsync(host, typeof(ProjectId), host.Other);
        var (user, nobodys) = ((ServerCommands.Table.Find(command)!.Roles & Roles.User) == 0 ? await AdminElsewhereAsync() : host.User, Guid.NewGuid());
        (string, string)[] rest = [.. ServerCommands.Table.Find(command)!.Parameters.Where(p => p.IsRequired && p.Name != "projectid" && p.Entity is null).Select(p => p.Name switch
        {
            "templatefilter" => (p.Name, "self"),
            "tags" or "details" => ($"{p.Name}[0].k", "v"),
            _ when p.Type == "uuid" => (p.Name, Guid.NewGuid().ToString()),
            _ when p.Type is "integer" or "long" => (p.Name, "0"),
            _ => (p.Name, "x"),
        })];
        foreach (var parameter in ServerCommands.Table.Find(command)!.Parameters.Where(p => p.IsRequired && p.Name != "projectid" && p.Entity is not null))
        {
            rest = [.. rest, (parameter.Name, (await CommandTableTests.EntityAsync(host, parameter.Entity!.Value.IdType, user)).ToString())];
        }

        var theirs = (await host.SendAsync(user, HttpMethod.Post, command, [.. rest, ("projectid", project.ToString())])).ShouldFail(431);
        var missing = (await host.SendAsync(user, HttpMethod.Post, command, [.. rest, ("projectid", nobodys.ToString())])).ShouldFail(431);

        theirs.Text.Replace(project.ToString(), "ID", StringComparison.Ordinal).ShouldBe(missing.Text.Replace(nobodys.ToString(), "ID", StringComparison.Ordinal));
        theirs.ErrorText!.ShouldContain("projectid");
    }

    [Fact]
    public async Task A_user_alone_is_in_a_project_without_the_others_of_the_account()
    {
        var (owner, alone) = (await UserAsync(), await UserAsync());
        var colleague = await ColleagueAsync(alone);
        var project = await ProjectAsync(owner);
        var vm = await DeployAsync(owner, ("projectid", project));
        await ResultAsync(owner, "addUserToProject", null, ("projectid", project), ("username", alone.Name));

        (await IdsAsync(alone, "listVirtualMachines", "virtualmachine", ("projectid", project))).ShouldBe([vm]);
        (await ListedAsync(alone)).ShouldBe([project]);
        (await ListedAsync(colleague)).ShouldBeEmpty();
        (await host.CallAsync(colleague, "listVirtualMachines", ("projectid", project))).ShouldFail(431);
        (await host.CallAsync(colleague, "listVirtualMachines", ("id", vm))).ShouldFail(431);

        var listed = (await host.CallAsync(owner, "listProjectAccounts", ("projectid", project))).List("projectaccount");
        listed.Select(m => (m.GetProperty("account").GetString(), m.GetProperty("role").GetString(), m.TryGetProperty("username", out var user) ? user.GetString() : null))
            .ShouldBe([(owner.Account.Name, "Admin", null), (alone.Account.Name, "Regular", alone.Name)]);
        listed[0].GetProperty("user").EnumerateArray().Single().GetProperty("username").GetString().ShouldBe(owner.Name);
        (await host.CallAsync(alone, "listProjectAccounts", ("projectid", project), ("userid", alone.Row.Id.ToString()))).List("projectaccount").Length.ShouldBe(1);
        (await host.CallAsync(alone, "listProjectAccounts", ("projectid", project), ("role", "Admin"))).List("projectaccount").Single().GetProperty("account").GetString().ShouldBe(owner.Account.Name);

        // The whole account and one of its users: the account first would make the user one of two ways in.
        await ResultAsync(owner, "addAccountToProject", null, ("projectid", project), ("account", alone.Account.Name));
        (await IdsAsync(colleague, "listVirtualMachines", "virtualmachine", ("projectid", project))).ShouldBe([vm]);
        (await host.CallAsync(owner, "addUserToProject", ("projectid", project), ("username", colleague.Name))).ShouldFail(431).ErrorText!.ShouldContain("already part");
        await ResultAsync(owner, "deleteAccountFromProject", null, ("projectid", project), ("account", alone.Account.Name));
        (await host.CallAsync(colleague, "listVirtualMachines", ("projectid", project))).ShouldFail(431);
        (await ListedAsync(alone)).ShouldBe([project]);

        await ResultAsync(owner, "deleteUserFromProject", null, ("projectid", project), ("userid", alone.Row.Id.ToString()));
        (await host.CallAsync(alone, "listVirtualMachines", ("projectid", project))).ShouldFail(431);
        (await host.CallAsync(owner, "deleteUserFromProject", ("projectid", project), ("userid", alone.Row.Id.ToString()))).ShouldFail(431);
        (await host.CallAsync(owner, "addUserToProject", ("projectid", project), ("username", "nobody"))).ShouldFail(431).ErrorText!.ShouldContain("Unable to find user nobody");
    }

    [Fact]
    public async Task A_project_is_changed_by_who_owns_it_or_looks_after_its_domain_and_by_nobody_else()
    {
        var (owner, member, stranger) = (await UserAsync(), await UserAsync(), await UserAsync());
        var elsewhere = await AdminElsewhereAsync();
        var project = await ProjectAsync(owner);
        await ResultAsync(owner, "addAccountToProject", null, ("projectid", project), ("account", member.Account.Name));
        (string Command, (string, string)[] Parameters)[] changes =
        [
            ("updateProject", [("id", project), ("displaytext", "x")]),
            ("suspendProject", [("id", project)]),
            ("activateProject", [("id", project)]),
            ("addAccountToProject", [("projectid", project), ("account", stranger.Account.Name)]),
            ("deleteAccountFromProject", [("projectid", project), ("account", stranger.Account.Name)]),
            ("addUserToProject", [("projectid", project), ("username", stranger.Name)]),
            ("deleteUserFromProject", [("projectid", project), ("userid", stranger.Row.Id.ToString())]),
            ("deleteProject", [("id", project), ("cleanup", "true")]),
        ];

        foreach (var (command, parameters) in changes)
        {
            (await host.CallAsync(member, command, parameters)).ShouldFail(531);
            (await host.CallAsync(stranger, command, parameters)).ShouldFail(431);
            (await host.CallAsync(elsewhere, command, parameters)).ShouldFail(431);
        }

        foreach (var (command, parameters) in changes)
        {
            await ResultAsync(host.DomainAdmin, command, null, parameters);
        }

        (await host.CallAsync(owner, "listProjects", ("listall", "true"))).List("project").ShouldNotContain(p => IdOf(p) == project);
        (await host.CallAsync(owner, "activateProject", ("id", project))).ShouldFail(431);
    }

    [Fact]
    public async Task A_project_has_an_owner_all_the_time()
    {
        var (owner, second, third) = (await UserAsync(), await UserAsync(), await UserAsync());
        var project = await ProjectAsync(owner);
        (await host.CallAsync(owner, "updateProject", ("id", project), ("account", second.Account.Name))).ShouldFail(431).ErrorText!.ShouldContain("is not in the project");
        (await host.CallAsync(owner, "deleteAccountFromProject", ("projectid", project), ("account", owner.Account.Name))).ShouldFail(431).ErrorText!.ShouldContain("no other owner");
        (await host.CallAsync(owner, "updateProject", ("id", project), ("account", owner.Account.Name), ("swapowner", "false"), ("roletype", "Regular"))).ShouldFail(431);
        await ResultAsync(owner, "addAccountToProject", null, ("projectid", project), ("account", second.Account.Name), ("roletype", "regular"));
        await ResultAsync(owner, "addAccountToProject", null, ("projectid", project), ("account", second.Account.Name));
        (await host.CallAsync(owner, "addAccountToProject", ("projectid", project), ("account", second.Account.Name), ("roletype", "Admin"))).ShouldFail(431).ErrorText!.ShouldContain("with role Regular");
        (await host.CallAsync(owner, "addAccountToProject", ("projectid", project), ("account", third.Account.Name), ("roletype", "king"))).ShouldFail(431);

        // Given to another, who owns it instead.
        await ResultAsync(owner, "updateProject", "project", ("id", project), ("account", second.Account.Name));
        OwnersOf(await ShownAsync(second, project)).ShouldBe([second.Account.Name]);
        (await host.CallAsync(owner, "updateProject", ("id", project), ("displaytext", "x"))).ShouldFail(531);
        (await host.CallAsync(host.Admin, "deleteAccount", ("id", second.Account.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldContain(project);

        // Shared with another, a user alone.
        await ResultAsync(second, "addUserToProject", null, ("projectid", project), ("username", third.Name), ("roletype", "Admin"));
        OwnersOf(await ShownAsync(second, project)).ShouldBe([second.Account.Name, third.Account.Name], ignoreOrder: true);
        (await host.CallAsync(second, "updateProject", ("id", project), ("account", owner.Account.Name))).ShouldFail(431).ErrorText!.ShouldContain("2 owners");
        (await host.CallAsync(host.Admin, "deleteUser", ("id", third.Row.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldContain(project);
        (await host.CallAsync(second, "updateProject", ("id", project), ("roletype", "Admin"))).ShouldFail(431);
        (await host.CallAsync(second, "updateProject", ("id", project), ("account", "x"), ("userid", third.Row.Id.ToString()))).ShouldFail(431);
        await ResultAsync(third, "updateProject", "project", ("id", project), ("account", second.Account.Name), ("swapowner", "false"), ("roletype", "Regular"));
        await ResultAsync(third, "deleteAccountFromProject", null, ("projectid", project), ("account", second.Account.Name));
        (await host.CallAsync(third, "deleteUserFromProject", ("projectid", project), ("userid", third.Row.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldContain("no other owner");
        await ResultAsync(third, "updateProject", "project", ("id", project), ("account", owner.Account.Name));
        OwnersOf(await ShownAsync(owner, project)).ShouldBe([owner.Account.Name]);
        await ResultAsync(owner, "updateProject", "project", ("id", project), ("userid", third.Row.Id.ToString()));
        OwnersOf(await ShownAsync(third, project)).ShouldBe([third.Account.Name]);
        await ResultAsync(host.Admin, "deleteAccount", null, ("id", second.Account.Id.ToString()));
    }

    [Fact]
    public async Task Administrators_make_projects_for_others_and_a_setting_keeps_users_from_making_them()
    {
        var (owner, other) = (await UserAsync(), await UserAsync());
        (string, string) domain = ("domainid", owner.Domain.Id.ToString());
        OwnersOf(await ResultAsync(host.Admin, "createProject", "project", ("name", Name("given")), ("account", owner.Account.Name), domain)).ShouldBe([owner.Account.Name]);
        OwnersOf(await ResultAsync(host.Admin, "createProject", "project", ("name", Name("given")), ("accountid", owner.Account.Id.ToString()))).ShouldBe([owner.Account.Name]);
        var users = await ResultAsync(host.Admin, "createProject", "project", ("name", Name("given")), ("userid", owner.Row.Id.ToString()), ("accountid", owner.Account.Id.ToString()), domain);
        users.GetProperty("owner").EnumerateArray().Single().GetProperty("user").GetString().ShouldBe(owner.Name);
        (await host.CallAsync(host.Admin, "createProject", ("name", Name("given")), ("userid", owner.Row.Id.ToString()), ("accountid", other.Account.Id.ToString()))).ShouldFail(431);
        (await host.CallAsync(host.Admin, "createProject", ("name", Name("given")), domain)).ShouldFail(431).ErrorText!.ShouldContain("domainid");
        (await host.CallAsync(owner, "createProject", ("name", Name("given")), ("account", other.Account.Name), domain)).ShouldFail(531);
        (await host.CallAsync(owner, "createProject", ("name", Name("given")), ("accountid", other.Account.Id.ToString()))).ShouldFail(431);
        (await host.CallAsync(owner, "createProject", ("name", Name("given")), ("userid", other.Row.Id.ToString()))).ShouldFail(431);

        (await host.CallAsync(owner, "listCapabilities")).Body.GetProperty("capability").GetProperty("allowusercreateprojects").GetBoolean().ShouldBeTrue();
        (await host.CallAsync(host.Admin, "updateConfiguration", ("name", "allow.user.create.projects"), ("value", "no"))).ShouldFail(431);
        (await host.CallAsync(host.Admin, "updateConfiguration", ("name", "allow.user.create.projects"), ("value", "FALSE"))).ShouldSucceed().Body.GetProperty("configuration").GetProperty("value").GetString().ShouldBe("false");
        try
        {
            (await host.CallAsync(owner, "createProject", ("name", Name("late")))).ShouldFail(531);
            (await host.CallAsync(owner, "listCapabilities")).Body.GetProperty("capability").GetProperty("allowusercreateprojects").GetBoolean().ShouldBeFalse();
            await ProjectAsync(host.DomainAdmin);
        }
        finally
        {
            (await host.CallAsync(host.Admin, "resetConfiguration", ("name", "allow.user.create.projects"))).ShouldSucceed();
        }
    }

    [Fact]
    public async Task Projects_and_what_they_have_are_limited()
    {
        var (owner, member) = (await UserAsync(), await UserAsync());
        await LimitAsync(("account", owner.Account.Name), ("domainid", owner.Domain.Id.ToString()), ("resourcetype", "5"), ("max", "1"));
        var project = await ProjectAsync(owner);
        (await host.CallAsync(owner, "createProject", ("name", Name("many")))).ShouldFail(535).ErrorText!.ShouldContain("'project'");
        var shown = (await host.CallAsync(owner, "listAccounts")).List("account").Single();
        shown.GetProperty("projectlimit").GetString().ShouldBe("1");
        shown.GetProperty("projecttotal").GetInt64().ShouldBe(1);
        shown.GetProperty("projectavailable").GetString().ShouldBe("0");

        // Only for who owns it; who takes it over needs room.
        await LimitAsync(("account", member.Account.Name), ("domainid", member.Domain.Id.ToString()), ("resourcetype", "5"), ("max", "0"));
        await ResultAsync(owner, "addAccountToProject", null, ("projectid", project), ("account", member.Account.Name));
        (await host.CallAsync(owner, "updateProject", ("id", project), ("account", member.Account.Name))).ShouldFail(535);
        OwnersOf(await ShownAsync(owner, project)).ShouldBe([owner.Account.Name], "nothing was changed");

        // A project's own limits.
        var limit = (await host.CallAsync(host.DomainAdmin, "updateResourceLimit", ("projectid", project), ("resourcetype", "0"), ("max", "1"))).ShouldSucceed().Body.GetProperty("resourcelimit");
        limit.GetProperty("projectid").GetString().ShouldBe(project);
        limit.GetProperty("max").GetInt64().ShouldBe(1);
        limit.TryGetProperty("account", out _).ShouldBeFalse();
        await DeployAsync(member, ("projectid", project));
        (await TryDeployAsync(member, ("projectid", project))).ShouldFail(535).ErrorText!.ShouldContain("'user_vm' for project");
        await DeployAsync(member);
        var listed = (await host.CallAsync(member, "listResourceLimits", ("projectid", project))).List("resourcelimit");
        listed.Select(l => l.GetProperty("resourcetype").GetString()).ShouldBe(["0", "2", "4", "8", "9", "10"]);
        listed[0].GetProperty("max").GetInt64().ShouldBe(1);
        listed[1].GetProperty("max").GetInt64().ShouldBe(20);
        (await host.CallAsync(host.DomainAdmin, "updateResourceCount", ("projectid", project), ("domainid", owner.Domain.Id.ToString()), ("resourcetype", "0"))).List("resourcecount").Single().GetProperty("resourcecount").GetInt64().ShouldBe(1);
        (await host.CallAsync(host.DomainAdmin, "updateResourceLimit", ("projectid", project), ("resourcetype", "5"), ("max", "1"))).ShouldFail(431);
        (await host.CallAsync(host.DomainAdmin, "updateResourceLimit", ("projectid", project), ("account", owner.Account.Name), ("resourcetype", "0"), ("max", "1"))).ShouldFail(431);
        (await host.CallAsync(owner, "updateResourceLimit", ("projectid", project), ("resourcetype", "0"), ("max", "9"))).ShouldFail(401);

        // The domain's limit counts what projects in it have.
        var domain = await NewDomainAsync();
        var inside = await UserAsync(domain);
        await LimitAsync(("domainid", domain.Id.ToString()), ("resourcetype", "0"), ("max", "1"));
        await DeployAsync(inside, ("projectid", await ProjectAsync(inside)));
        (await TryDeployAsync(inside)).ShouldFail(535).ErrorText!.ShouldContain("for domain");
    }

    [Fact]
    public async Task Nothing_is_made_in_a_project_that_is_suspended_and_all_goes_on_when_it_is_active_again()
    {
        var owner = await UserAsync();
        var project = await ProjectAsync(owner);
        var vm = await DeployAsync(owner, ("projectid", project));
        (await ResultAsync(owner, "suspendProject", "project", ("id", project))).GetProperty("state").GetString().ShouldBe("Suspended");
        (await ResultAsync(owner, "suspendProject", "project", ("id", project))).GetProperty("state").GetString().ShouldBe("Suspended");

        (await TryDeployAsync(owner, ("projectid", project))).ShouldFail(531).ErrorText!.ShouldContain("is Suspended");
        (await host.CallAsync(owner, "startVirtualMachine", ("id", vm))).ShouldFail(531).ErrorText!.ShouldContain("is Suspended");
        (await host.CallAsync(owner, "registerSSHKeyPair", ("projectid", project), ("name", "late"), ("publickey", Key))).ShouldFail(531);
        (await host.CallAsync(owner, "createInstanceGroup", ("projectid", project), ("name", "late"))).ShouldFail(531);
        (await host.CallAsync(owner, "addAccountToProject", ("projectid", project), ("account", host.User.Account.Name))).ShouldFail(431).ErrorText!.ShouldContain("Suspended");
        (await IdsAsync(owner, "listVirtualMachines", "virtualmachine", ("projectid", project))).ShouldBe([vm]);
        (await ListedAsync(owner, ("state", "Suspended"))).ShouldBe([project]);

        (await ResultAsync(owner, "activateProject", "project", ("id", project))).GetProperty("state").GetString().ShouldBe("Active");
        await DeployAsync(owner, ("projectid", project));
    }

    [Fact]
    public async Task A_project_with_something_in_it_is_deleted_with_what_it_has_when_that_is_asked_for()
    {
        var (owner, member) = (await UserAsync(), await UserAsync());
        var name = Name("ends");
        var project = await ProjectAsync(owner, name);
        await ResultAsync(owner, "addAccountToProject", null, ("projectid", project), ("account", member.Account.Name));
        await FillAsync(member, project);
        await ResultAsync(owner, "createTags", null, ("resourceids", project), ("resourcetype", "Project"), ("tags[0].key", "stage"), ("tags[0].value", "end"));
        (await ListedAsync(member, ("tags[0].key", "stage"), ("tags[0].value", "end"))).ShouldBe([project]);
        (await ListedAsync(member, ("tags[0].key", "stage"), ("tags[0].value", "begin"))).ShouldBeEmpty();
        (await ShownAsync(member, project)).GetProperty("tags").EnumerateArray().Single().GetProperty("projectid").GetString().ShouldBe(project);

        (await host.CallAsync(owner, "deleteProject", ("id", project))).ShouldFail(536).ErrorText!.ShouldContain("Can't delete the project");
        (await ShownAsync(owner, project)).GetProperty("state").GetString().ShouldBe("Active", "nothing was changed");
        await ResultAsync(owner, "deleteProject", null, ("id", project), ("cleanup", "true"));

        (await host.CallAsync(owner, "listVirtualMachines", ("projectid", project))).ShouldFail(431);
        (await ListedAsync(member, ("listall", "true"))).ShouldNotContain(project);
        var account = new AccountId(Guid.Parse(project));
        await host.Database.ReadAsync(
            async (db, ct) =>
            {
                (await db.Accounts.SingleAsync(a => a.Id == account, ct)).Removed.ShouldNotBeNull();
                (await db.Vms.CountAsync(v => v.AccountId == account && v.Removed == null, ct)).ShouldBe(0);
                (await db.Templates.CountAsync(t => t.AccountId == account && t.Removed == null, ct)).ShouldBe(0);
                (await db.SshKeyPairs.CountAsync(k => k.AccountId == account, ct)).ShouldBe(0);
                (await db.ProjectMembers.CountAsync(m => m.ProjectId == account, ct)).ShouldBe(0);
                (await db.Tags.CountAsync(t => t.AccountId == account, ct)).ShouldBe(0);
                return true;
            },
            Token);
        await ProjectAsync(owner, name);
        await ResultAsync(owner, "deleteProject", null, ("id", await ProjectAsync(owner)));
    }

    [Fact]
    public async Task A_projects_account_is_no_account_for_who_looks_after_accounts()
    {
        var owner = await UserAsync();
        var name = Name("hidden");
        var project = await ProjectAsync(owner, name);
        (string, string)[] named = [("account", name), ("domainid", owner.Domain.Id.ToString())];

        (await host.CallAsync(host.Admin, "listAccounts", ("listall", "true"))).List("account").ShouldNotContain(a => IdOf(a) == project);
        (await host.CallAsync(host.Admin, "listAccounts", ("accounttype", "5"), ("listall", "true"))).List("account").ShouldBeEmpty();
        (await host.CallAsync(host.Admin, "listAccounts", ("id", project))).ShouldFail(431);
        foreach (var command in new[] { "deleteAccount", "disableAccount", "lockAccount", "enableAccount", "updateAccount" })
        {
            (await host.CallAsync(host.Admin, command, ("id", project))).ShouldFail(431);
        }

        (await host.CallAsync(host.Admin, "disableAccount", [("lock", "false"), .. named])).ShouldFail(431);
        (await host.CallAsync(host.Admin, "updateResourceLimit", [("resourcetype", "0"), ("max", "1"), .. named])).ShouldFail(431);
        (await TryDeployAsync(host.Admin, named)).ShouldFail(431);
        (await host.SendAsync(
            host.Admin, HttpMethod.Post, "createUser", [("username", Name("u")), ("password", "secret horse"), ("firstname", "F"), ("lastname", "L"), ("email", "x@example.org"), .. named])).ShouldFail(431);
        (await TryDeployAsync(owner, ("projectid", project), ("account", owner.Account.Name))).ShouldFail(431).ErrorText!.ShouldContain("can't be specified together");
        (await ListedAsync(host.DomainAdmin, ("listall", "true"))).ShouldContain(project);
        (await ListedAsync(host.DomainAdmin, ("account", owner.Account.Name), ("domainid", owner.Domain.Id.ToString()))).ShouldBe([project]);
        (await ListedAsync(host.DomainAdmin, ("username", owner.Name))).ShouldBe([project]);
        (await ListedAsync(host.DomainAdmin)).ShouldNotContain(project, "it is not in it");
    }

    [Fact]
    public async Task What_is_a_projects_and_what_is_an_accounts_do_not_mix()
    {
        var owner = await UserAsync();
        var project = await ProjectAsync(owner);
        var (mine, ours) = (await DeployAsync(owner), await DeployAsync(owner, ("projectid", project)));
        var disk = Rows.DiskOffering(Name("disk"));
        await host.InsertAsync(disk);
        (string, string)[] volume = [("diskofferingid", disk.Id.ToString()), ("zoneid", host.Zone.Id.ToString())];
        var loose = (await host.CallAsync(owner, "createVolume", [("name", "v"), ("projectid", project), .. volume])).ShouldSucceed().Body.GetProperty("id").GetString()!;

        (await host.CallAsync(owner, "attachVolume", ("id", loose), ("virtualmachineid", mine))).ShouldFail(431);
        (await host.CallAsync(owner, "createVolume", [("name", "w"), ("projectid", project), ("virtualmachineid", mine), .. volume])).ShouldFail(431);
        var follows = (await host.CallAsync(owner, "createVolume", [("name", "x"), ("virtualmachineid", ours), .. volume])).ShouldSucceed().Body.GetProperty("id").GetString()!;
        (await host.CallAsync(owner, "listVolumes", ("id", follows))).List("volume").Single().GetProperty("projectid").GetString().ShouldBe(project, "a volume made for a VM is the VM's owner's");

        // One that is given to the project is the project's with what it has.
        (await host.CallAsync(host.DomainAdmin, "assignVirtualMachine", ("virtualmachineid", mine), ("projectid", project))).ShouldSucceed().Body.GetProperty("virtualmachine").GetProperty("projectid").GetString().ShouldBe(project);
        (await IdsAsync(owner, "listVirtualMachines", "virtualmachine", ("projectid", project))).ShouldContain(mine);

        // Templates: a project uses its own and public ones.
        var template = Rows.Template(owner, Name("private"));
        await host.InsertAsync(template);
        (await TryDeployAsync(owner, ("projectid", project), ("templateid", template.Id.ToString()))).ShouldFail(431);
        (await IdsAsync(owner, "listTemplates", "template", ("templatefilter", "self"), ("projectid", project))).ShouldBeEmpty();

        // Key pairs by their names: those of the project.
        (await host.CallAsync(owner, "registerSSHKeyPair", ("name", "mine"), ("publickey", Key))).ShouldSucceed();
        (await TryDeployAsync(owner, ("projectid", project), ("keypair", "mine"))).ShouldFail(431);
        (await host.CallAsync(owner, "deleteSSHKeyPair", ("name", "mine"), ("projectid", project))).ShouldFail(431);
        (await host.CallAsync(owner, "registerSSHKeyPair", ("name", "ours"), ("publickey", Key), ("projectid", project))).ShouldSucceed();
        await DeployAsync(owner, ("projectid", project), ("keypair", "ours"));
        (await host.CallAsync(owner, "deleteSSHKeyPair", ("name", "ours"), ("projectid", project))).ShouldSucceed();
    }

    [Fact]
    public async Task A_user_who_moves_keeps_the_own_place_in_projects_and_leaves_the_accounts()
    {
        var (first, second) = (await UserAsync(), await UserAsync());
        var colleague = await ColleagueAsync(first);
        var (theirs, own) = (await ProjectAsync(first), await ProjectAsync(second));
        await ResultAsync(second, "addUserToProject", null, ("projectid", own), ("username", colleague.Name));
        (await ListedAsync(colleague)).ShouldBe([theirs, own], ignoreOrder: true);

        (await host.CallAsync(host.Admin, "moveUser", ("id", colleague.Row.Id.ToString()), ("accountid", host.User.Account.Id.ToString()))).ShouldSucceed();

        (await ListedAsync(colleague)).ShouldContain(own);
        (await ListedAsync(colleague)).ShouldNotContain(theirs);
        (await host.CallAsync(second, "listProjectAccounts", ("projectid", own), ("userid", colleague.Row.Id.ToString()))).List("projectaccount").Single().GetProperty("account").GetString().ShouldBe(host.User.Account.Name);
        (await host.CallAsync(host.Admin, "deleteUser", ("id", colleague.Row.Id.ToString()))).ShouldSucceed();
        (await host.CallAsync(second, "listProjectAccounts", ("projectid", own))).List("projectaccount").Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_domain_is_not_empty_with_a_project_in_it_and_goes_with_it()
    {
        var domain = await NewDomainAsync();
        var project = await ProjectAsync(await UserAsync(domain));
        (await host.CallAsync(host.Admin, "deleteDomain", ("id", domain.Id.ToString()))).ShouldFail(530).ErrorText!.ShouldContain("1 projects");
        (await host.CallAsync(host.Admin, "deleteDomain", ("id", domain.Id.ToString()), ("cleanup", "true"))).ShouldSucceed();
        await TestNode.UntilAsync(async () => !await IsThereAsync(), () => "the end of the domain's project");

        Task<bool> IsThereAsync() => host.Database.ReadAsync((db, ct) => db.Accounts.AnyAsync(a => a.Id == new AccountId(Guid.Parse(project)) && a.Removed == null, ct), Token);
    }

    private static string Name(string stem) => $"{stem}{Interlocked.Increment(ref _names).ToString(CultureInfo.InvariantCulture)}";

    private static string? IdOf(JsonElement row) => row.GetProperty("id").GetString();

    private static string?[] OwnersOf(JsonElement project) => [.. project.GetProperty("owner").EnumerateArray().Select(o => o.GetProperty("account").GetString())];

    private Task<TestUser> UserAsync(DomainRow? domain = null) => host.AddUserAsync(Name("member"), domain ?? host.User.Domain, 0);

    private async Task<TestUser> AdminElsewhereAsync() => await host.AddUserAsync(Name("elsewhere"), await NewDomainAsync(), 2);

    private Task<DomainRow> NewDomainAsync() => host.AddDomainAsync(Name("place"));

    // Another user of the same account.
    private async Task<TestUser> ColleagueAsync(TestUser user)
    {
        var other = await UserAsync(user.Domain);
        await host.Database.WriteAsync((db, ct) => db.Users.Where(u => u.Id == other.Row.Id).Set(u => u.AccountId, user.Account.Id).UpdateAsync(ct), Token);
        return other with { Account = user.Account, Row = other.Row with { AccountId = user.Account.Id } };
    }

    private async Task<string> ProjectAsync(TestUser owner, string? name = null, params (string, string)[] more) =>
        IdOf(await ResultAsync(owner, "createProject", "project", [("name", name ?? Name("project")), .. more]))!;

    private async Task<JsonElement> ShownAsync(TestUser user, string project) => (await host.CallAsync(user, "listProjects", ("id", project))).ShouldSucceed().List("project").Single();

    private async Task<string?[]> ListedAsync(TestUser user, params (string, string)[] parameters) =>
        [.. (await host.CallAsync(user, "listProjects", parameters)).ShouldSucceed().List("project").Select(IdOf)];

    private async Task<string?[]> IdsAsync(TestUser user, string command, string key, params (string, string)[] parameters) =>
        [.. (await host.CallAsync(user, command, parameters)).ShouldSucceed().List(key).Select(IdOf)];

    private async Task LimitAsync(params (string, string)[] parameters) => (await host.CallAsync(host.Admin, "updateResourceLimit", parameters)).ShouldSucceed();

    // What the job of a command answers: the object under a key, or that it succeeded.
    private async Task<JsonElement> ResultAsync(TestUser user, string command, string? key, params (string, string)[] parameters)
    {
        var job = (await host.SendAsync(user, HttpMethod.Post, command, parameters)).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        var answer = default(JsonElement);
        await TestNode.UntilAsync(
            async () =>
            {
                answer = (await host.CallAsync(user, "queryAsyncJobResult", ("jobid", job))).ShouldSucceed().Body;
                return answer.GetProperty("jobstatus").GetInt32() != 0;
            },
            () => $"the end of the job of {command}");
        answer.GetProperty("jobstatus").GetInt32().ShouldBe(1, $"{command}: {answer}");
        var result = answer.GetProperty("jobresult");
        return key is null ? result : result.GetProperty(key);
    }

    private async Task<ApiAnswer> TryDeployAsync(TestUser user, params (string Name, string Value)[] more)
    {
        var offering = Rows.ServiceOffering(Name("offering"));
        var template = Rows.Template(host.Admin, Name("template"), isPublic: true);
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        (string Name, string Value)[] parameters = [("serviceofferingid", offering.Id.ToString()), ("zoneid", host.Zone.Id.ToString()), ("startvm", "false"), .. more];
        return await host.CallAsync(user, "deployVirtualMachine", more.Any(p => p.Name == "templateid") ? parameters : [("templateid", template.Id.ToString()), .. parameters]);
    }

    private async Task<string> DeployAsync(TestUser user, params (string, string)[] more) => (await TryDeployAsync(user, more)).ShouldSucceed().Body.GetProperty("id").GetString()!;

    // One of each that a project can have, with the list that shows it.
    private async Task<IReadOnlyList<(string List, string Key, string Id, (string, string)[] More)>> FillAsync(TestUser maker, string project)
    {
        (string, string) of = ("projectid", project);
        var disk = Rows.DiskOffering(Name("disk"));
        await host.InsertAsync(disk);
        var affinity = (await ResultAsync(maker, "createAffinityGroup", "affinitygroup", of, ("name", "a"), ("type", "host anti-affinity"))).GetProperty("id").GetString()!;
        return
        [
            ("listAffinityGroups", "affinitygroup", affinity, []),
            ("listVirtualMachines", "virtualmachine", await DeployAsync(maker, of), []),
            ("listVolumes", "volume", (await host.CallAsync(maker, "createVolume", of, ("name", "v"), ("diskofferingid", disk.Id.ToString()), ("zoneid", host.Zone.Id.ToString()))).ShouldSucceed().Body.GetProperty("id").GetString()!, []),
            ("listTemplates", "template", IdOf((await host.CallAsync(
                maker, "registerTemplate", of, ("name", "t"), ("displaytext", "t"), ("url", "https://images.example.org/t.qcow2"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("zoneid", host.Zone.Id.ToString())))
                .ShouldSucceed().Body.GetProperty("template")[0])!, [("templatefilter", "self")]),
            ("listSSHKeyPairs", "sshkeypair", IdOf((await host.CallAsync(maker, "registerSSHKeyPair", of, ("name", "k"), ("publickey", Key))).ShouldSucceed().Body.GetProperty("keypair"))!, []),
            ("listUserData", "userdata", IdOf((await host.CallAsync(maker, "registerUserData", of, ("name", "u"), ("userdata", "aGVsbG8="))).ShouldSucceed().Body.GetProperty("userdata"))!, []),
            ("listInstanceGroups", "instancegroup", IdOf((await host.CallAsync(maker, "createInstanceGroup", of, ("name", "g"))).ShouldSucceed().Body.GetProperty("instancegroup"))!, []),
        ];
    }
}
