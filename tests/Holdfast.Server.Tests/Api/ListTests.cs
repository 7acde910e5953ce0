using System.Data.Common;
using System.Diagnostics;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Hosts;
using Holdfast.Server.Jobs;
using Holdfast.Server.Machines;
using Holdfast.Server.Pools;
using Holdfast.Server.Startup;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using Holdfast.Server.Volumes;
using LinqToDB;
using LinqToDB.Data;
using LinqToDB.Interceptors;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>What lists find, what they show to whom, and what they cost.</summary>
public abstract class ListTests(ApiHost host)
{
    [Fact]
    public async Task A_volume_is_shown_as_clients_expect()
    {
        var (vm, pool, kvm) = await WorldAsync("golden");
        var volume = Rows.Volume(host.User, host.Zone.Id, "ROOT-12", vm, pool, VolumeType.Root);
        await host.InsertAsync(volume);

        var answer = await host.CallAsync(host.User, "listVolumes", ("id", volume.Id.ToString()));

        answer.Text.ShouldBe(
            "{\"listvolumesresponse\":{\"count\":1,\"volume\":[{"
            + $"\"id\":\"{volume.Id}\",\"name\":\"ROOT-12\",\"zoneid\":\"{host.Zone.Id}\",\"zonename\":\"zone1\",\"type\":\"ROOT\",\"deviceid\":0,"
            + $"\"virtualmachineid\":\"{vm.Id}\",\"vmname\":\"golden\",\"vmdisplayname\":\"golden\",\"vmstate\":\"Running\",\"size\":8589934592,"
            + "\"created\":\"2026-01-30T10:39:29+0000\",\"attached\":\"2026-01-30T10:39:29+0000\",\"state\":\"Ready\","
            + $"\"account\":\"ulla\",\"domainid\":\"{host.User.Domain.Id}\",\"domain\":\"ROOT/a\",\"storagetype\":\"shared\",\"hypervisor\":\"KVM\",\"storage\":\"golden-pool\","
            + "\"destroyed\":false,\"isextractable\":false,\"displayvolume\":true,\"deleteprotection\":false,\"tags\":[]}]}}");

        var admin = (await host.CallAsync(host.Admin, "listVolumes", ("id", volume.Id.ToString()))).List("volume").Single();
        admin.GetProperty("storageid").GetString().ShouldBe(pool.Id.ToString());
        (await host.CallAsync(host.Admin, "listVolumes", ("hostid", kvm.Id.ToString()), ("name", "root-12"), ("listall", "true"))).List("volume").Length.ShouldBe(1);
        (await host.CallAsync(host.Admin, "listVolumes", ("storageid", pool.Id.ToString()), ("type", "root"), ("keyword", "T-1"), ("listall", "true"))).List("volume").Length.ShouldBe(1);
        (await host.CallAsync(host.Admin, "listVolumes", ("storageid", pool.Id.ToString()), ("type", "data"), ("listall", "true"))).Text.ShouldBe("""{"listvolumesresponse":{}}""");
    }

