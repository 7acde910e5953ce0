using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tests.Hosts;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Hosts are added before they join, and changed by name, tags and state.</summary>
public sealed class HostChangeTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_that_was_added_is_filled_by_the_agent_that_joins_with_its_token()
    {
        var name = Name();
        var answer = (await AddAsync(name, ("hosttags", "gpu,ssd,GPU"), ("allocationstate", "Disabled"), ("username", "root"), ("password", "hunter2"))).ShouldSucceed();
        answer.Body.GetProperty("count").GetInt32().ShouldBe(1);
        answer.Text.ShouldNotContain("hunter2");
        host.Log.Lines.ShouldNotContain(line => line.Contains("hunter2"));
        var added = answer.List("host").Single();
        added.GetProperty("name").GetString().ShouldBe(name);
        added.GetProperty("state").GetString().ShouldBe("Connecting");
        added.GetProperty("resourcestate").GetString().ShouldBe("Disabled");
        added.GetProperty("hosttags").GetString().ShouldBe("gpu,ssd");
        added.TryGetProperty("version", out _).ShouldBeFalse();
        added.GetProperty("joincommand").GetString()!.ShouldStartWith("holdfast-agent --server https://127.0.0.1:");
        added.GetProperty("joincommand").GetString()!.ShouldNotContain(added.GetProperty("jointoken").GetString()!);
        var id = added.GetProperty("id").GetString()!;
        (await ShownAsync(id)).TryGetProperty("jointoken", out _).ShouldBeFalse("it is shown once");

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var joined = await TestAgent.SendJoinAsync(host.Gateway, added.GetProperty("jointoken").GetString()!, TestAgent.FactsOf("its-own-name"), key);
        joined.EnsureSuccessStatusCode();
        (await joined.Content.ReadFromJsonAsync(HostJson.Default.JoinAnswer, Token))!.HostId.ToString().ShouldBe(id);
        var shown = await ShownAsync(id);
        shown.GetProperty("name").GetString().ShouldBe(name);
        shown.GetProperty("version").GetString().ShouldBe("test");
        shown.GetProperty("cpunumber").GetInt32().ShouldBe(4);
        shown.GetProperty("hosttags").GetString().ShouldBe("gpu,ssd");
        shown.GetProperty("resourcestate").GetString().ShouldBe("Disabled");
        (await host.CallAsync(host.Admin, "deleteHost", ("id", id))).ShouldFail(530).ErrorText!.ShouldContain("not in maintenance");
    }

    [Fact]
    public async Task A_host_that_never_joined_is_deleted_at_once_and_its_token_with_it()
    {
        var added = (await AddAsync(Name())).ShouldSucceed().List("host").Single();
        var id = added.GetProperty("id").GetString()!;

        (await host.CallAsync(host.Admin, "deleteHost", ("id", id))).ShouldSucceed();

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var late = await TestAgent.SendJoinAsync(host.Gateway, added.GetProperty("jointoken").GetString()!, TestAgent.FactsOf(Name()), key);
        late.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await host.CallAsync(host.Admin, "listHosts", ("id", id))).Text.ShouldBe("""{"listhostsresponse":{}}""");
    }

    [Fact]
    public async Task A_token_for_a_cluster_that_was_deleted_lets_nobody_in()
    {
        var cluster = (await host.CallAsync(host.Admin, "addCluster", ("clustername", Name()), ("zoneid", $"{host.Zone.Id}"), ("podid", $"{host.Cluster.PodId}"), ("hypervisor", "KVM"), ("clustertype", "CloudManaged")))
            .ShouldSucceed().List("cluster").Single().GetProperty("id").GetString()!;
        var token = (await host.CallAsync(host.Admin, "createHostJoinToken", ("clusterid", cluster))).ShouldSucceed().Body.GetProperty("hostjointoken").GetProperty("token").GetString()!;
        (await host.CallAsync(host.Admin, "deleteCluster", ("id", cluster))).ShouldSucceed();

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var late = await TestAgent.SendJoinAsync(host.Gateway, token, TestAgent.FactsOf(Name()), key);

        late.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Theory]
    [InlineData("url", "http://root:secret@kvm1", "url")]
    [InlineData("url", "http://kvm1:22", "url")]
    [InlineData("url", "http://kvm1/path", "url")]
    [InlineData("url", "kvm 1", "url")]
    [InlineData("hypervisor", "XenServer", "hypervisor")]
    [InlineData("allocationstate", "Perhaps", "allocationstate")]
    [InlineData("clustername", "nosuch", "nosuch")]
    [InlineData("externaldetails[0].key", "x", "externaldetails")]
    public async Task A_host_that_makes_no_sense_is_not_added(string parameter, string value, string named)
    {
        var before = await host.Database.ReadAsync((db, ct) => db.Hosts.CountAsync(ct), Token);

        var text = (await AddAsync(Name(), (parameter, value))).ShouldFail(431).ErrorText!;

        text.ShouldContain(named);
        text.ShouldNotContain("secret");
        (await host.Database.ReadAsync((db, ct) => db.Hosts.CountAsync(ct), Token)).ShouldBe(before);
    }

    [Fact]
    public async Task A_host_is_renamed_switched_and_tagged_and_lists_show_the_tags_there_are()
    {
        var (kvm, taken) = (Rows.Host(host.Cluster, Name()), Rows.Host(host.Cluster, Name()));
        await host.InsertAsync(kvm, taken);
        var (name, tag) = (Name(), "Tag" + Name());
        var changed = (await UpdateAsync(kvm, ("name", name), ("allocationstate", "Disable"), ("hosttags", $"{tag},{tag}"))).ShouldSucceed().Body.GetProperty("host");
        changed.GetProperty("name").GetString().ShouldBe(name);
        changed.GetProperty("resourcestate").GetString().ShouldBe("Disabled");
        changed.GetProperty("hosttags").GetString().ShouldBe(tag);
        (await host.CallAsync(host.Admin, "listHostTags", ("keyword", tag.ToLowerInvariant()))).List("hosttag").Single().GetProperty("name").GetString().ShouldBe(tag);
        await host.InsertAsync(Rows.Pool(host.Zone.Id, "a") with { Tags = $"{tag},other" }, Rows.Pool(host.Zone.Id, "b") with { Tags = tag.ToLowerInvariant() });
        (await host.CallAsync(host.Admin, "listStorageTags", ("keyword", tag))).List("storagetag").Length.ShouldBe(1);

        (await UpdateAsync(kvm, ("name", taken.Name.ToUpperInvariant()))).ShouldFail(431).ErrorText!.ShouldContain($"{taken.Id}");
        (await UpdateAsync(kvm, ("name", "no name"))).ShouldFail(431);
        (await UpdateAsync(kvm, ("allocationstate", "Enabled"))).ShouldFail(431).ErrorText!.ShouldContain("Enable or Disable");
        (await UpdateAsync(kvm, ("istagarule", "true"))).ShouldFail(431);
        (await UpdateAsync(kvm, ("allocationstate", "Enable"), ("hosttags", ""))).ShouldSucceed().Body.GetProperty("host").TryGetProperty("hosttags", out _).ShouldBeFalse();
        (await host.CallAsync(host.Admin, "prepareHostForMaintenance", ("id", $"{kvm.Id}"))).ShouldSucceed();
        (await UpdateAsync(kvm, ("allocationstate", "Enable"))).ShouldFail(530).ErrorText!.ShouldContain("maintenance");
        (await ShownAsync($"{kvm.Id}")).GetProperty("resourcestate").GetString().ShouldBe("Maintenance");
        (await host.CallAsync(host.Admin, "reconnectHost", ("id", $"{kvm.Id}"))).ShouldFail(530).ErrorText!.ShouldContain("not heard of", Case.Sensitive, "no installation of it");
    }

    [Fact]
    public async Task A_vm_starts_on_a_host_that_has_all_tags_of_its_offering()
    {
        var zone = host.Zone with { Id = new ZoneId(Guid.NewGuid()), Name = Name(), Number = 77 };
        var cluster = host.Cluster with { Id = new ClusterId(Guid.NewGuid()), ZoneId = zone.Id };
        var kvm = Rows.Host(cluster, Name()) with { LastReport = host.Time.GetUtcNow(), IncarnationId = new IncarnationId(Guid.NewGuid()) };
        var offering = Rows.ServiceOffering() with { HostTags = "gpu,ssd" };
        var vm = Rows.Vm(host.User, zone.Id, offering, Name());
        var pool = Rows.Pool(zone.Id, Name());
        await host.InsertAsync(zone);
        await host.InsertAsync(cluster);
        await host.InsertAsync(kvm);
        await host.InsertAsync(Rows.Incarnation(kvm));
        await host.InsertAsync(offering);
        await host.InsertAsync(vm);
        await host.InsertAsync(pool);
        await host.InsertAsync(Rows.Binding(pool, kvm) with { IncarnationId = kvm.IncarnationId!.Value });
        await host.InsertAsync(Rows.Volume(host.User, zone.Id, "ROOT", vm, pool, VolumeType.Root));
        (await UpdateAsync(kvm, ("hosttags", "GPU"))).ShouldSucceed();

        (await StartAsync()).GetProperty("jobresult").GetProperty("errortext").GetString()!.ShouldContain("it has no tag ssd");
        (await UpdateAsync(kvm, ("hosttags", "GPU,ssd,more"))).ShouldSucceed();
        (await StartAsync()).GetProperty("jobstatus").GetInt32().ShouldBe(0, "its host was told to");

        async Task<JsonElement> StartAsync()
        {
            var job = (await host.CallAsync(host.User, "startVirtualMachine", ("id", $"{vm.Id}"))).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
            return (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", job))).Body;
        }
    }

    private static string Name() => $"kvm-{Guid.NewGuid():N}";

    private Task<ApiAnswer> AddAsync(string name, params (string Name, string Value)[] parameters)
    {
        var all = new Dictionary<string, string>
        {
            ["zoneid"] = $"{host.Zone.Id}", ["podid"] = $"{host.Cluster.PodId}", ["clusterid"] = $"{host.Cluster.Id}", ["hypervisor"] = "KVM", ["url"] = $"http://{name}",
        };
        foreach (var (parameter, value) in parameters)
        {
            all[parameter] = value;
            if (parameter == "clustername")
            {
                all.Remove("clusterid");
            }
        }

        return host.CallAsync(host.Admin, "addHost", [.. all.Select(p => (p.Key, p.Value))]);
    }

    private Task<ApiAnswer> UpdateAsync(HostRow kvm, params (string, string)[] parameters) => host.CallAsync(host.Admin, "updateHost", [("id", $"{kvm.Id}"), .. parameters]);

    private async Task<JsonElement> ShownAsync(string id) => (await host.CallAsync(host.Admin, "listHosts", ("id", id))).List("host").Single();
}
