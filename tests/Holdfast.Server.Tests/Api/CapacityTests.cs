using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Whatever grows reserves by one rule with one factor, which is shown where it is used.</summary>
public abstract class CapacityTests
{
    private const long Gib = 1L << 30;
    private readonly ApiHost _host;

    private protected CapacityTests(ApiHost host) => _host = host;

    [Fact]
    public async Task A_resize_to_more_than_the_pool_may_promise_is_refused_with_the_room_there_is_and_reserves_nothing()
    {
        var (pool, kvm) = await PoolAsync(252 * Gib);
        var volume = await VolumeAsync(pool, Rows.DiskOffering() with { Customized = true, SizeBytes = 0 });

        var text = (await ResizeAsync(volume, ("size", "16385"))).ShouldFail(533).ErrorText!;

        text.ShouldContain(pool.Name);
        text.ShouldContain($"{252 * Gib}");
        text.ShouldContain("2 times");
        var shown = await ShownAsync(pool);
        shown.GetProperty("disksizeallocated").GetInt64().ShouldBe(8 * Gib);
        shown.GetProperty("overprovisionfactor").GetString().ShouldBe("2");
        (await _host.CallAsync(_host.Admin, "listVolumes", ("id", $"{volume.Id}"))).List("volume").Single().GetProperty("state").GetString().ShouldBe("Ready");
        kvm.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_resize_reserves_what_it_asked_for_before_any_backend_has_it()
    {
        var (pool, _) = await PoolAsync(100 * Gib);
        var offering = Rows.DiskOffering() with { Customized = true, SizeBytes = 0 };
        var first = await VolumeAsync(pool, offering);
        var second = Rows.Volume(_host.Admin, _host.Zone.Id, "second", pool: pool) with { DiskOfferingId = offering.Id };
        await _host.InsertAsync(second);

        (await ResizeAsync(first, ("size", "150"))).ShouldSucceed();

        (await ShownAsync(pool)).GetProperty("disksizeallocated").GetInt64().ShouldBe(158 * Gib);
        (await ResizeAsync(second, ("size", "51"))).ShouldFail(533);
        (await ResizeAsync(second, ("size", "50"))).ShouldSucceed();
    }

    [Fact]
    public async Task The_factor_that_is_set_holds_at_once_and_is_the_one_that_is_shown()
    {
        var (pool, _) = await PoolAsync(100 * Gib);
        var volume = await VolumeAsync(pool, Rows.DiskOffering() with { Customized = true, SizeBytes = 0 });
        (await _host.CallAsync(_host.Admin, "updateConfiguration", ("name", "storage.overprovisioning.factor"), ("value", "1.0"))).ShouldSucceed();
        try
        {
            (await ShownAsync(pool)).GetProperty("overprovisionfactor").GetString().ShouldBe("1");
            (await ResizeAsync(volume, ("size", "101"))).ShouldFail(533);
            (await ResizeAsync(volume, ("size", "100"))).ShouldSucceed();
        }
        finally
        {
            (await _host.CallAsync(_host.Admin, "resetConfiguration", ("name", "storage.overprovisioning.factor"))).ShouldSucceed();
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1,5")]
    [InlineData("much")]
    [InlineData("1e3")]
    public async Task A_factor_that_makes_no_sense_is_refused(string value) =>
        (await _host.CallAsync(_host.Admin, "updateConfiguration", ("name", "storage.overprovisioning.factor"), ("value", value)))
            .ShouldFail(431).ErrorText!.ShouldContain("storage.overprovisioning.factor");

    [Fact]
    public async Task A_volume_of_a_fixed_offering_is_not_grown_under_it()
    {
        var (pool, _) = await PoolAsync(100 * Gib);
        var offering = Rows.DiskOffering($"small {Guid.NewGuid():N}");
        var volume = await VolumeAsync(pool, offering);

        var text = (await ResizeAsync(volume, ("size", "20"))).ShouldFail(431).ErrorText!;

        text.ShouldContain(offering.Name);
        (await ShownAsync(pool)).GetProperty("disksizeallocated").GetInt64().ShouldBe(8 * Gib);
    }

    [Fact]
    public async Task A_volume_does_not_get_an_offering_whose_tags_its_pool_lacks()
    {
        var (pool, _) = await PoolAsync(100 * Gib);
        var volume = await VolumeAsync(pool, Rows.DiskOffering());
        var fast = Rows.DiskOffering() with { Customized = true, SizeBytes = 0, Tags = "nvme" };
        await _host.InsertAsync(fast);

        (await ResizeAsync(volume, ("size", "20"), ("diskofferingid", $"{fast.Id}"))).ShouldFail(431).ErrorText!.ShouldContain("nvme");
    }

    [Fact]
    public async Task A_template_copy_that_is_being_brought_counts_from_the_start_and_one_that_failed_does_not()
    {
        var (pool, _) = await PoolAsync(100 * Gib);
        var volume = await VolumeAsync(pool, Rows.DiskOffering() with { Customized = true, SizeBytes = 0 });
        var (one, other) = (Rows.Template(_host.Admin), Rows.Template(_host.Admin));
        await _host.InsertAsync(one, other);
        await _host.InsertAsync(Copy(one, pool, TemplateCopyState.Importing), Copy(other, pool, TemplateCopyState.Failed));

        (await ShownAsync(pool)).GetProperty("disksizeallocated").GetInt64().ShouldBe(9 * Gib);
        (await ResizeAsync(volume, ("size", "200"))).ShouldFail(533);
        (await ResizeAsync(volume, ("size", "199"))).ShouldSucceed();
    }

    private static TemplateCopyRow Copy(TemplateRow template, StoragePoolRow pool, TemplateCopyState state) => new()
    {
        Id = new VolumeId(Guid.NewGuid()),
        TemplateId = template.Id,
        PoolId = pool.Id,
        State = state,
        Generation = Generation.First,
        SizeBytes = Gib,
        Created = Rows.Now,
    };

    private Task<ApiAnswer> ResizeAsync(VolumeRow volume, params (string, string)[] parameters) =>
        _host.CallAsync(_host.Admin, "resizeVolume", [("id", $"{volume.Id}"), .. parameters]);

    private async Task<System.Text.Json.JsonElement> ShownAsync(StoragePoolRow pool) =>
        (await _host.CallAsync(_host.Admin, "listStoragePools", ("id", $"{pool.Id}"))).ShouldSucceed().List("storagepool").Single();

    private async Task<VolumeRow> VolumeAsync(StoragePoolRow pool, DiskOfferingRow offering)
    {
        var volume = Rows.Volume(_host.Admin, _host.Zone.Id, "data", pool: pool) with { DiskOfferingId = offering.Id };
        await _host.InsertAsync(offering);
        await _host.InsertAsync(volume);
        return volume;
    }

    private async Task<(StoragePoolRow Pool, HostRow Host)> PoolAsync(long capacity)
    {
        var kvm = Rows.Host(_host.Cluster, $"kvm-{Guid.NewGuid():N}") with { LastReport = _host.Time.GetUtcNow(), IncarnationId = new IncarnationId(Guid.NewGuid()) };
        var pool = Rows.Pool(_host.Zone.Id, $"pool {Guid.NewGuid():N}") with { CapacityBytes = capacity, Tags = "" };
        await _host.InsertAsync(kvm);
        await _host.InsertAsync(Rows.Incarnation(kvm));
        await _host.InsertAsync(pool);
        await _host.InsertAsync(Rows.Binding(pool, kvm) with { IncarnationId = kvm.IncarnationId!.Value });
        return (pool, kvm);
    }

    /// <summary>On SQLite.</summary>
    public sealed class OnSqlite(CountingApiHost host) : CapacityTests(host), IClassFixture<CountingApiHost>;

    /// <summary>On PostgreSQL.</summary>
    public sealed class OnPostgreSql(CountingPostgreSqlApiHost host) : CapacityTests(host), IClassFixture<CountingPostgreSqlApiHost>;
}