    [Fact]
    public async Task A_vm_is_shown_with_its_nic_and_to_administrators_with_its_host()
    {
        var (vm, _, kvm) = await WorldAsync("nicvm");
        var nic = new NicRow { Id = new NicId(Guid.NewGuid()), VmId = vm.Id, NetworkId = host.Network.Id, Mac = "02:00:00:00:00:01", DeviceId = 0, IsDefault = true };
        await host.InsertAsync(nic);

        var own = (await host.CallAsync(host.User, "listVirtualMachines", ("name", "NICVM"))).List("virtualmachine").Single();
        own.TryGetProperty("hostid", out _).ShouldBeFalse();
        own.TryGetProperty("instancename", out _).ShouldBeFalse();
        own.GetProperty("state").GetString().ShouldBe("Running");
        own.GetProperty("cpunumber").ValueKind.ShouldBe(JsonValueKind.Number);
        own.GetProperty("memory").GetInt32().ShouldBe(256);
        own.GetProperty("tags").GetArrayLength().ShouldBe(0);
        var shown = own.GetProperty("nic").EnumerateArray().Single();
        shown.GetProperty("macaddress").GetString().ShouldBe("02:00:00:00:00:01");
        shown.GetProperty("deviceid").ValueKind.ShouldBe(JsonValueKind.String);
        shown.GetProperty("networkid").GetString().ShouldBe(host.Network.Id.ToString());

        var admin = (await host.CallAsync(host.Admin, "listVirtualMachines", ("id", vm.Id.ToString()))).List("virtualmachine").Single();
        admin.GetProperty("hostid").GetString().ShouldBe(kvm.Id.ToString());
        admin.GetProperty("hostname").GetString().ShouldBe("nicvm-host");
        admin.GetProperty("instancename").GetString().ShouldBe(vm.InstanceName);
        admin.GetProperty("pooltype").GetString().ShouldBe("Linstor");
        (await host.CallAsync(host.Admin, "listVirtualMachinesMetrics", ("id", vm.Id.ToString()))).List("virtualmachine").Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_list_shows_the_callers_own_unless_everything_is_asked_for()
    {
        var offering = Rows.ServiceOffering();
        await host.InsertAsync(offering);
        await host.InsertAsync(Rows.Vm(host.User, host.Zone.Id, offering, "scope-u"), Rows.Vm(host.Other, host.Zone.Id, offering, "scope-o"), Rows.Vm(host.Admin, host.Zone.Id, offering, "scope-r"));

        (await NamesAsync(host.User)).ShouldBe(["scope-u"]);
        (await NamesAsync(host.User, ("listall", "true"))).ShouldBe(["scope-u"]);
        (await NamesAsync(host.DomainAdmin)).ShouldBeEmpty();
        (await NamesAsync(host.DomainAdmin, ("listall", "true"))).ShouldBe(["scope-o", "scope-u"]);
        (await NamesAsync(host.Admin)).ShouldBe(["scope-r"]);
        (await NamesAsync(host.Admin, ("listall", "true"))).ShouldBe(["scope-o", "scope-r", "scope-u"]);
        (await NamesAsync(host.Admin, ("domainid", host.User.Domain.Id.ToString()))).ShouldBe(["scope-o", "scope-u"]);
        (await NamesAsync(host.Admin, ("domainid", host.Admin.Domain.Id.ToString()))).ShouldBe(["scope-r"]);
        (await NamesAsync(host.Admin, ("domainid", host.Admin.Domain.Id.ToString()), ("isrecursive", "true"))).ShouldBe(["scope-o", "scope-r", "scope-u"]);
        (await NamesAsync(host.Admin, ("domainid", host.User.Domain.Id.ToString()), ("account", "otto"))).ShouldBe(["scope-o"]);
        (await NamesAsync(host.Admin, ("listall", "true"), ("projectid", "-1"))).Length.ShouldBe(3);
        (await NamesAsync(host.Admin, ("listall", "true"), ("tags[0].key", "a"), ("tags[0].value", "b"))).ShouldBeEmpty();
        (await NamesAsync(host.User, ("account", "otto"), ("domainid", host.User.Domain.Id.ToString()))).ShouldBeEmpty();
        (await host.CallAsync(host.User, "listVirtualMachines", ("domainid", host.Admin.Domain.Id.ToString()))).ShouldFail(431);

        async Task<string[]> NamesAsync(TestUser user, params (string, string)[] parameters) =>
        [
            .. (await host.CallAsync(user, "listVirtualMachines", [("keyword", "scope-"), .. parameters])).ShouldSucceed().List("virtualmachine")
                .Select(v => v.GetProperty("name").GetString()!).Order(StringComparer.Ordinal),
        ];
    }

    [Fact]
    public async Task An_id_that_is_gone_still_resolves_and_minus_one_finds_nothing()
    {
        var offering = Rows.ServiceOffering();
        var vm = Rows.Vm(host.User, host.Zone.Id, offering, "gone") with { Removed = DateTimeOffset.UtcNow };
        await host.InsertAsync(offering);
        await host.InsertAsync(vm);

        (await host.CallAsync(host.User, "listVirtualMachines", ("id", vm.Id.ToString()))).Text.ShouldBe("""{"listvirtualmachinesresponse":{}}""");
        (await host.CallAsync(host.User, "listVirtualMachines", ("id", "-1"))).Text.ShouldBe("""{"listvirtualmachinesresponse":{}}""");
        (await host.CallAsync(host.User, "startVirtualMachine", ("id", "-1"))).ShouldFail(431).ErrorText!.ShouldContain("Invalid parameter id value=-1");
    }

    [Fact]
    public async Task Pages_are_stable_and_the_count_is_of_the_whole_list()
    {
        var rows = Enumerable.Range(0, 7).Select(i => Rows.DiskOffering($"paged-{i}") with { Created = DateTimeOffset.UnixEpoch.AddHours(i / 3) }).ToList();
        await host.InsertAsync<DiskOfferingRow>(rows);
        var seen = new List<string>();
        for (var page = 1; page <= 3; page++)
        {
            var answer = await host.CallAsync(host.User, "listDiskOfferings", ("keyword", "paged-"), ("page", $"{page}"), ("pagesize", "3"));
            answer.Body.GetProperty("count").GetInt32().ShouldBe(7);
            seen.AddRange(answer.List("diskoffering").Select(o => o.GetProperty("id").GetString()!));
        }

        seen.Count.ShouldBe(7);
        seen.ShouldBeUnique();
        (await host.CallAsync(host.User, "listDiskOfferings", ("keyword", "paged-"), ("page", "9"), ("pagesize", "3"))).Text.ShouldBe("""{"listdiskofferingsresponse":{"count":7}}""");
        (await host.CallAsync(host.User, "listDiskOfferings", ("keyword", "paged-"), ("pagesize", "-1"))).List("diskoffering").Length.ShouldBe(7);
        (await host.CallAsync(host.User, "listDiskOfferings", ("page", "1"))).ShouldFail(431);
    }

    [Fact]
    public async Task Lists_cost_the_same_queries_for_one_row_and_for_five_hundred()
    {
        var offering = Rows.ServiceOffering();
        var pool = Rows.Pool(host.Zone.Id, "many");
        var kvm = Rows.Host(host.Cluster, "many-host");
        await host.InsertAsync(offering);
        await host.InsertAsync(pool);
        await host.InsertAsync(kvm);
        var vms = Enumerable.Range(0, 500).Select(i => Rows.Vm(host.DomainAdmin, host.Zone.Id, offering, $"many-{i}", host: kvm)).ToList();
        await host.Database.WriteAsync(
            async (db, ct) =>
            {
                await db.BulkCopyAsync(vms, ct);
                await db.BulkCopyAsync(vms.Select(v => Rows.Volume(host.DomainAdmin, host.Zone.Id, "ROOT", v, pool, VolumeType.Root)), ct);
                await db.BulkCopyAsync(vms.Select(v => new NicRow { Id = new NicId(Guid.NewGuid()), VmId = v.Id, NetworkId = host.Network.Id, Mac = "02", DeviceId = 0, IsDefault = true }), ct);
            },
            TestContext.Current.CancellationToken);

        var one = new Page(0, 1);
        var all = new Page(0, 500);
        foreach (var (name, most, read) in new (string, int, Func<StoreConnection, Page, CancellationToken, Task<int>>)[]
        {
            ("VMs", 5, async (db, page, ct) => (await VirtualMachineRows.ReadAsync(db, AskedOwners.All(db), new VirtualMachineFilter { Keyword = "many-" }, page, ct)).Rows.Count),
            ("volumes", 3, async (db, page, ct) => (await VolumeReader.ReadAsync(db, AskedOwners.All(db), new VolumeFilter { PoolId = pool.Id }, page, ct)).Rows.Count),
            ("pools", 5, async (db, page, ct) => (await StoragePoolReader.ReadAsync(db, new StoragePoolFilter(), page, ct)).Rows.Count),
        })
        {
            (await CountAsync(one, read)).Statements.ShouldBeLessThanOrEqualTo(most, name);
            (await CountAsync(all, read)).Statements.ShouldBeLessThanOrEqualTo(most, name);
        }

        (await CountAsync(all, async (db, page, ct) => (await VirtualMachineRows.ReadAsync(db, AskedOwners.All(db), new VirtualMachineFilter { Keyword = "many-" }, page, ct)).Rows.Count)).Rows.ShouldBe(500);
        var answer = (await host.CallAsync(host.DomainAdmin, "listVirtualMachines", ("keyword", "many-"))).ShouldSucceed();
        answer.List("virtualmachine").Length.ShouldBe(500);
        answer.List("virtualmachine").ShouldAllBe(v => v.GetProperty("nic").GetArrayLength() == 1);
        var clock = Stopwatch.StartNew();
        (await host.CallAsync(host.DomainAdmin, "listVirtualMachines", ("keyword", "many-"))).ShouldSucceed();
        TestContext.Current.TestOutputHelper?.WriteLine($"500 VMs in {clock.ElapsedMilliseconds} ms");
    }

    [Fact]
    public async Task A_pool_is_shown_with_what_it_promised_and_what_its_hosts_owe()
    {
        var (vm, pool, kvm) = await WorldAsync("poolshow");
        await host.InsertAsync(Rows.Volume(host.User, host.Zone.Id, "d", vm, pool));
        await host.InsertAsync(Rows.Binding(pool, kvm), Rows.Binding(pool, kvm, Desired.Quiesced, BindingState.Attached) with { ObservedGeneration = new Generation(2) });

        var shown = (await host.CallAsync(host.Admin, "listStoragePools", ("name", "POOLSHOW-pool"))).List("storagepool").Single();

        shown.GetProperty("type").GetString().ShouldBe("Linstor");
        shown.GetProperty("ipaddress").GetString().ShouldBe("http://10.0.0.1:3370");
        shown.GetProperty("path").GetString().ShouldBe("acs-basic");
        shown.GetProperty("scope").GetString().ShouldBe("ZONE");
        shown.GetProperty("state").GetString().ShouldBe("Up");
        shown.GetProperty("overprovisionfactor").ValueKind.ShouldBe(JsonValueKind.String);
        shown.GetProperty("disksizetotal").GetInt64().ShouldBe(100L << 30);
        shown.GetProperty("disksizeallocated").GetInt64().ShouldBe(16L << 30);
        shown.GetProperty("pendinghosts").GetInt32().ShouldBe(1);
        shown.GetProperty("health").GetString().ShouldBe("unknown", "the host's agent is not the one that told this");
        shown.GetProperty("hosts").GetInt32().ShouldBe(2);
        shown.GetProperty("details").GetProperty("resourceGroup").GetString().ShouldBe("acs-basic");
        (await host.CallAsync(host.Admin, "listStoragePools", ("scope", "GALAXY"))).ShouldFail(431);
        (await host.CallAsync(host.Admin, "listStoragePools", ("scope", "host"))).Text.ShouldBe("""{"liststoragepoolsresponse":{}}""");
        (await host.CallAsync(host.Admin, "listStoragePools", ("status", "Maintenance"))).Text.ShouldBe("""{"liststoragepoolsresponse":{}}""");
        (await host.CallAsync(host.Admin, "listStoragePools", ("hostid", kvm.Id.ToString()))).List("storagepool").Length.ShouldBe(1);
        (await host.CallAsync(host.Admin, "listStoragePools", ("clusterid", host.Cluster.Id.ToString()), ("name", "poolshow-pool"))).List("storagepool").Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_host_tells_which_of_its_vms_cannot_be_killed_and_what_they_wait_for()
    {
        var (vm, _, kvm) = await WorldAsync("stuck");
        (await host.CallAsync(host.Admin, "listHosts", ("id", kvm.Id.ToString()))).List("host").Single().TryGetProperty("stuckvms", out _).ShouldBeFalse();

        await host.Database.WriteAsync(
            (db, ct) => db.Vms.Where(v => v.Id == vm.Id)
                .Set(v => v.State, VmState.Stopping)
                .Set(v => v.Stuck, DateTimeOffset.UnixEpoch)
                .Set(v => v.Condition, "process 4711 waits for volume 1 on storage pool p")
                .UpdateAsync(ct),
            TestContext.Current.CancellationToken);

        var shown = (await host.CallAsync(host.Admin, "listHosts", ("id", kvm.Id.ToString()))).List("host").Single().GetProperty("stuckvms").EnumerateArray().Single();
        shown.GetProperty("id").GetString().ShouldBe(vm.Id.ToString());
        shown.GetProperty("name").GetString().ShouldBe(vm.Name);
        shown.GetProperty("since").GetString().ShouldBe("1970-01-01T00:00:00+0000");
        shown.GetProperty("waitsfor").GetString().ShouldBe("process 4711 waits for volume 1 on storage pool p");
    }

    [Fact]
    public async Task A_pool_and_its_hosts_tell_where_it_does_not_serve()
    {
        var pool = Rows.Pool(host.Zone.Id, "halfsick");
        var well = Rows.Host(host.Cluster, "well-host") with { IncarnationId = new IncarnationId(Guid.NewGuid()) };
        var sick = Rows.Host(host.Cluster, "sick-host") with { IncarnationId = new IncarnationId(Guid.NewGuid()) };
        var away = Rows.Host(host.Cluster, "away-host") with { IncarnationId = new IncarnationId(Guid.NewGuid()), State = HostState.Disconnected };
        await host.InsertAsync(pool);
        await host.InsertAsync(well, sick, away);
        await host.InsertAsync(
            Rows.Binding(pool, well) with { IncarnationId = well.IncarnationId!.Value },
            Rows.Binding(pool, sick, observed: BindingState.Degraded) with { IncarnationId = sick.IncarnationId!.Value, ControlPlane = PlaneHealth.Down, Error = "connection refused" },
            Rows.Binding(pool, away) with { IncarnationId = away.IncarnationId!.Value });

        var shown = (await host.CallAsync(host.Admin, "listStoragePools", ("id", pool.Id.ToString()))).List("storagepool").Single();

        shown.GetProperty("state").GetString().ShouldBe("Up", "clients know CloudStack's own states only");
        shown.GetProperty("health").GetString().ShouldBe("degraded");
        shown.GetProperty("hosts").GetInt32().ShouldBe(3);
        shown.GetProperty("servinghosts").GetInt32().ShouldBe(1);
        shown.GetProperty("sickhosts").GetInt32().ShouldBe(1);
        shown.GetProperty("lasterror").GetString().ShouldBe("connection refused");
        var listed = (await host.CallAsync(host.Admin, "listHosts", ("name", "sick-host"))).List("host").Single();
        listed.GetProperty("state").GetString().ShouldBe("Up");
        listed.GetProperty("sickpools").EnumerateArray().Single().GetProperty("error").GetString().ShouldBe("connection refused");
        (await host.CallAsync(host.Admin, "listHosts", ("name", "well-host"))).List("host").Single().TryGetProperty("sickpools", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_deleted_pool_is_not_listed_but_what_its_hosts_must_confirm_is()
    {
        var pool = Rows.Pool(host.Zone.Id, "deleted") with { State = PoolState.Removed, Removed = DateTimeOffset.UtcNow };
        var kvm = Rows.Host(host.Cluster, "late");
        await host.InsertAsync(pool);
        await host.InsertAsync(kvm);
        var waiting = Rows.Binding(pool, kvm, Desired.Absent, BindingState.Attached) with { ObservedGeneration = new Generation(2), Error = "connection refused" };
        var done = Rows.Binding(pool, kvm, Desired.Absent, BindingState.Absent) with { Absent = DateTimeOffset.UtcNow, DriverPid = null };
        await host.InsertAsync(waiting, done);
        var healthy = Rows.Pool(host.Zone.Id, "healthy");
        await host.InsertAsync(healthy);
        await host.InsertAsync(Rows.Binding(healthy, kvm), Rows.Binding(healthy, kvm, observed: null));
        (await host.CallAsync(host.Admin, "listStoragePoolBindings", ("storageid", healthy.Id.ToString()), ("pending", "false"))).List("storagepoolbinding").Single().GetProperty("observed").GetString().ShouldBe("Attached");
        (await host.CallAsync(host.Admin, "listStoragePoolBindings", ("storageid", healthy.Id.ToString()), ("pending", "true"))).List("storagepoolbinding").Single().GetProperty("observed").GetString().ShouldBe("Unknown");

        (await host.CallAsync(host.Admin, "listStoragePools", ("name", "deleted"))).Text.ShouldBe("""{"liststoragepoolsresponse":{}}""");
        var shown = (await host.CallAsync(host.Admin, "listStoragePoolBindings", ("storageid", pool.Id.ToString()))).List("storagepoolbinding").Single();
        shown.GetProperty("desired").GetString().ShouldBe("Absent");
        shown.GetProperty("observed").GetString().ShouldBe("Attached");
        shown.GetProperty("pending").GetBoolean().ShouldBeTrue();
        shown.GetProperty("generation").GetInt64().ShouldBe(3);
        shown.GetProperty("driverpid").GetInt32().ShouldBe(4711);
        shown.GetProperty("health").GetProperty("controlplane").GetString().ShouldBe("up");
        shown.GetProperty("health").GetProperty("text").GetString().ShouldBe("connection refused");
        (await host.CallAsync(host.Admin, "listStoragePoolBindings", ("storageid", pool.Id.ToString()), ("listall", "true"))).List("storagepoolbinding").Length.ShouldBe(2);
        (await host.CallAsync(host.Admin, "listStoragePoolBindings", ("storageid", pool.Id.ToString()), ("pending", "true"), ("listall", "true"))).List("storagepoolbinding").Length.ShouldBe(1);
        (await host.CallAsync(host.Admin, "listStoragePoolBindings", ("storageid", pool.Id.ToString()), ("pending", "false"))).List("storagepoolbinding").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_pool_that_is_another_pools_storage_is_shown_sick_and_so_on_its_hosts()
    {
        var first = Rows.Pool(host.Zone.Id, "twin-first") with { Identity = "linstor/0b7c/rg", IdentitySince = DateTimeOffset.UtcNow };
        var second = Rows.Pool(host.Zone.Id, "twin-second") with { Identity = first.Identity, IdentitySince = DateTimeOffset.UtcNow, SameAs = first.Id };
        var kvm = Rows.Host(host.Cluster, "twin-host") with { IncarnationId = new IncarnationId(Guid.NewGuid()) };
        await host.InsertAsync(first, second);
        await host.InsertAsync(kvm);
        await host.InsertAsync(Rows.Binding(first, kvm) with { IncarnationId = kvm.IncarnationId!.Value }, Rows.Binding(second, kvm) with { IncarnationId = kvm.IncarnationId!.Value });

        var pools = (await host.CallAsync(host.Admin, "listStoragePools", ("keyword", "twin-"))).List("storagepool");
        var shown = pools.Single(p => p.GetProperty("name").GetString() == "twin-second");
        shown.GetProperty("health").GetString().ShouldBe("degraded");
        shown.GetProperty("sameasid").GetString().ShouldBe(first.Id.ToString());
        shown.GetProperty("sameasname").GetString().ShouldBe("twin-first");
        shown.GetProperty("lasterror").GetString().ShouldNotBeNull().ShouldContain($"the same storage as storage pool twin-first ({first.Id})");
        var unique = pools.Single(p => p.GetProperty("name").GetString() == "twin-first");
        unique.GetProperty("health").GetString().ShouldBe("up");
        unique.TryGetProperty("sameasid", out _).ShouldBeFalse();
        var binding = (await host.CallAsync(host.Admin, "listStoragePoolBindings", ("storageid", second.Id.ToString()))).List("storagepoolbinding").Single();
        var condition = binding.GetProperty("conditions").EnumerateArray().Single();
        condition.GetProperty("type").GetString().ShouldBe("same-as-other");
        condition.GetProperty("text").GetString().ShouldNotBeNull().ShouldContain("twin-first");
    }

    [Fact]
    public async Task What_is_owed_is_listed_and_what_was_left_behind_when_asked_for()
    {
        var pool = Rows.Pool(host.Zone.Id, "owing");
        var kvm = Rows.Host(host.Cluster, "debtor");
        await host.InsertAsync(pool);
        await host.InsertAsync(kvm);
        var owed = Rows.Obligation(pool, kvm);
        await host.InsertAsync(owed, Rows.Obligation(pool, kvm, ObligationState.Orphaned), Rows.Obligation(pool, kvm, ObligationState.Settled));
        (string, string) filter = ("storageid", pool.Id.ToString());

        (await host.CallAsync(host.Admin, "listObligations", filter)).List("obligation").Single().GetProperty("id").GetString().ShouldBe(owed.Id.ToString());
        (await host.CallAsync(host.Admin, "listObligations", filter, ("state", "orphaned"))).List("obligation").Single().GetProperty("state").GetString().ShouldBe("orphaned");
        (await host.CallAsync(host.Admin, "listObligations", filter, ("listall", "true"))).List("obligation").Length.ShouldBe(3);
        (await host.CallAsync(host.Admin, "listObligations", filter, ("state", "settled"))).List("obligation").Length.ShouldBe(1);
        (await host.CallAsync(host.Admin, "listObligations", ("state", "lost"))).ShouldFail(431);
        var shown = (await host.CallAsync(host.Admin, "listObligations", ("id", owed.Id.ToString()))).List("obligation").Single();
        shown.GetProperty("kind").GetString().ShouldBe("release-attachment");
        shown.GetProperty("state").GetString().ShouldBe("owed");
        shown.GetProperty("storagename").GetString().ShouldBe("owing");
        shown.GetProperty("hostname").GetString().ShouldBe("debtor");

        host.Operations.Done("ForgetAsync", owed with { State = ObligationState.Forgotten });
        (await host.CallAsync(host.Admin, "forgetObligation", ("id", owed.Id.ToString()), ("reason", "disk is gone"))).Body.GetProperty("obligation").GetProperty("id").GetString().ShouldBe(owed.Id.ToString());
        (await host.CallAsync(host.Admin, "forgetObligation", ("id", owed.Id.ToString()), ("reason", " "))).ShouldFail(431);
    }

    [Fact]
    public async Task A_host_is_shown_with_its_accelerator_and_what_it_promised()
    {
        var (_, _, kvm) = await WorldAsync("hostshow");

        var shown = (await host.CallAsync(host.Admin, "listHosts", ("type", "Routing"), ("id", kvm.Id.ToString()))).List("host").Single();

        shown.GetProperty("state").GetString().ShouldBe("Up");
        shown.GetProperty("resourcestate").GetString().ShouldBe("Enabled");
        shown.GetProperty("accelerator").GetString().ShouldBe("tcg");
        shown.GetProperty("details").GetProperty("accelerator").GetString().ShouldBe("tcg");
        shown.GetProperty("details").GetProperty("driver.linstor").GetString().ShouldBe("0.1.0");
        shown.GetProperty("cpuallocated").GetString().ShouldBe("12.5%");
        shown.GetProperty("memoryallocatedbytes").GetInt64().ShouldBe(256L << 20);
        shown.GetProperty("memorywithoverprovisioning").ValueKind.ShouldBe(JsonValueKind.String);
        (await host.CallAsync(host.Admin, "listHosts", ("type", "SecondaryStorage"))).Text.ShouldBe("""{"listhostsresponse":{}}""");
        (await host.CallAsync(host.Admin, "listHosts", ("state", "Up"), ("resourcestate", "Enabled"), ("id", kvm.Id.ToString()))).List("host").Length.ShouldBe(1);
        (await host.CallAsync(host.Admin, "listHosts", ("state", "Alert"), ("id", kvm.Id.ToString()))).List("host").ShouldBeEmpty();
        (await host.CallAsync(host.Admin, "listHosts", ("state", "Sleeping"))).Text.ShouldBe("""{"listhostsresponse":{}}""");
    }

    [Fact]
    public async Task A_template_tells_administrators_how_far_it_is_on_each_pool()
    {
        // Without the "t-" that the test of filters looks for.
        var template = Rows.Template(host.Admin, "progress", isPublic: true);
        var pools = (string[])["p-ready", "p-loading", "p-installing", "p-failed"];
        var rows = pools.Select(name => Rows.Pool(host.Zone.Id, name)).ToArray();
        var tasks = rows.Select(pool => new TaskRow
        {
            Id = new TaskId(Guid.NewGuid()), IncarnationId = new IncarnationId(Guid.NewGuid()), PoolId = pool.Id, Kind = WorkKind.ImportTemplate,
            State = WorkState.Pending, Created = DateTimeOffset.UtcNow, Percent = pool.Name == "p-installing" ? 100 : 40,
        }).ToArray();
        var copies = rows.Select((pool, number) => new TemplateCopyRow
        {
            Id = new VolumeId(Guid.NewGuid()), TemplateId = template.Id, PoolId = pool.Id, Generation = Generation.First, Created = DateTimeOffset.UtcNow.AddSeconds(number),
            State = pool.Name switch { "p-ready" => TemplateCopyState.Ready, "p-failed" => TemplateCopyState.Failed, _ => TemplateCopyState.Importing },
            TaskId = pool.Name is "p-loading" or "p-installing" ? tasks[number].Id : null,
        }).ToArray();
        await host.InsertAsync(template);
        await host.InsertAsync<StoragePoolRow>(rows);
        await host.InsertAsync<TaskRow>(tasks);
        await host.InsertAsync<TemplateCopyRow>(copies);

        var shown = (await host.CallAsync(host.Admin, "listTemplates", ("templatefilter", "all"), ("id", template.Id.ToString()), ("showunique", "true"))).List("template").Single();
        shown.GetProperty("downloaddetails").EnumerateArray()
            .Select(d => $"{d.GetProperty("datastore").GetString()} {d.GetProperty("downloadState").GetString()} {d.GetProperty("downloadPercent").GetString()}")
            .ShouldBe(["p-ready DOWNLOADED 100", "p-loading DOWNLOAD_IN_PROGRESS 40", "p-installing CREATING 100"]);
        (await host.CallAsync(host.User, "listTemplates", ("templatefilter", "featured"), ("id", template.Id.ToString()))).Text.ShouldNotContain("downloaddetails");
        (await host.CallAsync(host.User, "listTemplates", ("templatefilter", "community"), ("id", template.Id.ToString()))).Text.ShouldNotContain("downloaddetails");
    }

    [Fact]
    public async Task Templates_are_found_by_their_filter()
    {
        var shared = Rows.Template(host.Admin, "found-public", isPublic: true, isFeatured: true);
        var mine = Rows.Template(host.User, "found-mine") with { State = TemplateState.Pending, Status = "Importing" };
        var theirs = Rows.Template(host.Other, "found-theirs");
        await host.InsertAsync(shared, mine, theirs);

        (await NamesAsync(host.User, "featured")).ShouldBe(["found-public"]);
        (await NamesAsync(host.User, "self")).ShouldBe(["found-mine"]);
        (await NamesAsync(host.User, "selfexecutable")).ShouldBeEmpty();
        (await NamesAsync(host.User, "executable")).ShouldBe(["found-public"]);
        (await NamesAsync(host.User, "community")).ShouldBeEmpty();
        (await NamesAsync(host.User, "sharedexecutable")).ShouldBeEmpty();
        (await NamesAsync(host.Admin, "all")).ShouldBe(["found-mine", "found-public", "found-theirs"]);
        (await NamesAsync(host.DomainAdmin, "all")).ShouldBe(["found-mine", "found-public", "found-theirs"]);
        (await host.CallAsync(host.User, "listTemplates", ("templatefilter", "all"))).ShouldFail(431);
        (await host.CallAsync(host.User, "listTemplates", ("templatefilter", "self"), ("id", theirs.Id.ToString()))).ShouldFail(431);
        var shown = (await host.CallAsync(host.User, "listTemplates", ("templatefilter", "self"), ("id", mine.Id.ToString()), ("zoneid", host.Zone.Id.ToString()), ("showunique", "true"))).List("template").Single();
        shown.GetProperty("isready").GetBoolean().ShouldBeFalse();
        shown.GetProperty("status").GetString().ShouldBe("Importing");
        shown.GetProperty("crossZones").GetBoolean().ShouldBeTrue();
        shown.GetProperty("zoneid").GetString().ShouldBe(host.Zone.Id.ToString());
        shown.TryGetProperty("url", out _).ShouldBeFalse();

        async Task<string[]> NamesAsync(TestUser user, string filter) =>
            [.. (await host.CallAsync(user, "listTemplates", ("templatefilter", filter), ("keyword", "found-"), ("showunique", "true"))).ShouldSucceed().List("template").Select(t => t.GetProperty("name").GetString()!).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task A_job_is_polled_until_it_has_its_result()
    {
        var (vm, _, _) = await WorldAsync("jobvm");
        var rendered = await host.Database.ReadAsync(
            (db, ct) => Renderer().RenderAsync(db, Rows.Job(host.User, vm, JobState.Succeeded, 0, null), ct),
            TestContext.Current.CancellationToken);
        var pending = Rows.Job(host.User, vm, JobState.Pending, 0, null);
        var done = Rows.Job(host.User, vm, JobState.Succeeded, 0, rendered);
        var failed = Rows.Job(host.User, vm, JobState.Failed, 533, """{"uuidList":[],"errorcode":533,"errortext":"no host"}""");
        await host.InsertAsync(pending, done, failed);

        var first = (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", pending.Id.ToString()))).ShouldSucceed().Body;
        first.GetProperty("jobstatus").GetInt32().ShouldBe(0);
        first.GetProperty("jobresultcode").GetInt32().ShouldBe(0);
        first.TryGetProperty("jobresult", out _).ShouldBeFalse();
        first.TryGetProperty("completed", out _).ShouldBeFalse();

        var second = (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", done.Id.ToString()))).ShouldSucceed().Body;
        second.GetProperty("jobstatus").GetInt32().ShouldBe(1);
        second.GetProperty("jobresulttype").GetString().ShouldBe("object");
        second.GetProperty("completed").GetString().ShouldBe("2026-01-30T10:39:32+0000");
        var result = second.GetProperty("jobresult").EnumerateObject().Single();
        result.Name.ShouldBe("virtualmachine");
        result.Value.GetProperty("id").GetString().ShouldBe(vm.Id.ToString());
        result.Value.TryGetProperty("hostid", out _).ShouldBeFalse("the job belongs to a user, who does not see hosts");

        var third = (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", failed.Id.ToString()))).ShouldSucceed().Body;
        third.GetProperty("jobstatus").GetInt32().ShouldBe(2);
        third.GetProperty("jobresultcode").GetInt32().ShouldBe(533);
        third.GetProperty("jobresult").GetProperty("errortext").GetString().ShouldBe("no host");

        (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", Guid.NewGuid().ToString()))).ShouldFail(431);
        (await host.CallAsync(host.Other, "queryAsyncJobResult", ("resourceid", vm.Id.ToString()), ("resourcetype", "virtualmachine"))).ShouldFail(431);
        (await host.CallAsync(host.User, "queryAsyncJobResult", ("resourceid", vm.Id.ToString()), ("resourcetype", "virtualmachine"))).ShouldSucceed();
        (await host.CallAsync(host.User, "listAsyncJobs", ("resourceid", vm.Id.ToString()))).List("asyncjobs").Length.ShouldBe(3);
        (await host.CallAsync(host.Other, "listAsyncJobs", ("resourceid", vm.Id.ToString()), ("listall", "true"))).List("asyncjobs").ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_kind_of_job_has_a_result()
    {
        var (vm, pool, _) = await WorldAsync("kinds");
        var volume = Rows.Volume(host.User, host.Zone.Id, "k", vm, pool);
        await host.InsertAsync(volume);
        foreach (var kind in ServerKinds.Jobs.Select(j => j.Kind))
        {
            var (type, instance) = kind switch
            {
                _ when VolumeJobs.All.Any(j => j.Kind == kind) => (ResourceTypes.Volume, volume.Id.Value),
                _ when PoolJobs.All.Any(j => j.Kind == kind) => (ResourceTypes.StoragePool, pool.Id.Value),
                _ when HostJobs.All.Any(j => j.Kind == kind) => (ResourceTypes.Host, Guid.NewGuid()),
                _ when TemplateJobs.All.Any(j => j.Kind == kind) => (ResourceTypes.Template, Guid.NewGuid()),
                _ => (ResourceTypes.VirtualMachine, vm.Id.Value),
            };
            var json = await host.Database.ReadAsync(
                (db, ct) => Renderer().RenderAsync(db, Rows.Job(host.Admin, vm, JobState.Succeeded, 0, null) with { Kind = kind, InstanceType = type, InstanceId = instance }, ct),
                TestContext.Current.CancellationToken);
            var property = JsonDocument.Parse(json).RootElement.EnumerateObject().Single();
            (property.Name is "virtualmachine" or "volume" or "storagepool" or "success").ShouldBeTrue($"{kind}: {json}");
        }
    }

    private static JobResultRenderer Renderer() => new(new JobTypes(ServerKinds.Jobs), new EntityKinds(ServerKinds.All));

    [Fact]
    public async Task Keys_are_given_to_their_user_and_to_administrators_and_shown_to_nobody_else()
    {
        var id = host.User.Row.Id.ToString();

        (await host.CallAsync(host.User, "getUserKeys", ("id", id))).Body.GetProperty("userkeys").GetProperty("secretkey").GetString().ShouldBe(host.User.SecretKey);
        (await host.CallAsync(host.Admin, "getUserKeys", ("id", id))).Body.GetProperty("userkeys").GetProperty("apikey").GetString().ShouldBe(host.User.ApiKey);
        (await host.CallAsync(host.DomainAdmin, "getUserKeys", ("id", id))).Body.GetProperty("userkeys").GetProperty("apikey").GetString().ShouldBe(host.User.ApiKey);
        (await host.CallAsync(host.Other, "getUserKeys", ("id", id))).ShouldFail(431);
        (await host.CallAsync(host.Other, "registerUserKeys", ("id", id))).ShouldFail(431);
        (await host.CallAsync(host.DomainAdmin, "getUserKeys", ("id", host.Admin.Row.Id.ToString()))).ShouldFail(431);
        (await host.CallAsync(host.DomainAdmin, "listUsers")).ShouldSucceed().Text.ShouldNotContain(host.User.ApiKey);
        (await host.CallAsync(host.User, "listUsers")).List("user").Single().GetProperty("apikey").GetString().ShouldBe(host.User.ApiKey);
        (await host.CallAsync(host.DomainAdmin, "listAccounts")).Text.ShouldNotContain(host.User.ApiKey);
        (await host.CallAsync(host.Admin, "listDomains")).List("domain").Select(d => d.GetProperty("path").GetString()).ShouldBe(["ROOT", "ROOT/a", "ROOT/elsewhere"], ignoreOrder: true);
        (await host.CallAsync(host.User, "listDomains")).List("domain").Single().GetProperty("path").GetString().ShouldBe("ROOT/a");
    }

    /// <summary>The cloud controller manager reads the first three numbers of the first server's version, and does not start without.</summary>
    [Fact]
    public async Task The_management_server_that_answers_is_listed_with_the_version_of_the_api()
    {
        foreach (var command in new[] { "listManagementServers", "listManagementServersMetrics" })
        {
            var shown = (await host.CallAsync(host.User, command)).List("managementserver").ShouldHaveSingleItem();
            Version.Parse(shown.GetProperty("version").GetString()!).Major.ShouldBe(4);
            shown.TryGetProperty("name", out _).ShouldBeFalse("the machines are for administrators");
            (await host.CallAsync(host.Admin, command, ("id", shown.GetProperty("id").GetString()!))).List("managementserver").Single().GetProperty("name").GetString().ShouldNotBeNullOrEmpty();
            (await host.CallAsync(host.Admin, command, ("id", Guid.NewGuid().ToString()))).List("managementserver").ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task Events_come_newest_first()
    {
        await host.InsertAsync(
            Rows.Event(host.Other, "VM.START") with { Created = DateTimeOffset.UnixEpoch },
            Rows.Event(host.Other, "VM.STOP") with { Level = EventLevel.Error, Created = DateTimeOffset.UnixEpoch.AddHours(1) });

        var events = (await host.CallAsync(host.Other, "listEvents")).List("event");
        events.Select(e => e.GetProperty("type").GetString()).ShouldBe(["VM.STOP", "VM.START"]);
        events[0].GetProperty("level").GetString().ShouldBe("ERROR");
        (await host.CallAsync(host.Other, "listEvents", ("level", "INFO"))).List("event").Length.ShouldBe(1);
        (await host.CallAsync(host.Other, "listEvents", ("state", "Completed"))).List("event").Length.ShouldBe(2);
        (await host.CallAsync(host.Other, "listEvents", ("state", "Started"))).List("event").ShouldBeEmpty();
        (await host.CallAsync(host.Other, "listEvents", ("startdate", "1970-01-01 00:30:00"), ("enddate", "1970-01-02"))).List("event").Length.ShouldBe(1);
    }

    [Fact]
    public async Task What_would_be_made_for_somebody_else_is_refused()
    {
        var offering = Rows.ServiceOffering();
        var disk = Rows.DiskOffering();
        var template = Rows.Template(host.Admin, isPublic: true);
        await host.InsertAsync(offering);
        await host.InsertAsync(disk);
        await host.InsertAsync(template);
        (string, string)[] deploy = [("serviceofferingid", offering.Id.ToString()), ("templateid", template.Id.ToString()), ("zoneid", host.Zone.Id.ToString())];
        var calls = host.Operations.Calls.Count;

        (await host.CallAsync(host.User, "deployVirtualMachine", [.. deploy, ("account", "otto"), ("domainid", host.Other.Domain.Id.ToString())])).ShouldFail(531);
        (await host.CallAsync(host.User, "deployVirtualMachine", [.. deploy, ("projectid", Guid.NewGuid().ToString())])).ShouldFail(431);
        (await host.CallAsync(host.User, "deployVirtualMachine", [.. deploy, ("clusterid", host.Cluster.Id.ToString())])).ShouldFail(431);
        (await host.CallAsync(host.User, "deployVirtualMachine", [.. deploy, ("datadiskofferinglist[0].diskofferingid", Guid.NewGuid().ToString())])).ShouldFail(431);
        (await host.CallAsync(host.User, "deployVirtualMachine", [.. deploy, ("iptonetworklist[0].networkid", "x")])).ShouldFail(431);
        host.Operations.Calls.Count.ShouldBe(calls);

        host.Operations.Accept("DeployAsync", new JobId(Guid.NewGuid()), Guid.NewGuid());
        (await host.CallAsync(host.User, "deployVirtualMachine", [.. deploy, ("account", "ulla"), ("datadiskofferinglist[0].diskOffering", disk.Id.ToString()), ("datadiskofferinglist[0].disk", "7"), ("details[0].key", "k"), ("details[0].value", "v")])).ShouldSucceed();
        var request = (DeployVirtualMachine)host.Operations.Calls.Last(c => c.Method == "DeployAsync").Arguments[1]!;
        request.DataDisks.Single().ShouldBe(new DeployDataDisk(disk.Id, 7));
        request.Details["k"].ShouldBe("v");
        request.StartVm.ShouldBeTrue();
    }

    private async Task<(int Statements, int Rows)> CountAsync(Page page, Func<StoreConnection, Page, CancellationToken, Task<int>> read)
    {
        var counter = new StatementCounter();
        var rows = await host.Database.ReadAsync(
            (db, ct) =>
            {
                db.AddInterceptor(counter);
                return read(db, page, ct);
            },
            TestContext.Current.CancellationToken);
        return (counter.Statements, rows);
    }

    [Fact]
    public async Task A_missing_volume_is_told_at_the_volume_at_its_vm_and_at_its_pool()
    {
        var (vm, pool, _) = await WorldAsync("forgetful");
        var data = Rows.Volume(host.User, host.Zone.Id, "lost-data", vm, pool) with { Missing = Rows.Now };
        await host.InsertAsync(data);
        await host.InsertAsync(new UnclaimedVolumeRow { PoolId = pool.Id, Name = "hf-nobodys", Why = "its marks name no pool", Since = Rows.Now });

        var volume = (await host.CallAsync(host.User, "listVolumes", ("id", data.Id.ToString()))).List("volume").Single();
        volume.GetProperty("condition").GetString()!.ShouldContain("does not know it");
        volume.GetProperty("missing").GetString().ShouldBe("2026-01-30T10:39:29+0000");
        var machine = (await host.CallAsync(host.User, "listVirtualMachines", ("id", vm.Id.ToString()))).List("virtualmachine").Single();
        machine.GetProperty("condition").GetString()!.ShouldContain("volume lost-data");
        machine.GetProperty("condition").GetString()!.ShouldContain("forgetful-pool");
        machine.GetProperty("pooltype").GetString().ShouldBe(pool.Type);
        var storage = (await host.CallAsync(host.Admin, "listStoragePools", ("id", pool.Id.ToString()))).List("storagepool").Single();
        storage.GetProperty("missingvolumes").GetInt32().ShouldBe(1);
        storage.GetProperty("unclaimedvolumes").GetInt32().ShouldBe(1);
        storage.GetProperty("condition").GetString()!.ShouldContain("1 of its volumes");
        var unclaimed = (await host.CallAsync(host.Admin, "listUnclaimedVolumes", ("storageid", pool.Id.ToString()))).List("unclaimedvolume").Single();
        unclaimed.GetProperty("name").GetString().ShouldBe("hf-nobodys");
        unclaimed.GetProperty("why").GetString().ShouldBe("its marks name no pool");
        unclaimed.TryGetProperty("volumeid", out _).ShouldBeFalse();
        (await host.CallAsync(host.User, "listUnclaimedVolumes")).ShouldFail(401);
    }

    private async Task<(VmRow Vm, StoragePoolRow Pool, HostRow Host)> WorldAsync(string name)
    {
        var offering = Rows.ServiceOffering(name + "-offering");
        var pool = Rows.Pool(host.Zone.Id, name + "-pool");
        var kvm = Rows.Host(host.Cluster, name + "-host");
        var vm = Rows.Vm(host.User, host.Zone.Id, offering, name, host: kvm);
        await host.InsertAsync(offering);
        await host.InsertAsync(pool);
        await host.InsertAsync(kvm);
        await host.InsertAsync(vm);
        await host.InsertAsync(Rows.Volume(host.User, host.Zone.Id, "ROOT-" + name, vm, pool, VolumeType.Root));
        return (vm, pool, kvm);
    }

    /// <summary>On SQLite.</summary>
    public sealed class OnSqlite(ApiHost host) : ListTests(host), IClassFixture<ApiHost>;

    /// <summary>On a PostgreSQL of its own.</summary>
    public sealed class OnPostgreSql(PostgreSqlApiHost host) : ListTests(host), IClassFixture<PostgreSqlApiHost>;

    private sealed class StatementCounter : CommandInterceptor
    {
        public int Statements { get; private set; }

        public override DbCommand CommandInitialized(CommandEventData eventData, DbCommand command)
        {
            Statements++;
            return command;
        }
    }
}
