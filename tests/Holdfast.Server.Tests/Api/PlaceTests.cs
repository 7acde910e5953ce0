using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Zones, pods and clusters: made, changed, disabled, and deleted only when nothing is in them.</summary>
public sealed class PlaceTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_zone_is_made_disabled_changed_and_deleted_with_its_network()
    {
        var name = Name("zone");
        var made = await ZoneAsync(
            ("name", name), ("dns2", "9.9.9.9"), ("internaldns1", "10.0.0.2"), ("ip6dns1", "2001:4860:4860::8888"), ("guestcidraddress", "10.1.1.0/24"), ("domain", "cloud.example.org"),
            ("securitygroupenabled", "false"), ("isedge", "false"), ("localstorageenabled", "false"));
        made.GetProperty("allocationstate").GetString().ShouldBe("Disabled");
        made.GetProperty("localstorageenabled").GetBoolean().ShouldBeFalse();
        made.GetProperty("dns1").GetString().ShouldBe("8.8.8.8");
        made.GetProperty("guestcidraddress").GetString().ShouldBe("10.1.1.0/24");
        made.GetProperty("type").GetString().ShouldBe("Core");
        var id = IdOf(made);
        (await host.CallAsync(host.User, "listZones", ("id", id))).Text.ShouldBe("""{"listzonesresponse":{}}""", "a disabled zone is not the users' business");
        (await host.CallAsync(host.Admin, "listNetworks", ("zoneid", id), ("listall", "true"))).List("network").Single().GetProperty("isdefault").GetBoolean().ShouldBeTrue();

        var changed = (await host.CallAsync(host.Admin, "updateZone", ("id", id), ("name", name + "x"), ("allocationstate", "enabled"), ("domain", ""), ("dns1", "1.1.1.1"))).ShouldSucceed().Body.GetProperty("zone");
        changed.GetProperty("name").GetString().ShouldBe(name + "x");
        changed.GetProperty("allocationstate").GetString().ShouldBe("Enabled");
        changed.TryGetProperty("domain", out _).ShouldBeFalse();
        changed.GetProperty("dns2").GetString().ShouldBe("9.9.9.9");
        var seen = (await host.CallAsync(host.User, "listZones", ("id", id))).List("zone").Single();
        seen.TryGetProperty("dns1", out _).ShouldBeFalse("only administrators see what the zone was told");

        (await host.CallAsync(host.Admin, "deleteZone", ("id", id))).ShouldSucceed().Body.GetProperty("success").GetBoolean().ShouldBeTrue();
        (await host.CallAsync(host.Admin, "listZones", ("id", id))).Text.ShouldBe("""{"listzonesresponse":{}}""");
        (await host.CallAsync(host.Admin, "listNetworks", ("zoneid", id), ("listall", "true"))).Text.ShouldBe("""{"listnetworksresponse":{}}""");
        (await host.CallAsync(host.Admin, "deleteZone", ("id", id))).ShouldFail(431).ErrorText!.ShouldContain($"Invalid parameter id value={id}");
        (await EventsAsync(id)).ShouldBe(["ZONE.CREATE", "ZONE.DELETE", "ZONE.EDIT"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("networktype", "Basic")]
    [InlineData("dns1", "8.8.8")]
    [InlineData("dns1", "010.0.0.1")]
    [InlineData("dns2", "::1")]
    [InlineData("ip6dns1", "10.0.0.1")]
    [InlineData("internaldns1", "nowhere")]
    [InlineData("guestcidraddress", "10.1.1.0")]
    [InlineData("guestcidraddress", "10.1.1.0/33")]
    [InlineData("domain", "-bad-.example")]
    [InlineData("allocationstate", "Perhaps")]
    [InlineData("isedge", "true")]
    [InlineData("securitygroupenabled", "true")]
    [InlineData("name", " ")]
    [InlineData("name", "zone1")]
    [InlineData("name", "ZONE1")]
    public async Task A_zone_that_makes_no_sense_is_refused_and_leaves_nothing(string parameter, string value)
    {
        var before = await host.Database.ReadAsync((db, ct) => db.Zones.CountAsync(ct), Token);
        var all = new Dictionary<string, string> { ["name"] = Name("bad"), ["networktype"] = "Advanced", ["dns1"] = "8.8.8.8", [parameter] = value };

        (await host.CallAsync(host.Admin, "createZone", [.. all.Select(p => (p.Key, p.Value))])).ShouldFail(431).ErrorText!.ShouldContain(parameter == "name" && value != " " ? value : parameter);

        (await host.Database.ReadAsync((db, ct) => db.Zones.CountAsync(ct), Token)).ShouldBe(before);
    }

    [Fact]
    public async Task A_pod_has_the_arrays_that_clients_index_whether_or_not_it_was_told_addresses()
    {
        var zone = IdOf(await ZoneAsync());
        var bare = await PodAsync(zone);
        foreach (var array in new[] { "startip", "endip", "vlanid", "forsystemvms" })
        {
            bare.GetProperty(array).EnumerateArray().Single().ValueKind.ShouldBe(JsonValueKind.String);
        }

        bare.GetProperty("ipranges").GetArrayLength().ShouldBe(0);
        var id = IdOf(bare);
        (await host.CallAsync(host.Admin, "updatePod", ("id", id), ("startip", "10.0.0.10"))).ShouldFail(431).ErrorText!.ShouldContain("gateway, netmask and startip");
        var told = (await host.CallAsync(host.Admin, "updatePod", ("id", id), ("gateway", "10.0.0.1"), ("netmask", "255.255.255.128"), ("startip", "10.0.0.10"))).ShouldSucceed().Body.GetProperty("pod");
        told.GetProperty("endip")[0].GetString().ShouldBe("10.0.0.126");
        told.GetProperty("ipranges")[0].GetProperty("cidr").GetString().ShouldBe("10.0.0.0/25");
        (await host.CallAsync(host.Admin, "updatePod", ("id", id), ("endip", "10.0.0.5"))).ShouldFail(431);
        (await host.CallAsync(host.Admin, "listPods", ("id", id), ("zoneid", zone))).List("pod").Single().GetProperty("endip")[0].GetString().ShouldBe("10.0.0.126");
        (await host.CallAsync(host.Admin, "listPods", ("id", IdOf(await PodAsync(zone))))).List("pod").Single().GetProperty("startip")[0].GetString().ShouldBe("");
    }

    [Theory]
    [InlineData("255.0.255.0", "10.0.0.1", "10.0.0.2", "10.0.0.9", "netmask")]
    [InlineData("255.255.255.255", "10.0.0.1", "10.0.0.2", "10.0.0.9", "netmask")]
    [InlineData("255.255.255.0", "10.0.0.1", "10.0.1.2", "10.0.1.9", "startip")]
    [InlineData("255.255.255.0", "10.0.0.1", "10.0.0.2", "10.0.1.9", "endip")]
    [InlineData("255.255.255.0", "10.0.0.1", "10.0.0.9", "10.0.0.2", "endip")]
    [InlineData("255.255.255.0", "10.0.0.5", "10.0.0.2", "10.0.0.9", "Gateway")]
    [InlineData("255.255.255.0", "gate", "10.0.0.2", "10.0.0.9", "gateway")]
    public async Task Addresses_that_do_not_go_together_are_refused(string netmask, string gateway, string start, string end, string named) =>
        (await host.CallAsync(host.Admin, "createPod", ("name", Name("pod")), ("zoneid", $"{host.Zone.Id}"), ("netmask", netmask), ("gateway", gateway), ("startip", start), ("endip", end)))
            .ShouldFail(431).ErrorText!.ShouldContain(named);

    [Fact]
    public async Task A_cluster_is_added_as_a_list_and_its_names_are_unique_in_its_pod()
    {
        var zone = IdOf(await ZoneAsync());
        var (pod, beside) = (IdOf(await PodAsync(zone)), IdOf(await PodAsync(zone)));
        (string, string)[] kind = [("zoneid", zone), ("hypervisor", "kvm"), ("clustertype", "CloudManaged")];
        var answer = (await host.CallAsync(host.Admin, "addCluster", [.. kind, ("podid", pod), ("clustername", "c")])).ShouldSucceed();
        answer.Body.GetProperty("count").GetInt32().ShouldBe(1);
        var id = IdOf(answer.List("cluster").Single());

        (await host.CallAsync(host.Admin, "addCluster", [.. kind, ("podid", pod), ("clustername", "C")])).ShouldFail(431).ErrorText!.ShouldContain("named C");
        var other = IdOf((await host.CallAsync(host.Admin, "addCluster", [.. kind, ("podid", beside), ("clustername", "c")])).ShouldSucceed().List("cluster").Single());
        (await host.CallAsync(host.Admin, "addCluster", [("zoneid", $"{host.Zone.Id}"), ("hypervisor", "KVM"), ("clustertype", "CloudManaged"), ("podid", pod), ("clustername", "d")])).ShouldFail(431).ErrorText!.ShouldContain("is not in zone");
        (await host.CallAsync(host.Admin, "addCluster", [("zoneid", zone), ("hypervisor", "XenServer"), ("clustertype", "CloudManaged"), ("podid", pod), ("clustername", "d")])).ShouldFail(431).ErrorText!.ShouldContain("hypervisor");
        (await host.CallAsync(host.Admin, "addCluster", [("zoneid", zone), ("hypervisor", "KVM"), ("clustertype", "ExternalManaged"), ("podid", pod), ("clustername", "d")])).ShouldFail(431).ErrorText!.ShouldContain("clustertype");
        (await host.CallAsync(host.Admin, "updateCluster", ("id", id), ("managedstate", "Unmanaged"))).ShouldFail(431).ErrorText!.ShouldContain("managedstate");
        var changed = (await host.CallAsync(host.Admin, "updateCluster", ("id", id), ("clustername", "e"), ("allocationstate", "Disabled"), ("managedstate", "Managed"))).ShouldSucceed().Body.GetProperty("cluster");
        changed.GetProperty("name").GetString().ShouldBe("e");
        (await host.CallAsync(host.Admin, "listClusters", ("zoneid", zone), ("allocationstate", "disabled"))).List("cluster").Single().GetProperty("id").GetString().ShouldBe(id);
        (await host.CallAsync(host.Admin, "deleteCluster", ("id", other))).ShouldSucceed();
        (await host.CallAsync(host.Admin, "deleteCluster", ("id", other))).ShouldFail(431);
        (await host.CallAsync(host.Admin, "updateCluster", ("id", other), ("clustername", "f"))).ShouldFail(431);
    }

    [Fact]
    public async Task A_place_with_something_in_it_is_not_deleted_and_says_what_it_is()
    {
        var zone = IdOf(await ZoneAsync());
        var pod = IdOf(await PodAsync(zone));
        var cluster = IdOf(await ClusterAsync(zone, pod));
        (await host.CallAsync(host.Admin, "deleteZone", ("id", zone))).ShouldFail(530).ErrorText!.ShouldContain($"pod ");
        (await host.CallAsync(host.Admin, "deletePod", ("id", pod))).ShouldFail(530).ErrorText!.ShouldContain($"({cluster})");

        var rows = await host.Database.ReadAsync((db, ct) => db.Clusters.SingleAsync(c => c.Id == new ClusterId(Guid.Parse(cluster)), ct), Token);
        var kvm = Rows.Host(rows, Name("kvm"));
        var pool = Rows.Pool(rows.ZoneId, Name("pool")) with { Scope = PoolScope.Cluster, PodId = rows.PodId, ClusterId = rows.Id };
        var offering = Rows.ServiceOffering();
        var vm = Rows.Vm(host.User, rows.ZoneId, offering, Name("vm")) with { OnlyClusterId = rows.Id };
        var volume = Rows.Volume(host.User, rows.ZoneId, Name("volume"));
        await host.InsertAsync(kvm);
        await host.InsertAsync(pool);
        await host.InsertAsync(offering);
        await host.InsertAsync(vm);
        await host.InsertAsync(volume);
        var template = Rows.Template(host.User, Name("template"), zone: rows.ZoneId);
        await host.InsertAsync(template);

        await NamesAsync("deleteCluster", cluster, kvm.Name, pool.Name, vm.Name);
        await NamesAsync("deletePod", pod, kvm.Name, pool.Name);
        await NamesAsync("deleteZone", zone, pool.Name, vm.Name, volume.Name, template.Name);
        await host.InsertAsync(Enumerable.Range(0, 20).Select(i => Rows.Volume(host.User, rows.ZoneId, $"v{i}")));
        (await host.CallAsync(host.Admin, "deleteZone", ("id", zone))).ShouldFail(530).ErrorText!.ShouldEndWith(" and 15 more");

        await host.Database.WriteAsync(
            async (db, ct) =>
            {
                await db.Hosts.Where(h => h.Id == kvm.Id).Set(h => h.Removed, Rows.Now).UpdateAsync(ct);
                await db.StoragePools.Where(p => p.Id == pool.Id).Set(p => p.Removed, Rows.Now).UpdateAsync(ct);
                await db.Vms.Where(v => v.Id == vm.Id).Set(v => v.Removed, Rows.Now).UpdateAsync(ct);
                await db.Volumes.Where(v => v.ZoneId == rows.ZoneId).Set(v => v.Removed, Rows.Now).UpdateAsync(ct);
                await db.Templates.Where(t => t.Id == template.Id).Set(t => t.Removed, Rows.Now).UpdateAsync(ct);
            },
            Token);
        (await host.CallAsync(host.Admin, "deleteCluster", ("id", cluster))).ShouldSucceed();
        (await host.CallAsync(host.Admin, "deletePod", ("id", pod))).ShouldSucceed();
        (await host.CallAsync(host.Admin, "deleteZone", ("id", zone))).ShouldSucceed();

        async Task NamesAsync(string command, string id, params string[] names)
        {
            var text = (await host.CallAsync(host.Admin, command, ("id", id))).ShouldFail(530).ErrorText!;
            foreach (var name in names)
            {
                text.ShouldContain(name);
            }
        }
    }

    [Fact]
    public async Task A_disabled_zone_takes_nothing_new_of_users_and_what_root_administrators_make()
    {
        var zone = IdOf(await ZoneAsync());
        var (offering, disk, template) = (Rows.ServiceOffering(), Rows.DiskOffering(), Rows.Template(host.Admin, isPublic: true));
        await host.InsertAsync(offering);
        await host.InsertAsync(disk);
        await host.InsertAsync(template);
        (string, string)[] deploy = [("serviceofferingid", $"{offering.Id}"), ("templateid", $"{template.Id}"), ("zoneid", zone), ("startvm", "false")];
        (string, string)[] volume = [("diskofferingid", $"{disk.Id}"), ("zoneid", zone), ("name", "v")];
        (string, string)[] image = [("name", "t"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("url", "https://example.org/t.qcow2"), ("zoneid", zone)];
        foreach (var (command, parameters) in new[] { ("deployVirtualMachine", deploy), ("createVolume", volume), ("registerTemplate", image) })
        {
            (await host.CallAsync(host.User, command, parameters)).ShouldFail(531).ErrorText!.ShouldContain("Zone is currently disabled");
            (await host.CallAsync(host.Admin, command, parameters)).ShouldSucceed();
        }
    }

    [Theory]
    [InlineData("zone")]
    [InlineData("pod")]
    [InlineData("cluster")]
    public async Task A_users_vm_starts_in_no_disabled_place_and_a_root_administrators_does(string disabled)
    {
        var zone = IdOf(await ZoneAsync(("name", Name("zone")), ("allocationstate", "Enabled")));
        var pod = IdOf(await PodAsync(zone));
        var cluster = IdOf(await ClusterAsync(zone, pod));
        var row = await host.Database.ReadAsync((db, ct) => db.Clusters.SingleAsync(c => c.Id == new ClusterId(Guid.Parse(cluster)), ct), Token);
        var kvm = Rows.Host(row, Name("kvm")) with { LastReport = host.Time.GetUtcNow(), IncarnationId = new IncarnationId(Guid.NewGuid()) };
        var offering = Rows.ServiceOffering();
        await host.InsertAsync(kvm);
        await host.InsertAsync(Rows.Incarnation(kvm));
        await host.InsertAsync(offering);
        var vms = new[] { host.User, host.Admin }.Select(u => Rows.Vm(u, row.ZoneId, offering, Name("vm"))).ToList();
        await host.InsertAsync<VmRow>(vms);
        var pool = Rows.Pool(row.ZoneId, Name("pool"));
        await host.InsertAsync(pool);
        await host.InsertAsync(Rows.Binding(pool, kvm) with { IncarnationId = kvm.IncarnationId!.Value });
        await host.InsertAsync(vms.Select(vm => Rows.Volume(host.User, row.ZoneId, "ROOT", vm, pool, VolumeType.Root)));
        (await host.CallAsync(host.Admin, disabled == "zone" ? "updateZone" : disabled == "pod" ? "updatePod" : "updateCluster", ("id", disabled == "zone" ? zone : disabled == "pod" ? pod : cluster), ("allocationstate", "Disabled"))).ShouldSucceed();

        var refused = (await host.CallAsync(host.User, "startVirtualMachine", ("id", $"{vms[0].Id}"))).ShouldSucceed().Body.GetProperty("jobid").GetString()!;
        var result = (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", refused))).Body;
        result.GetProperty("jobstatus").GetInt32().ShouldBe(2, result.ToString());
        result.GetProperty("jobresultcode").GetInt32().ShouldBe(533);
        result.GetProperty("jobresult").GetProperty("errortext").GetString()!.ShouldContain($"its {disabled} is disabled");

        (await host.CallAsync(host.Admin, "startVirtualMachine", ("id", $"{vms[1].Id}"))).ShouldSucceed();
        (await host.CallAsync(host.Admin, "listVirtualMachines", ("id", $"{vms[1].Id}"))).List("virtualmachine").Single().GetProperty("hostid").GetString().ShouldBe($"{kvm.Id}");
    }

    [Fact]
    public async Task A_zone_without_local_storage_gets_none_and_one_that_has_some_keeps_it()
    {
        var zone = IdOf(await ZoneAsync());
        var cluster = IdOf(await ClusterAsync(zone, IdOf(await PodAsync(zone))));
        var row = await host.Database.ReadAsync((db, ct) => db.Clusters.SingleAsync(c => c.Id == new ClusterId(Guid.Parse(cluster)), ct), Token);
        var kvm = Rows.Host(row, Name("kvm"));
        await host.InsertAsync(kvm);
        (string, string)[] local = [("name", Name("local")), ("zoneid", zone), ("scope", "HOST"), ("hostid", $"{kvm.Id}"), ("url", "file:///srv/local"), ("provider", "DefaultPrimary")];

        (await host.CallAsync(host.Admin, "createStoragePool", local)).ShouldFail(431).ErrorText!.ShouldContain("localstorageenabled=true");
        (await host.CallAsync(host.Admin, "updateZone", ("id", zone), ("localstorageenabled", "true"))).ShouldSucceed();
        await host.InsertAsync(Rows.Pool(row.ZoneId, "of-one-host") with { Scope = PoolScope.Host, HostId = kvm.Id });
        (await host.CallAsync(host.Admin, "updateZone", ("id", zone), ("localstorageenabled", "false"))).ShouldFail(530).ErrorText!.ShouldContain("of-one-host");
    }

    private static string Name(string kind) => $"{kind}-{Guid.NewGuid():N}";

    private static string IdOf(JsonElement place) => place.GetProperty("id").GetString()!;

    private async Task<JsonElement> ZoneAsync(params (string Name, string Value)[] parameters) =>
        (await host.CallAsync(host.Admin, "createZone", [("networktype", "Advanced"), ("dns1", "8.8.8.8"), .. parameters.Length == 0 ? [("name", Name("zone"))] : parameters])).ShouldSucceed().Body.GetProperty("zone");

    private async Task<JsonElement> PodAsync(string zone) =>
        (await host.CallAsync(host.Admin, "createPod", ("name", Name("pod")), ("zoneid", zone))).ShouldSucceed().Body.GetProperty("pod");

    private async Task<JsonElement> ClusterAsync(string zone, string pod) =>
        (await host.CallAsync(host.Admin, "addCluster", ("clustername", Name("cluster")), ("zoneid", zone), ("podid", pod), ("hypervisor", "KVM"), ("clustertype", "CloudManaged"))).ShouldSucceed().List("cluster").Single();

    private Task<List<string>> EventsAsync(string id) =>
        host.Database.ReadAsync((db, ct) => db.Events.Where(e => e.ResourceId == Guid.Parse(id)).Select(e => e.Type).ToListAsync(ct), Token);
}
