using Holdfast.Server.Store.Rows;
using LinqToDB.Async;
using Shouldly;
using Xunit;

namespace Holdfast.Server.Tests.Api;

/// <summary>Empty is a value where a text can be cleared, and the same thing said twice is not silently said once.</summary>
public sealed class EmptyValueTests(RealApiHost host) : IClassFixture<RealApiHost>
{
    [Fact]
    public async Task Tags_of_a_pool_can_be_cleared()
    {
        var pool = await PoolAsync();
        (await UpdateAsync(pool, ("tags", "ssd,fast"))).ShouldSucceed().Body.GetProperty("storagepool").GetProperty("tags").GetString().ShouldBe("ssd,fast");

        (await UpdateAsync(pool, ("tags", ""))).ShouldSucceed();

        (await RowAsync(pool)).Tags.ShouldBe("");
        (await UpdateAsync(pool, ("name", $"{pool.Name}2"))).ShouldSucceed();
        (await RowAsync(pool)).Tags.ShouldBe("");
    }

    [Fact]
    public async Task What_was_not_sent_stays()
    {
        var pool = await PoolAsync();
        (await UpdateAsync(pool, ("tags", "ssd"))).ShouldSucceed();

        (await UpdateAsync(pool, ("name", $"{pool.Name}2"))).ShouldSucceed();

        (await RowAsync(pool)).Tags.ShouldBe("ssd");
    }

    [Fact]
    public async Task The_token_of_a_pool_can_be_cleared_and_stays_when_other_details_change()
    {
        var pool = await PoolAsync();
        (await UpdateAsync(pool, ("details[0].lin.auth.apitoken", "TOKEN"))).ShouldSucceed();
        (await UpdateAsync(pool, ("details[0].insecure", "true"))).ShouldSucceed();
        (await RowAsync(pool)).Secrets.ShouldNotBeNull();

        (await UpdateAsync(pool, ("details[0].lin.auth.apitoken", ""))).ShouldSucceed();

        (await RowAsync(pool)).Secrets.ShouldBeNull();
    }

    [Theory]
    [InlineData("name")]
    [InlineData("url")]
    public async Task What_a_pool_cannot_be_without_is_refused_when_it_is_empty(string parameter)
    {
        var pool = await PoolAsync();

        (await UpdateAsync(pool, (parameter, ""))).ShouldFail(431).ErrorText!.ShouldContain(parameter);

        (await RowAsync(pool)).Name.ShouldBe(pool.Name);
    }

    [Fact]
    public async Task A_setting_that_is_a_number_is_not_taken_empty() =>
        (await host.CallAsync(host.Admin, "updateConfiguration", ("name", "expunge.delay"), ("value", ""))).ShouldFail(431).ErrorText!.ShouldContain("expunge.delay");

    [Theory]
    [InlineData("details[0].insecure", "details[00].insecure")]
    [InlineData("details[0].insecure", "details[1].insecure")]
    [InlineData("details[0].insecure", "details[1].INSECURE")]
    public async Task The_same_entry_of_a_map_twice_is_a_bad_request(string one, string other)
    {
        var pool = await PoolAsync();

        (await UpdateAsync(pool, (one, "true"), (other, "false"))).ShouldFail(430).ErrorText!.ShouldContain("insecure", Case.Insensitive);
    }

    [Fact]
    public async Task The_same_pair_of_a_map_twice_is_a_bad_request()
    {
        var pool = await PoolAsync();

        (await UpdateAsync(pool, ("details[0].key", "insecure"), ("details[0].value", "true"), ("details[1].key", "insecure"), ("details[1].value", "false"))).ShouldFail(430);
    }

    [Fact]
    public async Task Rows_of_a_map_may_have_the_same_keys()
    {
        var (offering, template, disk) = (Rows.ServiceOffering(), Rows.Template(host.Admin), Rows.DiskOffering());
        await host.InsertAsync(offering);
        await host.InsertAsync(template);
        await host.InsertAsync(disk);

        (await host.CallAsync(
            host.Admin, "deployVirtualMachine", ("serviceofferingid", $"{offering.Id}"), ("templateid", $"{template.Id}"), ("zoneid", $"{host.Zone.Id}"), ("startvm", "false"),
            ("datadiskofferinglist[0].diskofferingid", $"{disk.Id}"), ("datadiskofferinglist[1].diskofferingid", $"{disk.Id}"))).ShouldSucceed();
    }

    private Task<ApiAnswer> UpdateAsync(StoragePoolRow pool, params (string, string)[] parameters) =>
        host.CallAsync(host.Admin, "updateStoragePool", [("id", $"{pool.Id}"), .. parameters]);

    private async Task<StoragePoolRow> PoolAsync()
    {
        var pool = Rows.Pool(host.Zone.Id, $"pool-{Guid.NewGuid():N}") with { Tags = "" };
        await host.InsertAsync(pool);
        return pool;
    }

    private Task<StoragePoolRow> RowAsync(StoragePoolRow pool) =>
        host.Database.ReadAsync((db, ct) => db.StoragePools.SingleAsync(p => p.Id == pool.Id, ct), TestContext.Current.CancellationToken);
}
