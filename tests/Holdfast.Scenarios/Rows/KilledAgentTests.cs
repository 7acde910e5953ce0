using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>The agent is killed between an effect and its record, and before and after both.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
[Trait("Row", "15")]
public sealed class KilledAgentTests(SharedStage shared, ITestOutputHelper output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task Row15_AgentKilledAtTheStepsOfStartAndStop_EachIsDoneOnceByTheNext()
    {
        var stage = await shared.StageAsync();
        var pool = await stage.AddLinstorAsync("killed");
        var bystander = await stage.DeployAsync("bystander");
        var vm = await stage.DeployAsync("killed-agent", pool.Offering);
        await bystander.ReadyAsync();
        await vm.ReadyAsync();
        var (process, boots, own) = (await stage.Virsh.ProcessIdAsync(bystander.Id), bystander.Console.Boots, vm.Console.Boots);
        (string Stop, string Start, string Next)[] places =
        [
            ("agent.destroy.done", "agent.attach.recorded", "agent.gone.recorded"),
            ("agent.gone.recorded", "agent.attach.answered", "agent.obligation.tried"),
            ("agent.obligation.tried", "agent.start.done", ""),
        ];
        await stage.KillAgentAsync();
        await StartAsync(stage, places[0].Stop);
        foreach (var (stop, start, next) in places)
        {
            await DiesAsync(stage, stop, start, async () => (await vm.TryAsync("stopVirtualMachine", ("forced", "true"))).Reply);
            Promise.Holds(Qemu.ProcessesOf(vm.Id).Count == 0 && await vm.StateAsync() == "Stopped", $"{vm.Name} is gone and shown Stopped");
            await DeadStorage.SettledAsync(stage, pool);

            await DiesAsync(stage, start, next, async () => (await vm.TryAsync("startVirtualMachine")).Reply);
            await vm.ReadyAsync();
            Promise.Holds(Qemu.ProcessesOf(vm.Id).Count == 1 && await vm.StateAsync() == "Running", $"{vm.Name} runs once and is shown Running");
            Promise.Holds(vm.Console.Boots == ++own, $"{vm.Name} has been started once, not {vm.Console.Boots - own + 1} times");
            Promise.Holds((await stage.ObligationsAsync(pool)).Count == 0, "what a running guest uses is not owed");
        }

        Promise.Holds(await stage.Virsh.ProcessIdAsync(bystander.Id) == process && bystander.Console.Boots == boots, $"{bystander.Name} has not noticed");
        await bystander.WritesAsync();
        await bystander.DestroyAsync();
        await vm.DestroyAsync();
        await DeadStorage.SettledAsync(stage, pool);
        await stage.DriversServeAsync();
        await pool.RemoveAsync();
    }

    [Fact]
    public async Task Row15_AgentKilledAtTheStepsOfAttachResizeDetachAndRemove_EachIsDoneOnceByTheNext()
    {
        var stage = await shared.StageAsync();
        var pool = await stage.AddLinstorAsync("plugged");
        var vm = await stage.DeployAsync("plugged", pool.Offering);
        await vm.ReadyAsync();
        var (process, boots) = (await stage.Virsh.ProcessIdAsync(vm.Id), vm.Console.Boots);
        var volume = await stage.CreateVolumeAsync(pool.Offering);
        await stage.KillAgentAsync();
        await StartAsync(stage, "agent.plug.before");
        await DiesAsync(stage, "agent.plug.before", "agent.task.done", AttachAsync);
        await HasItOnceAsync();
        var larger = await stage.AddDiskOfferingAsync($"{pool.Offering}-2", pool.Offering, gib: 2);
        await DiesAsync(
            stage, "agent.task.done", "agent.plug.done", () => stage.Api.RunAsync("resizeVolume", new Dictionary<string, string> { ["id"] = volume, ["diskofferingid"] = larger }, Soon, CancellationToken.None));
        // The one after it finds a volume written down that nobody wants, and asks libvirt to detach it once more before it lets go.
        await DiesAsync(stage, "agent.plug.done", "agent.plug.done", DetachAsync, passes: 1);
        Promise.Holds(await vm.DisksOfAsync(volume) == 0, "the guest has let go of the disk");
        await DeadStorage.SettledAsync(stage, pool);
        await DiesAsync(stage, "agent.plug.done", "agent.obligation.tried", AttachAsync);
        await HasItOnceAsync();
        await DiesAsync(stage, "agent.obligation.tried", "", DetachAsync);
        Promise.Holds(await vm.DisksOfAsync(volume) == 0, "the guest has let go of the disk");
        await DeadStorage.SettledAsync(stage, pool);
        Promise.Holds(await stage.Virsh.ProcessIdAsync(vm.Id) == process && vm.Console.Boots == boots, $"{vm.Name} runs in the QEMU it ran in before");
        await stage.Api.DoAsync("deleteVolume", Soon, CancellationToken.None, ("id", volume));
        await vm.StopAsync();
        await vm.DestroyAsync();
        await DeadStorage.SettledAsync(stage, pool);

        await stage.KillAgentAsync();
        await StartAsync(stage, "agent.driver.ended");
        var driver = await pool.DriverAsync();
        await DiesAsync(stage, "agent.driver.ended", "", async () =>
        {
            await pool.EnterMaintenanceAsync();
            await pool.DeleteAsync();
            return new ApiReply.Answered(default);
        });
        await pool.UnboundAsync();
        Promise.Holds(!driver.IsRunning && !Directory.Exists(driver.StateFolder), "the removed pool's driver and its folder are gone");

        Task<ApiReply> AttachAsync() => vm.TryVolumeAsync("attachVolume", volume);

        Task<ApiReply> DetachAsync() => vm.TryVolumeAsync("detachVolume", volume);

        async Task HasItOnceAsync()
        {
            Promise.Holds(await vm.DisksOfAsync(volume) == 1, $"the guest has the disk once, not {await vm.DisksOfAsync(volume)} times");
            await Wait.UntilAsync($"the guest {vm.Name} to write to the disk", Soon, () => Task.FromResult(vm.Console.Counter("vdb") > 0));
        }
    }

    private static async Task StartAsync(Stage stage, string place, int passes = 0)
    {
        await stage.StartAgentAsync(place.Length == 0 ? "" : passes == 0 ? $"{place}=1*panic" : $"{place}={passes}*off->1*panic");
        await stage.DriversServeAsync();
    }

    /// <summary>Has the agent die at a place that it was started for, starts the next one, for another place, and demands that the operation is done.</summary>
    /// <param name="stage">Where.</param>
    /// <param name="place">Where the agent dies.</param>
    /// <param name="next">Where the next one shall.</param>
    /// <param name="operation">What it dies in.</param>
    /// <param name="passes">How often the next one comes by its place while it ends what was begun.</param>
    private async Task DiesAsync(Stage stage, string place, string next, Func<Task<ApiReply>> operation, int passes = 0)
    {
        var asked = operation();
        await stage.AgentDiedAsync();
        await StartAsync(stage, next, passes);
        var reply = await asked;
        output.WriteLine($"{place}: {(reply is ApiReply.Answered ? "done" : reply)}");
        Promise.Holds(reply is ApiReply.Answered, $"what was begun before the agent died at {place} is done by the next: {reply}");
    }
}
