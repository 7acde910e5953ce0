using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Variants;

/// <summary>One LINSTOR resource group was two pools, and three, by the addresses it was given with, and its room was counted as often.</summary>
[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
public sealed class SameStorageTests(SharedStage shared, ITestOutputHelper output)
{
    [Fact]
    public async Task OneResourceGroup_AddedAgainByAnotherAddressOrSpelling_IsRefusedNamingTheFirstPool()
    {
        var stage = await shared.StageAsync();
        var pool = await stage.AddLinstorAsync("one");
        foreach (var (url, group) in new[]
        {
            ($"http://localhost:{pool.Port}", "holdfast"), ($"linstor://127.0.0.1:{pool.Port}", "HOLDFAST"), ($"http://127.0.0.1:1,http://127.0.0.2:{pool.Port},http://localhost:{pool.Port}", "holdfast"),
        })
        {
            var said = await pool.RefusedAgainAsync("again", url, group);
            output.WriteLine($"{url} {group}: {said}");
            Promise.Holds(said.Contains($"the same storage as storage pool {pool.Name} ({pool.Id})", StringComparison.Ordinal), $"the refusal names the first pool; it says: {said}");
        }

        Promise.Holds((await stage.Api.ListAsync("listStoragePools", "storagepool", CancellationToken.None, ("name", "again"))).Count == 0, "nothing is left of the second");
        Promise.Holds((await pool.BindingAsync())?.Text("observed") == "Attached", "the first goes on");
        await pool.RemoveAsync();
        await pool.UnboundAsync();
        await pool.AddAsync();
        await pool.AttachedAsync();
        await pool.RemoveAsync();
    }
}
