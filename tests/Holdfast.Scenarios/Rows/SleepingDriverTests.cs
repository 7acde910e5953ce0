using System.Globalization;
using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Holdfast.Testing;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>A driver sleeps in the kernel, on a file system that does not come back, and cannot be killed.</summary>
[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
[Trait("Row", "34")]
public sealed class SleepingDriverTests(SharedStage shared, ITestOutputHelper output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task Row34_DriverSleepsInTheKernel_ItIsShownNoSecondOneIsStartedAndOthersAreFree()
    {
        var stage = await shared.StageAsync();
        await using var pool = await HangingFolder.CreateAsync(stage, "asleep");
        var other = await stage.DeployAsync("other");
        var own = await stage.DeployAsync("own", pool.Name);
        await other.ReadyAsync();
        await own.DoAsync("stopVirtualMachine", ("forced", "true"));
        await SettledAsync(stage, pool);
        var driver = await pool.DriverAsync();
        await pool.HangAsync();
        var (sleeper, job) = await stage.BeginDeployAsync("sleeper", pool.Name);
        output.WriteLine($"asleep after {await Wait.UntilAsync($"the driver of {pool.Name} to sleep in the kernel", Soon, () => Task.FromResult(HangingFolder.IsAsleep(driver)))}");
        await Tool.RunAsync("kill", "-KILL", driver.ToString(CultureInfo.InvariantCulture));
        var shown = "";
        output.WriteLine($"shown after {await Wait.UntilAsync(
            $"the API to say that the driver of {pool.Name} cannot be killed",
            Soon,
            async () => (shown = (await pool.BindingAsync())?.GetRawText() ?? "").Contains("cannot be killed", StringComparison.Ordinal))}: {shown}");
        Promise.Holds(shown.Contains(driver.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), $"it names the process {driver}");

        // What comes next on the same storage is told at once; it neither waits nor piles up.
        var (reply, took) = await own.TryAsync("startVirtualMachine");
        output.WriteLine($"the next operation: {reply} after {took}");
        Promise.Holds(reply is ApiReply.Refused refused && refused.Text.Contains(pool.Name, StringComparison.Ordinal), $"the next operation is refused and the error names {pool.Name}: {reply}");
        Promise.Holds(took < DeadStorage.FailsFast, $"it is refused soon; it took {took}");
        Promise.Holds(await stage.AgentAsync() is { } agent && agent.Bindings.Single(one => one.PoolName == pool.Name) is { Waiting: 0, Running: <= 4 }, "no call waits for a driver that cannot answer, and the worker's limit holds");

        // The same kind of driver, for another pool, in a process of its own.
        var stopped = await other.StopAsync();
        Promise.Holds(stopped < DeadStorage.AcpiTime, $"stopping {other.Name} has nothing to do with it; it took {stopped}");
        await other.StartAsync();
        await other.DestroyAsync();
        Promise.Holds(HangingFolder.IsAsleep(driver) && (await pool.BindingAsync())!.Value.Text("observed") != "Attached", "no second driver is started beside one that cannot be killed");

        await pool.HealAsync();
        output.WriteLine($"attached again after {await pool.AttachedAsync()}");
        Promise.Holds(await pool.DriverAsync() != driver && !Directory.Exists($"/proc/{driver}"), "the former process is gone, another serves");
        output.WriteLine($"the deploy that slept: {await stage.Api.WaitAsync("deployVirtualMachine", job, TimeSpan.FromSeconds(120), CancellationToken.None)}");
        await own.StartAsync();
        await own.DestroyAsync();
        if (await sleeper.ShowAsync() is not null)
        {
            await sleeper.DestroyAsync();
        }

        await SettledAsync(stage, pool);
        await pool.RemoveAsync();
    }

    private static Task<TimeSpan> SettledAsync(Stage stage, HangingFolder pool) => Wait.UntilAsync(
        $"all that is owed to {pool.Name} to be settled", DeadStorage.SettlesWithin, async () => (await stage.ObligationsAsync()).All(owed => owed.Text("storageid") != pool.Id));
}
