using System.Globalization;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Domains, accounts, users and roles through the API: who may make, see and change what.</summary>
public sealed class TenantTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static int _names;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Terraforms_account_is_made_with_empty_fields_and_a_role_by_number()
    {
        var name = Name("terra");
        var account = (await PostAsync(
            host.Admin, "createAccount", ("accounttype", "0"), ("account", name), ("username", name), ("firstname", "T"), ("lastname", "F"), ("email", "t@example.org"), ("password", "secret horse"), ("roleid", "4"),
            ("domainid", ""))).ShouldSucceed().Body.GetProperty("account");

        account.GetProperty("name").GetString().ShouldBe(name);
        account.GetProperty("state").GetString().ShouldBe("enabled");
        account.GetProperty("domainpath").GetString().ShouldBe("ROOT");
        account.GetProperty("accounttype").GetInt32().ShouldBe(0);
        account.GetProperty("rolename").GetString().ShouldBe("User");
        account.GetProperty("roletype").GetString().ShouldBe("User");
        var user = account.GetProperty("user").EnumerateArray().ShouldHaveSingleItem();
        user.GetProperty("username").GetString().ShouldBe(name);
        user.GetProperty("roleid").GetString().ShouldBe(account.GetProperty("roleid").GetString());
        (await LogInAsync(name, "/", "secret horse")).ShouldSucceed();
        (await host.CallAsync(host.Admin, "listAccounts", ("name", name), ("listall", "true"))).List("account").Single().GetProperty("id").GetString().ShouldBe(account.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_domain_administrator_works_in_the_own_subtree_and_nothing_else_is_there()
    {
        var below = (await PostAsync(host.DomainAdmin, "createDomain", ("name", Name("d")))).ShouldSucceed().Body.GetProperty("domain");
        below.GetProperty("path").GetString().ShouldStartWith("ROOT/a/");
        below.GetProperty("parentdomainid").GetString().ShouldBe(host.DomainAdmin.Domain.Id.ToString());
        var domain = below.GetProperty("id").GetString()!;
        var name = Name("tenant");
        (await CreateAccountAsync(host.DomainAdmin, name, ("domainid", domain), ("accounttype", "2"))).ShouldSucceed().Body.GetProperty("account").GetProperty("rolename").GetString().ShouldBe("Domain Admin");

        // Elsewhere: a domain beside it, the one above, and one that does not exist, all the same.
        var beside = (await PostAsync(host.Admin, "createDomain", ("name", Name("beside")), ("parentdomainid", host.Admin.Domain.Id.ToString()))).ShouldSucceed().Body.GetProperty("domain").GetProperty("id").GetString()!;
        foreach (var other in new[] { beside, host.Admin.Domain.Id.ToString(), Guid.NewGuid().ToString() })
        {
            var refused = (await CreateAccountAsync(host.DomainAdmin, Name("x"), ("domainid", other), ("accounttype", "0"))).ShouldFail(431);
            refused.ErrorText.ShouldBe(UnknownId("createaccount", "domainid", other));
            (await PostAsync(host.DomainAdmin, "createDomain", ("name", Name("x")), ("parentdomainid", other))).ShouldFail(431).ErrorText.ShouldBe(UnknownId("createdomain", "parentdomainid", other));
            (await PostAsync(host.DomainAdmin, "deleteDomain", ("id", other), ("cleanup", "true"))).ShouldFail(431).ErrorText.ShouldBe(UnknownId("deletedomain", "id", other));
        }

        (await host.CallAsync(host.DomainAdmin, "listDomains", ("listall", "true"))).List("domain").ShouldAllBe(d => d.GetProperty("path").GetString()!.StartsWith("ROOT/a", StringComparison.Ordinal));
        (await host.CallAsync(host.DomainAdmin, "listDomainChildren")).List("domain").ShouldContain(d => d.GetProperty("id").GetString() == domain);
        (await host.CallAsync(host.Admin, "listDomainChildren", ("isrecursive", "true"))).List("domain").ShouldContain(d => d.GetProperty("id").GetString() == domain);
        (await host.CallAsync(host.Admin, "listDomainChildren")).List("domain").ShouldNotContain(d => d.GetProperty("id").GetString() == domain);
    }

    /// <summary>CVE-2025-47713 and 2025-47849 of CloudStack: a domain administrator set the password of a root administrator, and read the keys of one.</summary>
    [Fact]
    public async Task A_domain_administrator_of_ROOT_gets_no_hold_of_root_administrators()
    {
        var name = Name("domina");
        (await CreateAccountAsync(host.Admin, name, ("accounttype", "2"))).ShouldSucceed();
        var domina = await UserAsync(name);
        var root = host.Admin.Row.Id.ToString();

        (await PostAsync(domina, "updateUser", ("id", root), ("password", "my horse"))).ShouldFail(431);
        (await host.CallAsync(domina, "getUserKeys", ("id", root))).ShouldFail(431).ErrorText.ShouldBe(UnknownId("getuserkeys", "id", root));
        (await PostAsync(domina, "registerUserKeys", ("id", root))).ShouldFail(431);
        (await PostAsync(domina, "disableUser", ("id", root))).ShouldFail(431);
        (await PostAsync(domina, "deleteUser", ("id", root))).ShouldFail(431);
        (await PostAsync(domina, "disableAccount", ("id", host.Admin.Account.Id.ToString()), ("lock", "true"))).ShouldFail(431);
        (await PostAsync(domina, "deleteAccount", ("id", host.Admin.Account.Id.ToString()))).ShouldFail(431);
        (await PostAsync(domina, "createUser", [("account", host.Admin.Account.Name), .. NewUser(Name("x"))])).ShouldFail(431);
        (await CreateAccountAsync(domina, Name("x"), ("accounttype", "1"))).ShouldFail(531).ErrorText!.ShouldContain("Root Admin");
        (await host.CallAsync(domina, "listUsers", ("listall", "true"))).List("user").Where(u => u.GetProperty("id").GetString() == root).ShouldAllBe(u => !HasField(u, "apikey"));

        // And of its own tenants it has a hold.
        (await PostAsync(domina, "registerUserKeys", ("id", host.User.Row.Id.ToString()))).ShouldSucceed();
        await RestoreKeysAsync(host.User);
    }

    [Fact]
    public async Task A_root_administrator_is_made_in_ROOT_only()
    {
        (await CreateAccountAsync(host.Admin, Name("x"), ("accounttype", "1"), ("domainid", host.DomainAdmin.Domain.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldContain("ROOT only");
        (await CreateAccountAsync(host.Admin, Name("x"), ("accounttype", "2"), ("roleid", "4"))).ShouldFail(431).ErrorText!.ShouldContain("is not that of the role User");
        (await CreateAccountAsync(host.Admin, Name("x"))).ShouldFail(431).ErrorText!.ShouldContain("Neither the account's type nor its role");
        (await CreateAccountAsync(host.Admin, Name("x"), ("accounttype", "7"))).ShouldFail(431).ErrorText!.ShouldContain("value=7");
    }

    [Fact]
    public async Task Names_are_unique_in_their_domain_whatever_their_case()
    {
        var name = Name("uni");
        (await CreateAccountAsync(host.Admin, name, ("accounttype", "0"))).ShouldSucceed();
        (await CreateAccountAsync(host.Admin, name.ToUpperInvariant(), ("accounttype", "0"))).ShouldFail(431).ErrorText!.ShouldContain("already exists in domain ROOT");
        (await PostAsync(host.Admin, "createUser", [("account", "root2"), .. NewUser(name.ToUpperInvariant())])).ShouldFail(431).ErrorText!.ShouldContain($"The user {name.ToUpperInvariant()} already exists");
        (await CreateAccountAsync(host.Admin, name, ("accounttype", "0"), ("domainid", host.User.Domain.Id.ToString()))).ShouldSucceed();
        foreach (var bad in new[] { "a/b", " x", new string('n', 101) })
        {
            (await PostAsync(host.Admin, "createDomain", ("name", bad))).ShouldFail(431).ErrorText!.ShouldContain("The name of the domain");
        }

        (await PostAsync(host.Admin, "createUser", [("account", "nobody at all"), .. NewUser(Name("x"))])).ShouldFail(431).ErrorText!.ShouldContain("Unable to find account nobody at all");
    }

    [Fact]
    public async Task A_locked_and_a_disabled_account_let_nobody_in_until_they_are_enabled()
    {
        var name = Name("lock");
        var account = (await CreateAccountAsync(host.Admin, name, ("accounttype", "0"))).ShouldSucceed().Body.GetProperty("account").GetProperty("id").GetString()!;
        var user = await UserAsync(name);
        foreach (var (command, state, extra) in ((string, string, (string, string)[])[])[("lockAccount", "locked", []), ("disableAccount", "locked", [("lock", "true")]), ("disableAccount", "disabled", [])])
        {
            (await LogInAsync(name, "/", "secret horse")).ShouldSucceed();
            await PostAsync(host.Admin, command, [("id", account), .. extra]);
            (await StateAsync()).ShouldBe(state);
            (await host.CallAsync(user, "listZones")).ShouldFail(401);
            (await LogInAsync(name, "/", "secret horse")).ShouldFail(531);
            (await host.Database.ReadAsync((db, ct) => db.Sessions.CountAsync(s => s.UserId == user.Row.Id, ct), Token)).ShouldBe(0);
            (await PostAsync(host.Admin, "enableAccount", ("account", name), ("domainid", host.Admin.Domain.Id.ToString()))).ShouldSucceed().Body.GetProperty("account").GetProperty("state").GetString().ShouldBe("enabled");
            (await host.CallAsync(user, "listZones")).ShouldSucceed();
        }

        var id = user.Row.Id.ToString();
        foreach (var command in new[] { "lockUser", "disableUser" })
        {
            (await PostAsync(host.Admin, command, ("id", id))).ShouldSucceed();
            (await host.CallAsync(user, "listZones")).ShouldFail(401);
            (await PostAsync(host.Admin, "enableUser", ("id", id))).ShouldSucceed().Body.GetProperty("user").GetProperty("state").GetString().ShouldBe("enabled");
            (await host.CallAsync(user, "listZones")).ShouldSucceed();
        }

        (await PostAsync(host.Admin, "deleteUser", ("id", id))).ShouldSucceed();
        (await host.CallAsync(user, "listZones")).ShouldFail(401);
        (await PostAsync(host.Admin, "createUser", [("account", name), .. NewUser(name)])).ShouldSucceed();

        async Task<string?> StateAsync() => (await host.CallAsync(host.Admin, "listAccounts", ("id", account))).List("account").Single().GetProperty("state").GetString();
    }

    [Fact]
    public async Task Nobody_ends_the_own_account_or_the_last_that_administers()
    {
        var own = host.Admin.Account.Id.ToString();
        (await PostAsync(host.Admin, "deleteAccount", ("id", own))).ShouldFail(530).ErrorText!.ShouldContain("own account");
        (await PostAsync(host.Admin, "disableAccount", ("id", own))).ShouldFail(530);
        (await PostAsync(host.Admin, "deleteUser", ("id", host.Admin.Row.Id.ToString()))).ShouldFail(530).ErrorText!.ShouldContain("own user");
        (await PostAsync(host.DomainAdmin, "deleteDomain", ("id", host.DomainAdmin.Domain.Id.ToString()), ("cleanup", "true"))).ShouldFail(530);
        (await PostAsync(host.Admin, "deleteDomain", ("id", host.Admin.Domain.Id.ToString()), ("cleanup", "true"))).ShouldFail(431).ErrorText!.ShouldContain("ROOT");

        // An administrator with rules may be there, and cannot lock the rest out.
        var role = await RoleAsync("Admin", ("*", "allow"));
        var name = Name("almost");
        (await CreateAccountAsync(host.Admin, name, ("roleid", role))).ShouldSucceed();
        var almost = await UserAsync(name);
        var first = await host.Database.ReadAsync((db, ct) => db.Users.Where(u => u.Username == "admin").SingleAsync(ct), Token);
        (await PostAsync(almost, "lockUser", ("id", first.Id.ToString()))).ShouldSucceed();
        (await PostAsync(almost, "lockUser", ("id", host.Admin.Row.Id.ToString()))).ShouldFail(530).ErrorText!.ShouldContain("the last who can administer");
        (await PostAsync(host.Admin, "enableUser", ("id", first.Id.ToString()))).ShouldSucceed();
    }

    [Fact]
    public async Task A_role_may_what_its_rules_allow_of_what_its_type_may()
    {
        var role = await RoleAsync("User", ("listVirtualMachines", "deny"), ("list*", "allow"), ("createStoragePool", "allow"), ("deploy*", "deny"));
        var name = Name("ruled");
        (await CreateAccountAsync(host.Admin, name, ("roleid", role))).ShouldSucceed().Body.GetProperty("account").GetProperty("roletype").GetString().ShouldBe("User");
        var ruled = await UserAsync(name);

        (await host.CallAsync(ruled, "listZones")).ShouldSucceed();
        (await host.CallAsync(ruled, "listVirtualMachines")).ShouldFail(401);
        (await host.CallAsync(ruled, "LISTVIRTUALMACHINES")).ShouldFail(401);
        (await PostAsync(ruled, "createStoragePool")).ShouldFail(401);
        (await PostAsync(ruled, "updateUser", ("id", ruled.Row.Id.ToString()), ("firstname", "Y"))).ShouldFail(401);
        var apis = (await host.CallAsync(ruled, "listApis")).List("api").Select(a => a.GetProperty("name").GetString()!).ToList();
        apis.ShouldContain("listZones");
        apis.ShouldNotContain("listVirtualMachines");
        apis.ShouldAllBe(a => a.StartsWith("list", StringComparison.Ordinal) || a == "login" || a == "logout");

        // The first that names a command decides: another order, another right.
        var rules = (await host.CallAsync(host.Admin, "listRolePermissions", ("roleid", role))).List("rolepermission").Select(r => r.GetProperty("id").GetString()!).ToList();
        (await PostAsync(host.Admin, "updateRolePermission", ("roleid", role), ("ruleorder", string.Join(',', [rules[1], rules[0], .. rules[2..]])))).ShouldSucceed();
        (await host.CallAsync(ruled, "listVirtualMachines")).ShouldSucceed();
        (await PostAsync(host.Admin, "updateRolePermission", ("roleid", role), ("ruleid", rules[1]), ("permission", "deny"))).ShouldSucceed();
        (await host.CallAsync(ruled, "listZones")).ShouldFail(401);
        (await PostAsync(host.Admin, "updateRolePermission", ("roleid", role), ("ruleorder", rules[0]))).ShouldFail(431).ErrorText!.ShouldContain("each of the 4 rules");
        (await PostAsync(host.Admin, "updateRolePermission", ("roleid", role))).ShouldFail(431);
        (await PostAsync(host.Admin, "createRolePermission", ("roleid", role), ("rule", "LIST*"), ("permission", "allow"))).ShouldFail(431).ErrorText!.ShouldContain("has the rule");
        (await PostAsync(host.Admin, "createRolePermission", ("roleid", role), ("rule", "list zones"), ("permission", "allow"))).ShouldFail(431);
        (await PostAsync(host.Admin, "createRolePermission", ("roleid", role), ("rule", "x"), ("permission", "perhaps"))).ShouldFail(431).ErrorText!.ShouldContain("value=perhaps");
        (await PostAsync(host.Admin, "deleteRole", ("id", role))).ShouldFail(530).ErrorText!.ShouldContain("that of 1 accounts");
        (await PostAsync(host.Admin, "updateRole", ("id", role), ("type", "Admin"))).ShouldFail(431).ErrorText!.ShouldContain("its type stays");
        (await PostAsync(host.Admin, "deleteRolePermission", ("id", rules[0]))).ShouldSucceed();
        (await PostAsync(host.Admin, "updateAccount", ("account", name), ("roleid", "4"))).ShouldSucceed().Body.GetProperty("account").GetProperty("rolename").GetString().ShouldBe("User");
        (await PostAsync(host.Admin, "deleteRole", ("id", role))).ShouldSucceed();
        (await host.CallAsync(host.Admin, "listRoles", ("id", role))).Text.ShouldBe("""{"listrolesresponse":{}}""");
    }

    [Fact]
    public async Task Default_roles_are_the_command_table_and_stay_as_they_are()
    {
        (await PostAsync(host.Admin, "updateRole", ("id", "4"), ("name", "Everybody"))).ShouldFail(431).ErrorText!.ShouldContain("default role User");
        (await PostAsync(host.Admin, "createRolePermission", ("roleid", "1"), ("rule", "*"), ("permission", "deny"))).ShouldFail(431);
        (await PostAsync(host.Admin, "deleteRole", ("id", "3"))).ShouldFail(431);
        var rules = (await host.CallAsync(host.Admin, "listRolePermissions", ("roleid", "4"))).List("rolepermission").Select(r => r.GetProperty("rule").GetString()).ToList();
        rules.ShouldContain("deployVirtualMachine");
        rules.ShouldNotContain("createAccount");
        (await host.CallAsync(host.Admin, "listRoles", ("type", "DomainAdmin"))).List("role").ShouldContain(r => r.GetProperty("name").GetString() == "Domain Admin" && r.GetProperty("isdefault").GetBoolean());
        (await host.CallAsync(host.DomainAdmin, "listRoles")).List("role").ShouldNotContain(r => r.GetProperty("type").GetString() == "Admin");
        (await host.CallAsync(host.Admin, "listRoles", ("type", "Boss"))).ShouldFail(431);
    }

    /// <summary>Who has less must not get more by way of somebody else.</summary>
    [Fact]
    public async Task An_administrator_with_rules_gives_no_role_and_takes_no_account_that_may_more()
    {
        var role = await RoleAsync("DomainAdmin", ("createAccount", "allow"), ("updateUser", "allow"), ("registerUserKeys", "allow"), ("deleteDomain", "allow"), ("list*", "allow"));
        var less = await RoleAsync("User", ("listZones", "allow"));
        var name = Name("ruled");
        (await CreateAccountAsync(host.Admin, name, ("roleid", role), ("domainid", host.DomainAdmin.Domain.Id.ToString()))).ShouldSucceed();
        var ruled = await UserAsync(name);

        (await CreateAccountAsync(ruled, Name("x"), ("accounttype", "2"))).ShouldFail(531).ErrorText!.ShouldContain("may more than the caller's own");
        (await CreateAccountAsync(ruled, Name("x"), ("accounttype", "0"))).ShouldFail(531);
        (await PostAsync(ruled, "registerUserKeys", ("id", host.DomainAdmin.Row.Id.ToString()))).ShouldFail(531);
        (await PostAsync(ruled, "updateUser", ("id", host.User.Row.Id.ToString()), ("password", "my horse"))).ShouldFail(531);
        (await CreateAccountAsync(ruled, Name("less"), ("roleid", less))).ShouldSucceed();
        var full = (await PostAsync(host.DomainAdmin, "createDomain", ("name", Name("full")))).ShouldSucceed().Body.GetProperty("domain").GetProperty("id").GetString()!;
        (await CreateAccountAsync(host.Admin, Name("x"), ("accounttype", "2"), ("domainid", full))).ShouldSucceed();
        (await PostAsync(ruled, "deleteDomain", ("id", full), ("cleanup", "true"))).ShouldFail(531).ErrorText!.ShouldContain("may more than the caller's own");
        (await PostAsync(ruled, "registerUserKeys", ("id", ruled.Row.Id.ToString()))).ShouldSucceed();
    }

    [Fact]
    public async Task Another_name_of_a_domain_is_in_all_paths_below()
    {
        var (upper, lower) = (Name("upper"), Name("lower"));
        var top = (await PostAsync(host.Admin, "createDomain", ("name", upper))).ShouldSucceed().Body.GetProperty("domain").GetProperty("id").GetString()!;
        var below = (await PostAsync(host.Admin, "createDomain", ("name", lower), ("parentdomainid", top))).ShouldSucceed().Body.GetProperty("domain").GetProperty("id").GetString()!;
        var name = Name("who");
        (await CreateAccountAsync(host.Admin, name, ("accounttype", "0"), ("domainid", below))).ShouldSucceed();

        (await PostAsync(host.Admin, "updateDomain", ("id", top), ("name", upper + "2"), ("networkdomain", "example.org"))).ShouldSucceed().Body.GetProperty("domain").GetProperty("path").GetString().ShouldBe($"ROOT/{upper}2");

        (await host.CallAsync(host.Admin, "listDomains", ("id", below))).List("domain").Single().GetProperty("path").GetString().ShouldBe($"ROOT/{upper}2/{lower}");
        (await LogInAsync(name, $"/{upper}2/{lower}", "secret horse")).ShouldSucceed();
        (await LogInAsync(name, $"/{upper}/{lower}", "secret horse")).ShouldFail(531);
        (await PostAsync(host.Admin, "updateDomain", ("id", top), ("name", "a"))).ShouldFail(431).ErrorText!.ShouldContain("already exists");
        (await PostAsync(host.Admin, "updateDomain", ("id", host.Admin.Domain.Id.ToString()), ("name", "TOP"))).ShouldFail(431);
        (await PostAsync(host.Admin, "deleteDomain", ("id", top))).ShouldFail(530).ErrorText!.ShouldContain("0 accounts and 1 domains".Replace("0 accounts", "1 accounts", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_administrator_makes_volumes_for_others_and_a_user_for_nobody_else()
    {
        var offering = Rows.DiskOffering();
        await host.InsertAsync(offering);
        (string, string)[] what = [("diskofferingid", offering.Id.ToString()), ("zoneid", host.Zone.Id.ToString()), ("name", "v")];
        (string, string)[] whose = [("account", host.User.Account.Name), ("domainid", host.User.Domain.Id.ToString())];

        var made = (await PostAsync(host.DomainAdmin, "createVolume", [.. what, .. whose])).ShouldSucceed().Body.GetProperty("id").GetString()!;

        (await host.CallAsync(host.User, "listVolumes", ("id", made))).List("volume").Single().GetProperty("account").GetString().ShouldBe(host.User.Account.Name);
        (await host.CallAsync(host.Other, "listVolumes", ("id", made))).ShouldFail(431);
        (await PostAsync(host.Other, "createVolume", [.. what, .. whose])).ShouldFail(531);
        (await PostAsync(host.DomainAdmin, "createVolume", [.. what, ("account", "root2"), ("domainid", host.DomainAdmin.Domain.Id.ToString())])).ShouldFail(431).ErrorText!.ShouldContain("Unable to find account root2");
        (await PostAsync(host.Admin, "createVolume", [.. what, ("domainid", host.User.Domain.Id.ToString())])).ShouldFail(431).ErrorText!.ShouldContain("parameter account has to name");
        (await PostAsync(host.DomainAdmin, "deleteVolume", ("id", made))).ShouldSucceed();
    }

    [Fact]
    public async Task A_user_is_found_by_key_and_moves_to_another_account_of_the_domain()
    {
        var (from, to) = (Name("from"), Name("to"));
        foreach (var name in new[] { from, to })
        {
            (await CreateAccountAsync(host.Admin, name, ("accounttype", "0"))).ShouldSucceed();
        }

        var user = await UserAsync(from);
        (await host.CallAsync(host.Admin, "getUser", ("userapikey", user.ApiKey))).ShouldSucceed().Body.GetProperty("user").GetProperty("id").GetString().ShouldBe(user.Row.Id.ToString());
        (await host.CallAsync(host.Admin, "getUser", ("userapikey", "none"))).ShouldFail(431);
        (await PostAsync(host.Admin, "moveUser", ("id", user.Row.Id.ToString()), ("account", to))).ShouldSucceed();
        (await host.CallAsync(host.Admin, "listUsers", ("id", user.Row.Id.ToString()))).List("user").Single().GetProperty("account").GetString().ShouldBe(to);
        (await PostAsync(host.Admin, "moveUser", ("id", user.Row.Id.ToString()), ("accountid", host.User.Account.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldContain("not in the domain");
        (await PostAsync(host.Admin, "moveUser", ("id", user.Row.Id.ToString()))).ShouldFail(431);
    }

    private static string Name(string stem) => stem + Interlocked.Increment(ref _names).ToString(CultureInfo.InvariantCulture);

    private static string UnknownId(string command, string parameter, string value) =>
        $"Unable to execute API command {command} due to invalid value. Invalid parameter {parameter} value={value} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.";

    private static bool HasField(System.Text.Json.JsonElement element, string name) => element.TryGetProperty(name, out _);

    private static (string, string)[] NewUser(string name) => [("username", name), ("firstname", "F"), ("lastname", "L"), ("email", "e@example.org"), ("password", "secret horse")];

    private Task<ApiAnswer> PostAsync(TestUser user, string command, params (string, string)[] parameters) => host.SendAsync(user, HttpMethod.Post, command, parameters);

    private Task<ApiAnswer> CreateAccountAsync(TestUser by, string name, params (string, string)[] parameters) => PostAsync(by, "createAccount", [("account", name), .. NewUser(name), .. parameters]);

    private Task<ApiAnswer> LogInAsync(string name, string domain, string password) =>
        host.SendAsync(null, HttpMethod.Post, "login", ("username", name), ("password", password), ("domain", domain));

    private async Task<string> RoleAsync(string type, params (string Rule, string Permission)[] rules)
    {
        var role = (await PostAsync(host.Admin, "createRole", ("name", Name("role")), ("type", type))).ShouldSucceed().Body.GetProperty("role").GetProperty("id").GetString()!;
        foreach (var (rule, permission) in rules)
        {
            (await PostAsync(host.Admin, "createRolePermission", ("roleid", role), ("rule", rule), ("permission", permission))).ShouldSucceed();
        }

        return role;
    }

    /// <summary>The user of a name, with keys.</summary>
    private async Task<TestUser> UserAsync(string name)
    {
        var row = await host.Database.ReadAsync((db, ct) => db.Users.SingleAsync(u => u.Username == name && u.Removed == null, ct), Token);
        var keys = (await PostAsync(host.Admin, "registerUserKeys", ("id", row.Id.ToString()))).ShouldSucceed().Body.GetProperty("userkeys");
        var account = await host.Database.ReadAsync((db, ct) => db.Accounts.SingleAsync(a => a.Id == row.AccountId, ct), Token);
        var domain = await host.Database.ReadAsync((db, ct) => db.Domains.SingleAsync(d => d.Id == account.DomainId, ct), Token);
        return new TestUser(name, row, account, domain, keys.GetProperty("apikey").GetString()!, keys.GetProperty("secretkey").GetString()!);
    }

    private async Task RestoreKeysAsync(TestUser user)
    {
        await host.Database.WriteAsync((db, ct) => db.UserKeys.Where(k => k.UserId == user.Row.Id && k.ApiKey != user.ApiKey).DeleteAsync(ct), Token);
    }
}
