using System.Runtime.CompilerServices;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Security;
using Holdfast.Server.Startup;
using Holdfast.Server.Store.Rows;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>What must hold for every command of the table, present and future.</summary>
public sealed class CommandTableTests(ApiHost host) : IClassFixture<ApiHost>
{
    // The commands that are promised; a rename or a loss is a break.
    private static readonly string[] Promised =
    [
        "listApis", "listCapabilities", "login", "logout", "listZones", "listPods", "listClusters", "listHosts", "listHypervisors", "listOsTypes",
        "listServiceOfferings", "createServiceOffering", "listDiskOfferings", "createDiskOffering", "listTemplates", "registerTemplate", "deleteTemplate",
        "createStoragePool", "listStoragePools", "updateStoragePool", "enableStorageMaintenance", "cancelStorageMaintenance", "deleteStoragePool",
        "listStorageProviders", "deployVirtualMachine", "listVirtualMachines", "startVirtualMachine", "stopVirtualMachine", "rebootVirtualMachine",
        "destroyVirtualMachine", "expungeVirtualMachine", "recoverVirtualMachine", "createVolume", "attachVolume", "detachVolume", "deleteVolume",
        "resizeVolume", "listVolumes", "listNetworks", "queryAsyncJobResult", "listAsyncJobs", "listEvents", "listUsers", "getUserKeys", "registerUserKeys", "updateUser",
        "listStoragePoolBindings", "listObligations", "retryObligation", "forgetObligation", "createHostJoinToken",
        "prepareHostForMaintenance", "cancelHostMaintenance", "deleteHost", "listAlerts",
        "listConfigurations", "updateConfiguration", "resetConfiguration", "listOsCategories",
    ];

    // Which commands are asynchronous is part of the contract: clients poll only then.
    private static readonly string[] Async =
    [
        "activateProject", "addAccountToProject", "addResourceDetail", "addUserToProject", "attachVolume", "cancelHostMaintenance", "cancelStorageMaintenance", "createAffinityGroup",
        "createProject", "createTags", "createVolume", "deleteAccount", "deleteAccountFromProject", "deleteAffinityGroup", "deleteDomain", "deleteProject", "deleteTags",
        "deleteTemplate", "deleteUserFromProject", "deleteUserKeys", "deployVirtualMachine", "destroyVirtualMachine", "destroyVolume", "detachVolume", "disableAccount", "disableUser",
        "enableStorageMaintenance", "expungeVirtualMachine", "prepareHostForMaintenance", "rebootVirtualMachine", "reconnectHost", "removeResourceDetail", "resetPasswordForVirtualMachine",
        "resetSSHKeyForVirtualMachine", "resizeVolume", "restoreVirtualMachine", "scaleVirtualMachine", "startVirtualMachine", "stopVirtualMachine", "suspendProject",
        "updateProject", "updateVMAffinityGroup", "updateVolume",
    ];

    public static TheoryData<string> Commands => [.. ServerCommands.Table.All.Select(c => c.Name)];

    [Fact]
    public void Every_promised_command_is_there() => Promised.Except(ServerCommands.Table.All.Select(c => c.Name)).ShouldBeEmpty();

    [Fact]
    public void The_asynchronous_commands_are_those_of_the_contract() =>
        ServerCommands.Table.All.Where(c => c.IsAsync).Select(c => c.Name).Order(StringComparer.Ordinal).ShouldBe(Async);

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_command_is_well_formed(string name)
    {
        var command = ServerCommands.Table.Find(name)!;

        command.Roles.ShouldNotBe(Roles.None);
        command.Description.ShouldNotBeNullOrWhiteSpace();
        command.Description.ShouldNotEndWith(".");
        command.Response.Fields.ShouldNotBeEmpty();
        command.Parameters.Select(p => p.Name).ShouldBeUnique();
        Duplicates(command.Response.Fields).ShouldBeEmpty();
        foreach (var parameter in command.Parameters)
        {
            parameter.Name.ShouldBe(parameter.Name.ToLowerInvariant());
            parameter.Name.ShouldNotBe("command");
            parameter.Description.ShouldNotBeNullOrWhiteSpace();
        }

        if (command.IsList && command.Parameters.Contains(CommonParameters.Keyword))
        {
            command.Parameters.ShouldContain(CommonParameters.PageNumber);
            command.Parameters.ShouldContain(CommonParameters.PageSize);
        }
    }

