using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Startup;
using Holdfast.Server.Store.Rows;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Lists with metrics show what the plain lists do, and what can be told of how much there is; the web interface makes its pages of them.</summary>
public sealed class MetricsTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Theory]
    [InlineData("Zones")]
    [InlineData("Clusters")]
    [InlineData("Hosts")]
    [InlineData("StoragePools")]
    [InlineData("Volumes")]
    [InlineData("VirtualMachines")]
    public void A_list_with_metrics_takes_what_the_plain_list_takes_and_shows_what_it_shows(string what)
    {
        var (plain, metrics) = (ServerCommands.Table.Find($"list{what}")!, ServerCommands.Table.Find($"list{what}Metrics")!);

        metrics.Parameters.ShouldBe(plain.Parameters);
        metrics.Response.Key.ShouldBe(plain.Response.Key);
        metrics.Response.Fields.Select(f => f.Name).Take(plain.Response.Fields.Count).ShouldBe(plain.Response.Fields.Select(f => f.Name));
        metrics.Response.Fields.Count.ShouldBeGreaterThan(plain.Response.Fields.Count);
        metrics.Response.Fields.Take(plain.Response.Fields.Count).Select(f => f.VisibleTo).ShouldBe(plain.Response.Fields.Select(f => f.VisibleTo));
    }

    [Fact]
    public async Task What_hosts_have_and_have_promised_is_told_of_each_place()
    {
        var zone = host.Zone with { Id = new ZoneId(Guid.NewGuid()), Name = $"zone-{Guid.NewGuid():N}", Number = 78 };
        var cluster = host.Cluster with { Id = new ClusterId(Guid.NewGuid()), ZoneId = zone.Id, Name = "on" };
        var off = cluster with { Id = new ClusterId(Guid.NewGuid()), Name = "off", AllocationState = AllocationStates.Disabled };
        var up = Rows.Host(cluster, $"up-{Guid.NewGuid():N}") with { LastReport = host.Time.GetUtcNow(), Cpus = 8, CpuMhz = 2500, MemoryBytes = 32L << 30 };
        var down = Rows.Host(cluster, $"down-{Guid.NewGuid():N}") with { State = HostState.Alert };
        var offering = Rows.ServiceOffering() with { Cpus = 2, CpuMhz = 1000, MemoryMib = 4096 };
        var pool = Rows.Pool(zone.Id) with { CapacityBytes = 100L << 30, UsedBytes = 1L << 29 };
        await host.InsertAsync(zone);
        await host.InsertAsync(cluster, off);
        await host.InsertAsync(up, down);
        await host.InsertAsync(offering);
        await host.InsertAsync(pool);
        var vm = Rows.Vm(host.User, zone.Id, offering, host: up);
        await host.InsertAsync(vm, Rows.Vm(host.User, zone.Id, offering, host: up) with { State = VmState.Stopping });
        var volume = Rows.Volume(host.User, zone.Id, pool: pool);
        await host.InsertAsync(volume);

        await ShowsAsync("Zones", "zone", $"{zone.Id}", ("state", "Enabled"), ("clusters", "1 / 2"), ("cputotal", "20.00 GHz"), ("cpuallocated", "20%"), ("memorytotal", "32.00 GB"), ("memoryallocated", "25%"));
        await ShowsAsync("Clusters", "cluster", $"{cluster.Id}", ("state", "Enabled"), ("hosts", "1 / 2"), ("cputotal", "20.00 GHz"), ("memoryallocated", "25%"));
        await ShowsAsync("Clusters", "cluster", $"{off.Id}", ("state", "Disabled"), ("hosts", "0 / 0"), ("cputotal", "0.00 GHz"), ("cpuallocated", "0%"));
        await ShowsAsync("Hosts", "host", $"{up.Id}", ("instances", "1 / 2"), ("cputotalghz", "20.00 GHz"), ("cpuallocatedghz", "4.00 GHz"), ("memorytotalgb", "32.00 GB"), ("memoryallocatedgb", "8.00 GB"));
        await ShowsAsync("StoragePools", "storagepool", $"{pool.Id}", ("disksizetotalgb", "100.00 GB"), ("disksizeusedgb", "0.50 GB"), ("disksizeallocatedgb", "8.00 GB"), ("disksizeunallocatedgb", "192.00 GB"));
        await ShowsAsync("Volumes", "volume", $"{volume.Id}", ("sizegb", "8.00 GB"));
        await ShowsAsync("VirtualMachines", "virtualmachine", $"{vm.Id}", ("cputotal", "2.00 GHz"), ("memorytotal", "4.00 GB"), ("name", vm.Name));
        foreach (var what in new[] { "Zones", "Clusters", "Hosts", "StoragePools" })
        {
            (await host.CallAsync(host.DomainAdmin, $"list{what}Metrics")).ShouldFail(401);
        }

        async Task ShowsAsync(string what, string key, string id, params (string Field, string Value)[] fields)
        {
            var shown = (await host.CallAsync(host.Admin, $"list{what}Metrics", ("id", id))).ShouldSucceed().List(key).Single();
            foreach (var (field, value) in fields)
            {
                shown.GetProperty(field).GetString().ShouldBe(value, field);
            }
        }
    }

    [Fact]
    public async Task The_infrastructure_is_counted()
    {
        var before = await CountsAsync();
        await host.InsertAsync(Rows.Host(host.Cluster, $"counted-{Guid.NewGuid():N}"), Rows.Host(host.Cluster, "gone") with { Removed = Rows.Now });

        var after = await CountsAsync();

        after.GetProperty("hosts").GetInt32().ShouldBe(before.GetProperty("hosts").GetInt32() + 1);
        after.GetProperty("zones").GetInt32().ShouldBeGreaterThan(0);
        after.GetProperty("systemvms").GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task Settings_are_found_by_the_groups_that_are_listed()
    {
        var groups = (await host.CallAsync(host.Admin, "listConfigurationGroups")).ShouldSucceed().List("configurationgroup");
        groups.Select(g => g.GetProperty("precedence").GetInt64()).ShouldBe(Enumerable.Range(1, groups.Length).Select(i => (long)i));
        var found = 0;
        foreach (var group in groups)
        {
            var (name, subgroup) = (group.GetProperty("name").GetString()!, group.GetProperty("subgroup")[0].GetProperty("name").GetString()!);
            var settings = (await host.CallAsync(host.Admin, "listConfigurations", ("group", name.ToUpperInvariant()), ("subgroup", subgroup))).List("configuration");
            settings.ShouldNotBeEmpty();
            settings.ShouldAllBe(s => s.GetProperty("group").GetString() == name && s.GetProperty("subgroup").GetString() == subgroup);
            found += settings.Length;
        }

        (await host.CallAsync(host.Admin, "listConfigurations")).List("configuration").Length.ShouldBe(found);
        (await host.CallAsync(host.Admin, "listConfigurations", ("group", "nosuch"))).Text.ShouldBe("""{"listconfigurationsresponse":{}}""");
        (await host.CallAsync(host.Admin, "listConfigurationGroups", ("group", "storage"))).List("configurationgroup").Length.ShouldBe(1);
    }

    private async Task<JsonElement> CountsAsync() => (await host.CallAsync(host.Admin, "listInfrastructure")).ShouldSucceed().Body.GetProperty("infrastructure");
}
