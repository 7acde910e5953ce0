using System.Diagnostics;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>The API with the operations behind it, and a host that never answers: every synchronous command stays within the 10 seconds that clients wait.</summary>
public sealed class RealOperationsTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    // Clients wait 10 seconds. createStoragePool itself waits up to 8 for a host, so that on a busy machine only the sum of both can be held without luck.
    private static readonly TimeSpan ClientPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WaitForHosts = TimeSpan.FromSeconds(8);

    [Fact]
    public async Task Synchronous_commands_answer_in_time_whatever_storage_and_hosts_do()
    {
        var kvm = await SilentHostAsync("silent");
        var pool = Rows.Pool(host.Zone.Id, "dead") with { LastError = "connection refused" };
        var idle = Rows.Pool(host.Zone.Id, "idle") with { State = PoolState.Maintenance };
        await host.InsertAsync(pool, idle);
        await host.InsertAsync(
            Rows.Binding(pool, kvm) with { IncarnationId = kvm.IncarnationId!.Value },
            Rows.Binding(idle, kvm, Desired.Quiesced, BindingState.Quiesced) with { IncarnationId = kvm.IncarnationId!.Value });
        var offering = Rows.ServiceOffering();
        var destroyed = Rows.Vm(host.Admin, host.Zone.Id, offering, "destroyed") with { State = VmState.Destroyed };
        var volume = Rows.Volume(host.Admin, host.Zone.Id, "orphan", pool: pool);
        await host.InsertAsync(offering);
        await host.InsertAsync(destroyed);
        await host.InsertAsync(volume, Rows.Volume(host.Admin, host.Zone.Id, "ROOT", destroyed, type: VolumeType.Root));

        (await TimedAsync("deleteVolume", ("id", volume.Id.ToString()))).ShouldSucceed().Body.GetProperty("success").GetBoolean().ShouldBeTrue();
        (await TimedAsync("recoverVirtualMachine", ("id", destroyed.Id.ToString()))).ShouldSucceed().Body.GetProperty("virtualmachine").GetProperty("state").GetString().ShouldBe("Stopped");
        (await TimedAsync("updateStoragePool", ("id", pool.Id.ToString()), ("enabled", "false"))).ShouldSucceed().Body.GetProperty("storagepool").GetProperty("state").GetString().ShouldBe("Disabled");
        (await TimedAsync("deleteStoragePool", ("id", pool.Id.ToString()))).ShouldFail(431).ErrorText!.ShouldStartWith("Unable to delete storage due to it is not in Maintenance state, pool: ");
        (await TimedAsync("deleteStoragePool", ("id", idle.Id.ToString()))).ShouldSucceed();
        (await TimedAsync("listStoragePools", ("id", idle.Id.ToString()))).Text.ShouldBe("""{"liststoragepoolsresponse":{}}""");
        var binding = (await TimedAsync("listStoragePoolBindings", ("storageid", idle.Id.ToString()))).List("storagepoolbinding").Single();
        binding.GetProperty("desired").GetString().ShouldBe("Absent");
        binding.GetProperty("pending").GetBoolean().ShouldBeTrue();
        (await TimedAsync("registerTemplate", ("name", "t"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("url", "https://example.org/t.qcow2"))).ShouldSucceed();
        var added = (await TimedAsync("createStoragePool", ("name", "never"), ("url", "linstor://192.0.2.1"), ("zoneid", host.Zone.Id.ToString()), ("scope", "ZONE"), ("hypervisor", "KVM"), ("details[0].lin.auth.apitoken", "TOKEN")))
            .ShouldSucceed().Body.GetProperty("storagepool");
        added.GetProperty("state").GetString().ShouldBe("Initialized");
        (await TimedAsync("listStoragePools", ("name", "never"))).List("storagepool").Single().GetProperty("waitingfor").GetString()!.ShouldContain(": it has not answered yet");
        (await TimedAsync("deleteStoragePool", ("id", added.GetProperty("id").GetString()!))).ShouldSucceed();
        (await TimedAsync("listStoragePools", ("name", "never"))).Text.ShouldBe("""{"liststoragepoolsresponse":{}}""");
    }

    [Theory]
    [InlineData("http://127.0.0.1/x")]
    [InlineData("http://2130706433/x")]
    [InlineData("http://[::ffff:127.0.0.1]/x")]
    [InlineData("http://localhost:8000/x")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    [InlineData("ftp://example.org/x")]
    public async Task A_template_from_where_no_image_server_is_is_refused_at_once_naming_the_url(string url)
    {
        var answer = await host.CallAsync(host.Admin, "registerTemplate", ("name", "inward"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("url", url));

        answer.ShouldFail(431).ErrorText!.ShouldStartWith($"Invalid template URL {url}: ");
        (await host.CallAsync(host.Admin, "listTemplates", ("templatefilter", "all"), ("name", "inward"))).Text.ShouldBe("""{"listtemplatesresponse":{}}""");
    }

    [Fact]
    public async Task A_template_url_with_a_password_is_refused_without_repeating_it()
    {
        var answer = await host.CallAsync(host.Admin, "registerTemplate", ("name", "inward"), ("format", "QCOW2"), ("hypervisor", "KVM"), ("url", "https://user:hunter2@example.org/x"));

        answer.ShouldFail(431).Text.ShouldNotContain("hunter2");
    }

    [Theory]
    [InlineData("cluster id can't be null, if scope is cluster", "scope", "CLUSTER")]
    [InlineData("invalid scope for pool GALAXY", "scope", "GALAXY")]
    [InlineData("Missing parameter hypervisor.", "scope", "ZONE")]
    [InlineData("can't find storage provider: Floppy", "provider", "Floppy")]
    public async Task A_pool_that_makes_no_sense_is_refused_and_leaves_nothing(string text, string parameter, string value)
    {
        var answer = await host.CallAsync(host.Admin, "createStoragePool", ("name", "bad"), ("url", "linstor://192.0.2.1"), ("zoneid", host.Zone.Id.ToString()), (parameter, value), ("clusterid", value == "Floppy" ? host.Cluster.Id.ToString() : ""));

        answer.ShouldFail(431).ErrorText!.ShouldStartWith(text);
        (await host.CallAsync(host.Admin, "listStoragePools", ("name", "bad"))).Text.ShouldBe("""{"liststoragepoolsresponse":{}}""");
    }

    [Theory]
    [InlineData("file:///srv/q#1")]
    [InlineData("file:///srv/q?x")]
    [InlineData("file:///srv/q?")]
    [InlineData("file:///srv/q#")]
    [InlineData("SharedMountPoint://localhost/srv/q#1")]
    [InlineData("linstor://192.0.2.1/group#1")]
    [InlineData("linstor://192.0.2.1/group,192.0.2.2/other")]
    [InlineData("linstor://192.0.2.1/group?resourceGroup=other")]
    public async Task A_part_of_a_pools_url_is_refused_rather_than_dropped(string url)
    {
        var answer = await host.CallAsync(host.Admin, "createStoragePool", ("name", "bad"), ("url", url), ("zoneid", host.Zone.Id.ToString()), ("scope", "ZONE"), ("hypervisor", "KVM"));

        answer.ShouldFail(431).ErrorText!.ShouldContain(url);
    }

    [Fact]
    public async Task A_volume_is_made_and_its_job_is_polled()
    {
        var offering = Rows.DiskOffering();
        await host.InsertAsync(offering);

        var created = (await host.CallAsync(host.User, "createVolume", ("diskofferingid", offering.Id.ToString()), ("zoneid", host.Zone.Id.ToString()), ("name", "data"))).ShouldSucceed();
        var job = (await host.CallAsync(host.User, "queryAsyncJobResult", ("jobid", created.Body.GetProperty("jobid").GetString()!))).ShouldSucceed().Body;

        job.GetProperty("jobstatus").GetInt32().ShouldBe(1);
        var volume = job.GetProperty("jobresult").GetProperty("volume");
        volume.GetProperty("id").GetString().ShouldBe(created.Body.GetProperty("id").GetString());
        volume.GetProperty("state").GetString().ShouldBe("Allocated");
        (await host.CallAsync(host.Other, "deleteVolume", ("id", volume.GetProperty("id").GetString()!))).ShouldFail(431);
        (await host.CallAsync(host.User, "deleteVolume", ("id", volume.GetProperty("id").GetString()!))).ShouldSucceed();
        (await host.CallAsync(host.User, "listVolumes", ("id", volume.GetProperty("id").GetString()!))).Text.ShouldBe("""{"listvolumesresponse":{}}""");
    }

    private async Task<ApiAnswer> TimedAsync(string command, params (string, string)[] parameters)
    {
        var clock = Stopwatch.StartNew();
        var answer = await host.CallAsync(host.Admin, command, parameters);
        clock.Elapsed.ShouldBeLessThan(command == "createStoragePool" ? ClientPatience + WaitForHosts : ClientPatience, command);
        return answer;
    }

    private async Task<HostRow> SilentHostAsync(string name)
    {
        var row = Rows.Host(host.Cluster, name) with { LastReport = host.Time.GetUtcNow(), IncarnationId = new IncarnationId(Guid.NewGuid()) };
        await host.InsertAsync(row);
        await host.InsertAsync(Rows.Incarnation(row));
        return row;
    }
}

/// <summary>The node with its own operations.</summary>
public sealed class RealApiHost : ApiHost
{
    private protected override bool RecordsOperations => false;
}