    [Fact]
    public async Task ListApis_shows_what_cloudmonkey_needs_to_sync()
    {
        var answer = (await host.CallAsync(host.Admin, "listApis")).ShouldSucceed();

        var apis = answer.List("api");
        apis.Length.ShouldBe(ServerCommands.Table.All.Count);
        answer.Body.GetProperty("count").GetInt32().ShouldBe(apis.Length);
        answer.Text.ShouldNotContain("\n");
        string[] types = ["string", "uuid", "boolean", "integer", "long", "short", "date", "list", "map", "set", "object", "tzdate", "float"];
        foreach (var api in apis)
        {
            api.GetProperty("name").GetString().ShouldNotBeNullOrEmpty();
            api.GetProperty("description").GetString().ShouldNotBeNullOrEmpty();
            api.GetProperty("isasync").ValueKind.ShouldBeOneOf(JsonValueKind.True, JsonValueKind.False);
            foreach (var parameter in api.GetProperty("params").EnumerateArray())
            {
                parameter.GetProperty("name").GetString().ShouldNotBeNullOrEmpty();
                parameter.GetProperty("description").GetString().ShouldNotBeNullOrEmpty();
                parameter.GetProperty("type").GetString().ShouldBeOneOf(types);
                parameter.GetProperty("required").ValueKind.ShouldBeOneOf(JsonValueKind.True, JsonValueKind.False);
                parameter.GetProperty("length").GetInt32().ShouldBePositive();
                if (parameter.TryGetProperty("related", out var related))
                {
                    foreach (var name in related.GetString()!.Split(','))
                    {
                        // A parameter that is completed by a command that does not exist breaks completion for the whole command.
                        (ServerCommands.Table.Find(name) is not null).ShouldBeTrue($"{api.GetProperty("name")} {parameter.GetProperty("name")}: {name}");
                    }
                }
            }

            foreach (var field in api.GetProperty("response").EnumerateArray())
            {
                field.GetProperty("name").GetString().ShouldNotBeNullOrEmpty();
                field.GetProperty("type").GetString().ShouldBeOneOf(types);
            }
        }
    }

