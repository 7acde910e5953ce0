using System.Globalization;
using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Holdfast.Testing;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>A driver is killed or frozen in the middle of attaching a volume to a running VM.</summary>
[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
public sealed class HurtDriverTests(SharedStage shared, HurtDriverTests.Pool pools, ITestOutputHelper output) : IClassFixture<HurtDriverTests.Pool>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);

    [Fact]
    [Trait("Row", "32")]
    public async Task Row32_DriverKilledWhileItAttaches_AgentLivesAndTheGuestGetsTheDiskOnce()
    {
        var stage = await shared.StageAsync();
        var pool = await pools.GetAsync(stage);
        var vm = await stage.DeployAsync("killed-driver", pool.Offering);
        await vm.ReadyAsync();
        var agent = stage.Stack.Agent.Id;
        var (volume, driver, attach) = await HurtWhileAttachingAsync(stage, pool, vm, "-KILL");
        var reply = await attach;
        output.WriteLine($"attach: {reply}");
        await ReplacedAsync(pool, driver);
        Promise.Holds(stage.Stack.Agent.Id == agent && !stage.Stack.Agent.Exited.IsCompleted, "a driver that dies does not take the agent along");
        if (reply is ApiReply.Refused refused)
        {
            Promise.Holds(refused.Text.Contains(pool.Name, StringComparison.Ordinal), $"the error names the pool {pool.Name}: {refused.Text}");
            Promise.Holds(await vm.DisksOfAsync(volume) == 0, "what is said not to be attached is not in the guest");
            reply = await vm.TryVolumeAsync("attachVolume", volume);
        }

        Promise.Holds(reply is ApiReply.Answered, $"attached in the end: {reply}");
        Promise.Holds(await vm.DisksOfAsync(volume) == 1, $"the guest has the disk once, not {await vm.DisksOfAsync(volume)} times");
        await Wait.UntilAsync($"the guest {vm.Name} to write to the disk", Soon, () => Task.FromResult(vm.Console.Counter("vdb") > 0));
        await ClearAsync(stage, pool, vm, volume, isAttached: true);
    }

    [Fact]
    [Trait("Row", "33")]
    public async Task Row33_DriverFrozenWhileItAttaches_StopIsNotDelayedAndTheDriverIsReplaced()
    {
        var stage = await shared.StageAsync();
        var pool = await pools.GetAsync(stage);
        var vm = await stage.DeployAsync("frozen-driver", pool.Offering);
        await vm.ReadyAsync();
        var (volume, driver, attach) = await HurtWhileAttachingAsync(stage, pool, vm, "-STOP");
        var stopped = await vm.StopAsync();
        Promise.Holds(stopped < DeadStorage.AcpiTime, $"stopping {vm.Name} waits for no driver; it took {stopped}");
        Promise.Holds(await vm.StateAsync() == "Stopped", $"the API shows Stopped, not {await vm.StateAsync()}");
        output.WriteLine($"attach: {await attach}");
        output.WriteLine($"replaced after {await ReplacedAsync(pool, driver)}");
        Promise.Holds(!driver.IsRunning, $"the driver that hung (process {driver.ProcessId}) is gone");
        await DeadStorage.SettledAsync(stage, pool);
        await vm.StartAsync();
        var isAttached = (await stage.Api.ListAsync("listVolumes", "volume", CancellationToken.None, ("id", volume)))[0].Text("virtualmachineid").Length > 0;
        var disks = await vm.DisksOfAsync(volume);
        Promise.Holds(disks == (isAttached ? 1 : 0), $"the API shows the volume as {(isAttached ? "attached" : "detached")}, and the guest has it {disks} times");
        await ClearAsync(stage, pool, vm, volume, isAttached);
    }

    private static async Task<(string Volume, DriverProcess Driver, Task<ApiReply> Attach)> HurtWhileAttachingAsync(Stage stage, SimulatedPool pool, Guest vm, string signal)
    {
        var volume = await stage.CreateVolumeAsync(pool.Offering);
        var driver = await pool.DriverAsync();
        await pool.HangAsync("POST", SimulatedPool.AttachPath(volume));
        try
        {
            var attach = vm.TryVolumeAsync("attachVolume", volume);
            await pool.AskedAsync("POST", SimulatedPool.AttachPath(volume));
            await Tool.RunAsync("kill", signal, driver.ProcessId.ToString(CultureInfo.InvariantCulture));
            return (volume, driver, attach);
        }
        finally
        {
            await pool.HealAsync();
        }
    }

    private static Task<TimeSpan> ReplacedAsync(SimulatedPool pool, DriverProcess former) => Wait.UntilAsync(
        $"another driver process to serve {pool.Name}",
        Soon,
        async () => await pool.BindingAsync() is { } binding && binding.Text("observed") == "Attached" && binding.Text("driverpid") != former.ProcessId.ToString(CultureInfo.InvariantCulture));

    private static async Task ClearAsync(Stage stage, SimulatedPool pool, Guest vm, string volume, bool isAttached)
    {
        if (isAttached)
        {
            var detached = await vm.TryVolumeAsync("detachVolume", volume);
            Promise.Holds(detached is ApiReply.Answered, $"the volume is detached: {detached}");
            Promise.Holds(await vm.DisksOfAsync(volume) == 0, "what is said to be detached is not in the guest");
        }

        await stage.Api.DoAsync("deleteVolume", Soon, CancellationToken.None, ("id", volume));
        await vm.StopAsync();
        await vm.DestroyAsync();
        await DeadStorage.SettledAsync(stage, pool);
        await Wait.UntilAsync($"the volume to be gone from {pool.Name}", Soon, () => Task.FromResult(!pool.Holds(volume)));
    }

    /// <summary>One pool for all tests here.</summary>
    public sealed class Pool
    {
        private SimulatedPool? _pool;

        internal async Task<SimulatedPool> GetAsync(Stage stage)
        {
            _pool ??= await stage.AddLinstorAsync("hurt");
            await _pool.AttachedAsync();
            return _pool;
        }
    }
}
