using System.Diagnostics;
using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>A storage whose backend will never come back is removed with all that it still holds.</summary>
[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
[Trait("Row", "42")]
public sealed class GoneBackendTests(SharedStage shared, ITestOutputHelper output)
{
    private const string Reason = "the cluster was scrapped";

    [Fact]
    public async Task Row42_BackendGoneForEverAndPoolDeletedByForce_DriverEndsLeftoversAreListedAndNobodyIsAsked()
    {
        var stage = await shared.StageAsync();
        var pool = await stage.AddLinstorAsync("scrapped");
        var owner = await stage.DeployAsync("owner", pool.Offering);
        var other = await stage.DeployAsync("other");
        await owner.ReadyAsync();
        await other.ReadyAsync();
        var disk = await owner.RootVolumeAsync();
        var driver = await pool.DriverAsync();
        await pool.DieAsync(Death.BlackHoled);
        output.WriteLine($"destroyed after {await owner.DestroyAsync()}");
        var clock = Stopwatch.GetTimestamp();
        await pool.EnterMaintenanceAsync();
        output.WriteLine($"in maintenance after {Stopwatch.GetElapsedTime(clock)}");

        pool.ForgetRequests();
        clock = Stopwatch.GetTimestamp();
        await pool.DeleteAsync(forced: true);
        var answered = Stopwatch.GetElapsedTime(clock);
        Promise.Holds(answered < TimeSpan.FromSeconds(5), $"deleteStoragePool answers at once; it took {answered}");
        output.WriteLine($"unbound after {await pool.UnboundAsync()}");
        Promise.Holds(!driver.IsRunning, $"the host has confirmed the removal, yet the driver (process {driver.ProcessId}) still runs");
        Promise.Holds(!File.Exists(driver.Socket), $"the host has confirmed the removal, yet the driver's socket {driver.Socket} is still there");
        Promise.Holds(!Directory.Exists(driver.StateFolder), $"the host has confirmed the removal, yet the driver's folder {driver.StateFolder} is still there");

        Promise.Holds((await stage.ObligationsAsync(pool)).Count == 0, "nothing is owed to a storage that is gone for ever");
        var left = await stage.OrphansAsync(pool);
        foreach (var orphan in left)
        {
            output.WriteLine($"left behind: {orphan.Text("kind")} {orphan.Text("backendname")} on {orphan.Text("storagename")}: {orphan.Text("cause")}");
        }

        Promise.Holds(left.Any(orphan => orphan.Text("backendname") == $"hf-{disk}" && orphan.Text("volumeid") == disk), $"the disk of {owner.Name}, which is still at the backend, is listed by its name there, hf-{disk}");
        Promise.Holds(left.All(orphan => orphan.Text("storagename") == pool.Name && orphan.Text("backendname").Length > 0), "each thing left behind names the storage pool and its own name there");

        await other.StopAsync();
        await other.StartAsync();
        await other.DestroyAsync();

        foreach (var orphan in left)
        {
            var forgotten = (await stage.Api.AskAsync("forgetObligation", CancellationToken.None, ("id", orphan.Text("id")), ("reason", Reason))).GetProperty("obligation");
            Promise.Holds(
                forgotten.Text("state") == "forgotten" && forgotten.Text("forgottenby").Length > 0 && forgotten.Text("reason") == Reason,
                $"what is written off says who did it and why: {forgotten}");
        }

        Promise.Holds((await stage.OrphansAsync(pool)).Count == 0, "what was written off is not listed any more");
        Promise.Holds(pool.Requests == 0, $"nobody asks a storage that is gone for ever anything; it was asked {pool.Requests} times");
    }
}