    [Fact]
    public async Task ListApis_shows_only_what_the_caller_may_use()
    {
        (await host.CallAsync(host.User, "listApis")).List("api").Select(a => a.GetProperty("name").GetString())
            .ShouldBe(ServerCommands.Table.All.Where(c => (c.Roles & Roles.User) != 0).Select(c => c.Name));
        (await host.CallAsync(host.User, "listApis", ("name", "listHosts"))).Text.ShouldBe("""{"listapisresponse":{}}""");
        (await host.CallAsync(host.Admin, "listApis", ("name", "LISTHOSTS"))).List("api").Length.ShouldBe(1);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_command_answers_those_it_is_for_and_nobody_else(string name)
    {
        var command = ServerCommands.Table.Find(name)!;
        (TestUser? User, Roles Role)[] callers =
        [
            (null, Roles.Anonymous), (host.User, Roles.User), (host.Other, Roles.User), (host.DomainAdmin, Roles.DomainAdmin), (host.Admin, Roles.RootAdmin),
        ];
        foreach (var (user, role) in callers)
        {
            var before = host.Operations.Calls.Count;
            var answer = await host.SendAsync(user, HttpMethod.Post, name);
            if ((command.Roles & role) == 0)
            {
                answer.ShouldFail(401);
                host.Operations.Calls.Count.ShouldBe(before, $"{role} reached what {name} does");
            }
            else
            {
                // No parameters were sent: it either works without or says which is missing. Never that the caller may not.
                answer.Code.ShouldNotBe(401, $"{role}: {answer.Text}");
                answer.Code.ShouldNotBe(432, $"{role}: {answer.Text}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_missing_parameter_is_named(string name)
    {
        var command = ServerCommands.Table.Find(name)!;
        foreach (var missing in command.Parameters.Where(p => p.IsRequired))
        {
            var calls = host.Operations.Calls.Count;
            var answer = await host.SendAsync(host.Admin, HttpMethod.Post, name, [.. await RequiredAsync(command, without: missing)]);

            answer.ShouldFail(431).ErrorText.ShouldBe($"Unable to execute API command {name.ToLowerInvariant()} due to missing parameter {missing.Name}");
            host.Operations.Calls.Count.ShouldBe(calls);
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_bad_value_is_refused_with_the_name_of_its_parameter(string name)
    {
        var command = ServerCommands.Table.Find(name)!;
        foreach (var parameter in command.Parameters)
        {
            string[] bad = parameter.Type switch
            {
                "uuid" => ["17", "not-a-uuid", "'; drop table vms; --", new string('a', 300), .. Unknown(parameter)],
                "boolean" => ["maybe"],
                "integer" => ["many", "99999999999999", "1.5"],
                "long" => ["many", "99999999999999999999", "1.5"],
                "date" => ["tomorrow"],
                "list" => [parameter.Entity is null ? new string('a', 300) : "not-a-uuid", .. Unknown(parameter)],
                "string" => [new string('a', parameter.Length + 1), .. parameter.IsMultiLine ? Array.Empty<string>() : ["two\nlines"]],
                _ => [],
            };
            foreach (var value in bad)
            {
                var calls = host.Operations.Calls.Count;
                var answer = await host.SendAsync(host.Admin, HttpMethod.Post, name, [.. await RequiredAsync(command, without: parameter), (parameter.Name, value)]);

                answer.ShouldFail(431).ErrorText!.ShouldContain(parameter.Name, Case.Sensitive, $"{name} {parameter.Name}={value}");
                host.Operations.Calls.Count.ShouldBe(calls, $"{name} {parameter.Name}={value} was carried out");
            }
        }

        IEnumerable<string> Unknown(ApiParameter parameter) => parameter.Entity is null ? [] : [Guid.NewGuid().ToString()];
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_malformed_map_is_refused(string name)
    {
        var command = ServerCommands.Table.Find(name)!;
        foreach (var parameter in command.Parameters.OfType<MapParameter>())
        {
            var answer = await host.SendAsync(host.Admin, HttpMethod.Post, name, [.. await RequiredAsync(command, without: parameter), (parameter.Name + "[x].a", "1")]);
            answer.ShouldFail(430).ErrorText!.ShouldContain(parameter.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task An_object_that_is_not_the_callers_is_answered_like_one_that_does_not_exist(string name)
    {
        var command = ServerCommands.Table.Find(name)!;
        foreach (var parameter in Owned(command))
        {
            foreach (var (caller, role) in new[] { (host.User, Roles.User), (host.Stranger, Roles.DomainAdmin) }.Where(c => (command.Roles & c.Item2) != 0))
            {
                var theirs = await EntityAsync(parameter.Entity!.Value.IdType, host.Other);
                var calls = host.Operations.Calls.Count;

                var (foreign, missing) = await AskAsync(command, parameter, caller, theirs);

                foreign.Code.ShouldBe(431, foreign.Text);
                foreign.Text.ShouldBe(missing.Text, $"{name} {parameter.Name}: {role}");
                host.Operations.Calls.Count.ShouldBe(calls, $"{name} {parameter.Name}: {role}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task An_object_of_the_branch_is_there_for_its_administrator_and_for_root(string name)
    {
        var command = ServerCommands.Table.Find(name)!;
        foreach (var parameter in Owned(command))
        {
            foreach (var (caller, role) in new[] { (host.DomainAdmin, Roles.DomainAdmin), (host.Admin, Roles.RootAdmin) }
                .Where(c => (command.Roles & c.Item2) != 0 && (c.Item2 == Roles.RootAdmin || IsOfBranch(parameter.Entity!.Value))))
            {
                var (found, missing) = await AskAsync(command, parameter, caller, await EntityAsync(parameter.Entity!.Value.IdType, host.Other));

                found.Text.ShouldNotBe(missing.Text, $"{name} {parameter.Name}: {role}");
            }
        }
    }

    // Comments are their writers' and root's, not a branch's.
    private static bool IsOfBranch(EntityReference entity) => Kinds.Of(entity).Reach == EntityReach.Owner && entity.IdType != typeof(AnnotationId);

    private static IEnumerable<ApiParameter> Owned(ApiCommand command) => command.Parameters.Where(p => p.Entity is { } entity && Kinds.Of(entity).Reach != EntityReach.Everybody);

    /// <summary>What a caller is told of an object and of one that is not there, with ID for the id of either.</summary>
    private async Task<((int Code, string Text) Of, (int Code, string Text) OfNothing)> AskAsync(ApiCommand command, ApiParameter parameter, TestUser caller, Guid id)
    {
        (string, string)[] rest = [.. await RequiredAsync(command, without: parameter, caller)];
        return (await TellAsync(id), await TellAsync(Guid.NewGuid()));

        async Task<(int Code, string Text)> TellAsync(Guid asked)
        {
            var answer = await host.SendAsync(caller, HttpMethod.Post, command.Name, [.. rest, (parameter.Name, asked.ToString())]);
            return (answer.Code, answer.Text.Replace(asked.ToString(), "ID", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_document_is_as_the_table_says()
    {
        var path = Path.Combine(Folder(), "..", "..", "..", "docs", "api.md");
        var rendered = ApiDocument.Render(ServerCommands.Table.All);
        if (Environment.GetEnvironmentVariable("HOLDFAST_ACCEPT") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, rendered);
        }

        File.Exists(path).ShouldBeTrue("docs/api.md is missing; HOLDFAST_ACCEPT=1 writes it");
        File.ReadAllText(path).ShouldBe(rendered, "docs/api.md is behind the command table; HOLDFAST_ACCEPT=1 writes it anew");
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    private static IEnumerable<string> Duplicates(IReadOnlyList<ViewField> fields) =>
        fields.GroupBy(f => f.Name).Where(g => g.Count() > 1).Select(g => g.Key).Concat(fields.SelectMany(f => Duplicates(f.Nested)));

    private async Task<List<(string Name, string Value)>> RequiredAsync(ApiCommand command, ApiParameter without, TestUser? owner = null)
    {
        var values = new List<(string, string)>();
        foreach (var parameter in command.Parameters.Where(p => p.IsRequired && p != without))
        {
            values.Add((parameter is MapParameter ? parameter.Name + "[0].k" : parameter.Name, parameter switch
            {
                { Entity: { } entity } => (await EntityAsync(entity.IdType, owner ?? host.Admin)).ToString(),
                { Name: "templatefilter" } => "all",
                { Name: "type" } => "primary",
                { Type: "uuid" } => Guid.NewGuid().ToString(),
                { Type: "integer" or "long" } => "1",
                _ => "x",
            }));
        }

        // A list of all templates is for administrators.
        return owner is null ? values : [.. values.Select(v => v.Item1 == "templatefilter" ? (v.Item1, "self") : v)];
    }

    private static EntityKinds Kinds { get; } = new(ServerKinds.All);

    private Task<Guid> EntityAsync(Type id, TestUser owner) => EntityAsync(host, id, owner);

    /// <summary>Something of a kind of ids, which an owner may use.</summary>
    internal static async Task<Guid> EntityAsync(ApiHost host, Type id, TestUser owner)
    {
        var offering = Rows.ServiceOffering();
        var pool = Rows.Pool(host.Zone.Id);
        var place = Rows.Host(host.Cluster);
        switch (id.Name)
        {
            case nameof(ZoneId):
                return host.Zone.Id.Value;
            case nameof(PodId):
                return host.Cluster.PodId.Value;
            case nameof(ClusterId):
                return host.Cluster.Id.Value;
            case nameof(NetworkId):
                return host.Network.Id.Value;
            case nameof(DomainId):
                return owner.Domain.Id.Value;
            case nameof(AccountId):
                return owner.Account.Id.Value;
            case nameof(ProjectId):
                var project = Rows.Project(owner, $"project {Guid.NewGuid()}");
                await host.InsertAsync(project);
                await host.InsertAsync(Rows.ProjectMember(project, owner));
                return project.Id.Value;
            case nameof(UserKeyId):
                var keys = new UserKeyRow { Id = new UserKeyId(Guid.NewGuid()), UserId = owner.Row.Id, ApiKey = Guid.NewGuid().ToString("N"), SecretKey = "", Created = Rows.Now };
                keys = keys with { SecretKey = host.Service<SecretBox>().Seal(SecretPurpose.UserSecretKey(keys.Id), new Protocol.Secret("secret")) };
                await host.InsertAsync(keys);
                return keys.Id.Value;
            case nameof(UserId):
                return owner.Row.Id.Value;
            case nameof(RoleId):
                return RoleRow.User.Value;
            case nameof(RolePermissionId):
                var rule = new RolePermissionRow { Id = new RolePermissionId(Guid.NewGuid()), RoleId = RoleRow.User, Rule = "listZones", Allows = true, Position = 0 };
                await host.InsertAsync(rule);
                return rule.Id.Value;
            case nameof(HostId):
                await host.InsertAsync(place);
                return place.Id.Value;
            case nameof(PoolId):
                await host.InsertAsync(pool);
                return pool.Id.Value;
            case nameof(ServiceOfferingId):
                await host.InsertAsync(offering);
                return offering.Id.Value;
            case nameof(DiskOfferingId):
                var disk = Rows.DiskOffering();
                await host.InsertAsync(disk);
                return disk.Id.Value;
            case nameof(TemplateId):
                var template = Rows.Template(owner);
                await host.InsertAsync(template);
                return template.Id.Value;
            case nameof(VmId):
                var vm = Rows.Vm(owner, host.Zone.Id, offering);
                await host.InsertAsync(vm);
                return vm.Id.Value;
            case nameof(VolumeId):
                var volume = Rows.Volume(owner, host.Zone.Id);
                await host.InsertAsync(volume);
                return volume.Id.Value;
            case nameof(JobId):
                var job = Rows.Job(owner, Rows.Vm(owner, host.Zone.Id, offering), Core.States.JobState.Pending, 0, null);
                await host.InsertAsync(job);
                return job.Id.Value;
            case nameof(EventId):
                var happened = Rows.Event(owner);
                await host.InsertAsync(happened);
                return happened.Id.Value;
            case nameof(UserDataId):
                var userData = Rows.UserData(owner);
                await host.InsertAsync(userData);
                return userData.Id.Value;
            case nameof(SshKeyPairId):
                var pair = Rows.SshKeyPair(owner);
                await host.InsertAsync(pair);
                return pair.Id.Value;
            case nameof(InstanceGroupId):
                var instances = new InstanceGroupRow { Id = new InstanceGroupId(Guid.NewGuid()), AccountId = owner.Account.Id, Name = "x", Created = Rows.Now };
                await host.InsertAsync(instances);
                return instances.Id.Value;
            case nameof(AffinityGroupId):
                var affinity = new AffinityGroupRow { Id = new AffinityGroupId(Guid.NewGuid()), AccountId = owner.Account.Id, Name = "x", Type = Core.States.AffinityType.HostAntiAffinity, Created = Rows.Now };
                await host.InsertAsync(affinity);
                return affinity.Id.Value;
            case nameof(VmScheduleId):
                var scheduled = Rows.Vm(owner, host.Zone.Id, offering);
                await host.InsertAsync(scheduled);
                var schedule = new VmScheduleRow
                {
                    Id = new VmScheduleId(Guid.NewGuid()), VmId = scheduled.Id, Schedule = "0 0 * * *", TimeZone = "UTC", Action = Core.States.ScheduledAction.Stop, Enabled = true, StartDate = Rows.Now, Created = Rows.Now,
                };
                await host.InsertAsync(schedule);
                return schedule.Id.Value;
            case nameof(AnnotationId):
                var comment = new AnnotationRow { Id = new AnnotationId(Guid.NewGuid()), EntityType = "VM", EntityId = Guid.NewGuid(), Text = "x", UserId = owner.Row.Id, AdminsOnly = false, Created = Rows.Now };
                await host.InsertAsync(comment);
                return comment.Id.Value;
            case nameof(AlertId):
                var alert = new AlertRow { Id = new AlertId(Guid.NewGuid()), Type = 12, Name = "ALERT.STORAGE.MISC", Description = "x", Created = Rows.Now };
                await host.InsertAsync(alert);
                return alert.Id.Value;
            case nameof(ObligationId):
                var obligation = Rows.Obligation(pool, place);
                await host.InsertAsync(obligation);
                return obligation.Id.Value;
            case nameof(OsTypeId):
                return (await host.Database.ReadAsync((db, ct) => Task.FromResult(db.OsTypes.First().Id), CancellationToken.None)).Value;
            default:
                throw new ArgumentOutOfRangeException(nameof(id), id, "No row of this kind is made here yet.");
        }
    }
}
