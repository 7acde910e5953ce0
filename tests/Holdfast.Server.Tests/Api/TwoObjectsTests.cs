using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>A call that names two objects is refused when they do not belong together: it changes neither, and says which belongs where.</summary>
public sealed class TwoObjectsTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Fact]
    public async Task A_detach_that_names_another_vm_than_the_volumes_does_not_detach_it()
    {
        var (a, b, volume) = await TwoVmsAsync();

        var answer = await host.CallAsync(host.Admin, "detachVolume", ("id", $"{volume.Id}"), ("virtualmachineid", $"{a.Id}"));

        var text = answer.ShouldFail(431).ErrorText!;
        text.ShouldContain($"{b.Id}");
        text.ShouldContain($"{a.Id}");
        var row = await VolumeAsync(volume.Id);
        (row.VmId, row.Detaching).ShouldBe((b.Id, false));
    }

    [Fact]
    public async Task A_network_that_is_named_twice_is_refused()
    {
        var offering = Rows.ServiceOffering();
        var template = Rows.Template(host.Admin);
        await host.InsertAsync(offering);
        await host.InsertAsync(template);

        var answer = await host.CallAsync(
            host.Admin, "deployVirtualMachine", ("serviceofferingid", $"{offering.Id}"), ("templateid", $"{template.Id}"), ("zoneid", $"{host.Zone.Id}"), ("networkids", $"{host.Network.Id},{host.Network.Id}"));

        answer.ShouldFail(431).ErrorText!.ShouldContain($"Network {host.Network.Id} was named twice");
    }

    /// <summary>A pool that was moved to another folder had its volumes missing, and spoke for those of the pool whose folder it was.</summary>
    [Fact]
    public async Task A_pool_that_is_a_folder_does_not_become_another_folder()
    {
        var pool = Rows.Pool(host.Zone.Id, "folder") with { Provider = "DefaultPrimary", Driver = "directory", Type = "Filesystem", Url = "file:///srv/p1", Address = "localhost", Path = "/srv/p1", Config = """{"path":"/srv/p1"}""", Details = "{}" };
        await host.InsertAsync(pool);
        foreach (var url in new[] { "file:///srv/p2", "file:///srv/p1/sub", "SharedMountPoint://localhost/srv/p1" })
        {
            (await host.CallAsync(host.Admin, "updateStoragePool", ("id", $"{pool.Id}"), ("url", url))).ShouldFail(431).ErrorText!.ShouldContain("is the Filesystem /srv/p1 and stays it");
        }

        (await host.CallAsync(host.Admin, "updateStoragePool", ("id", $"{pool.Id}"), ("url", "file:///srv/p1/"))).ShouldSucceed();
        (await host.CallAsync(host.Admin, "updateStoragePool", ("id", $"{pool.Id}"), ("details[0].drbdsetup", "/bin/sh"))).ShouldFail(431).ErrorText!.ShouldContain("drbdsetup");
        (await host.CallAsync(host.Admin, "registerTemplate", ("name", "t"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("url", "file:///srv/t.qcow2#x"))).ShouldFail(431).ErrorText!.ShouldContain("neither a query nor a fragment");
    }

    [Fact]
    public async Task A_detach_that_names_another_device_than_the_volumes_does_not_detach_it()
    {
        var (_, b, volume) = await TwoVmsAsync();

        (await host.CallAsync(host.Admin, "detachVolume", ("id", $"{volume.Id}"), ("deviceid", "5"))).ShouldFail(431).ErrorText!.ShouldContain("device 1");

        (await VolumeAsync(volume.Id)).Detaching.ShouldBeFalse();
        (await host.CallAsync(host.Admin, "detachVolume", ("id", $"{volume.Id}"), ("virtualmachineid", $"{b.Id}"), ("deviceid", "1"))).ShouldSucceed();
    }

    [Fact]
    public async Task A_detach_that_names_no_volume_does_not_reach_into_the_vm_of_somebody_else()
    {
        var (_, b, _) = await TwoVmsAsync();

        (await host.CallAsync(host.Other, "detachVolume", ("virtualmachineid", $"{b.Id}"), ("deviceid", "1"))).ShouldFail(431);
    }

    [Fact]
    public async Task A_volume_is_not_made_in_another_zone_than_that_of_the_vm_it_is_attached_to()
    {
        var (a, _, _) = await TwoVmsAsync();
        var offering = Rows.DiskOffering();
        await host.InsertAsync(offering);
        var (zone, _, _) = await OtherZoneAsync();

        var answer = await host.CallAsync(
            host.Admin, "createVolume", ("name", "elsewhere"), ("diskofferingid", $"{offering.Id}"), ("zoneid", $"{zone.Id}"), ("virtualmachineid", $"{a.Id}"));

        answer.ShouldFail(431).ErrorText!.ShouldContain(zone.Name);
        (await host.Database.ReadAsync((db, ct) => db.Volumes.CountAsync(v => v.Name == "elsewhere", ct), TestContext.Current.CancellationToken)).ShouldBe(0);
    }

    [Fact]
    public async Task A_vm_is_not_started_on_a_host_of_another_zone()
    {
        var (a, _, _) = await TwoVmsAsync();
        var (_, cluster, _) = await OtherZoneAsync();
        var far = await HostAsync(cluster);

        (await host.CallAsync(host.Admin, "startVirtualMachine", ("id", $"{a.Id}"), ("hostid", $"{far.Id}"))).ShouldFail(431).ErrorText!.ShouldContain(far.Name);
    }

    [Fact]
    public async Task A_vm_is_not_deployed_to_a_host_that_is_not_of_the_cluster_that_was_named_with_it()
    {
        var (offering, template) = (Rows.ServiceOffering(), Rows.Template(host.Admin));
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        var near = await HostAsync(host.Cluster);
        var second = await ClusterAsync(host.Cluster.ZoneId, host.Cluster.PodId);

        var answer = await host.CallAsync(
            host.Admin, "deployVirtualMachine", ("name", "torn"), ("serviceofferingid", $"{offering.Id}"), ("templateid", $"{template.Id}"),
            ("zoneid", $"{host.Zone.Id}"), ("hostid", $"{near.Id}"), ("clusterid", $"{second.Id}"));

        var text = answer.ShouldFail(431).ErrorText!;
        text.ShouldContain(near.Name);
        text.ShouldContain(second.Name);
    }

    [Theory]
    [InlineData("CLUSTER", true, true, false)]
    [InlineData("CLUSTER", false, true, true)]
    [InlineData("HOST", false, true, true)]
    [InlineData("HOST", true, false, true)]
    [InlineData("ZONE", true, false, false)]
    [InlineData("ZONE", false, true, false)]
    [InlineData("ZONE", false, false, true)]
    public async Task A_pool_is_not_made_at_places_that_are_not_within_each_other(string scope, bool withPod, bool withCluster, bool withHost)
    {
        var pod = new PodRow { Id = new PodId(Guid.NewGuid()), ZoneId = host.Zone.Id, Name = $"pod {Guid.NewGuid():N}", AllocationState = "Enabled", Created = Rows.Now };
        await host.InsertAsync(pod);
        var cluster = await ClusterAsync(host.Zone.Id, host.Cluster.PodId);
        var near = await HostAsync(host.Cluster);
        List<(string, string)> parameters = [("name", "torn"), ("url", "linstor://192.0.2.1"), ("zoneid", $"{host.Zone.Id}"), ("scope", scope), ("hypervisor", "KVM")];
        if (withPod)
        {
            parameters.Add(("podid", $"{pod.Id}"));
        }

        if (withCluster)
        {
            parameters.Add(("clusterid", $"{cluster.Id}"));
        }

        if (withHost)
        {
            parameters.Add(("hostid", $"{near.Id}"));
        }

        (await host.CallAsync(host.Admin, "createStoragePool", [.. parameters])).ShouldFail(431);

        (await host.CallAsync(host.Admin, "listStoragePools", ("name", "torn"))).Text.ShouldBe("""{"liststoragepoolsresponse":{}}""");
    }

    [Fact]
    public async Task A_join_token_is_not_made_for_a_host_and_a_cluster_that_it_is_not_of()
    {
        var near = await HostAsync(host.Cluster);
        var second = await ClusterAsync(host.Cluster.ZoneId, host.Cluster.PodId);

        var text = (await host.CallAsync(host.Admin, "createHostJoinToken", ("hostid", $"{near.Id}"), ("clusterid", $"{second.Id}"))).ShouldFail(431).ErrorText!;

        text.ShouldContain(near.Name);
        text.ShouldContain(second.Name);
    }

    private async Task<(VmRow A, VmRow B, VolumeRow Volume)> TwoVmsAsync()
    {
        var offering = Rows.ServiceOffering();
        var a = Rows.Vm(host.Admin, host.Zone.Id, offering, $"a{Guid.NewGuid():N}"[..20]);
        var b = Rows.Vm(host.Admin, host.Zone.Id, offering, $"b{Guid.NewGuid():N}"[..20]);
        var volume = Rows.Volume(host.Admin, host.Zone.Id, "data", b);
        await host.InsertAsync(offering);
        await host.InsertAsync(a, b);
        await host.InsertAsync(volume);
        return (a, b, volume);
    }

    private async Task<(ZoneRow Zone, ClusterRow Cluster, PodRow Pod)> OtherZoneAsync()
    {
        var zone = new ZoneRow { Id = new ZoneId(Guid.NewGuid()), Number = Guid.NewGuid().GetHashCode(), Name = $"zone {Guid.NewGuid():N}", NetworkType = "Advanced", AllocationState = "Enabled", Created = Rows.Now };
        var pod = new PodRow { Id = new PodId(Guid.NewGuid()), ZoneId = zone.Id, Name = "pod", AllocationState = "Enabled", Created = Rows.Now };
        await host.InsertAsync(zone);
        await host.InsertAsync(pod);
        return (zone, await ClusterAsync(zone.Id, pod.Id), pod);
    }

    private async Task<ClusterRow> ClusterAsync(ZoneId zone, PodId pod)
    {
        var row = host.Cluster with { Id = new ClusterId(Guid.NewGuid()), ZoneId = zone, PodId = pod, Name = $"cluster {Guid.NewGuid():N}" };
        await host.InsertAsync(row);
        return row;
    }

    private async Task<HostRow> HostAsync(ClusterRow cluster)
    {
        var row = Rows.Host(cluster, $"kvm-{Guid.NewGuid():N}") with { State = HostState.Alert };
        await host.InsertAsync(row);
        return row;
    }

    private Task<VolumeRow> VolumeAsync(VolumeId id) =>
        host.Database.ReadAsync((db, ct) => db.Volumes.SingleAsync(v => v.Id == id, ct), TestContext.Current.CancellationToken);
}
