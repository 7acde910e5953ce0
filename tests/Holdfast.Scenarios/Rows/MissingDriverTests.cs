using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>A driver's executable is deleted while a pool needs it, and the agent is started again.</summary>
[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
[Trait("Row", "5")]
public sealed class MissingDriverTests(SharedStage shared, ITestOutputHelper output)
{
    [Fact]
    public async Task Row05_DriverExecutableDeletedAndAgentRestarted_AgentIsUpGuestsRunAndOthersAreFree()
    {
        var stage = await shared.StageAsync();
        var pool = await stage.AddLinstorAsync("bare");
        var own = await stage.DeployAsync("own", pool.Offering);
        var other = await stage.DeployAsync("other");
        await own.ReadyAsync();
        await other.ReadyAsync();
        var processes = (await stage.Virsh.ProcessIdAsync(own.Id), await stage.Virsh.ProcessIdAsync(other.Id));
        var link = Path.Combine(stage.Stack.Options.Data, "drivers", "holdfast-driver-linstor");
        var executable = new FileInfo(link).LinkTarget ?? throw new InvalidOperationException($"{link} is not a link");
        File.Delete(link);
        try
        {
            await stage.KillAgentAsync();
            await stage.StartAgentAsync();
            var said = "";
            await Wait.UntilAsync(
                $"the API to say that the driver of {pool.Name} is missing",
                TimeSpan.FromSeconds(120),
                async () => (said = (await pool.BindingAsync())?.GetRawText() ?? "").Contains("not installed", StringComparison.Ordinal));
            output.WriteLine(said);
            Promise.Holds((await stage.Virsh.ProcessIdAsync(own.Id), await stage.Virsh.ProcessIdAsync(other.Id)) == processes, "both guests run in the QEMU they ran in before");
            await own.WritesAsync();
            var stopped = await other.StopAsync();
            Promise.Holds(stopped < DeadStorage.AcpiTime, $"stopping {other.Name} has nothing to do with a missing driver; it took {stopped}");
            await other.StartAsync();
            await other.DestroyAsync();
            output.WriteLine($"owed: {await DeadStorage.OwnVmStopsAsync(stage, pool, own)}");
            output.WriteLine($"start: {await DeadStorage.OwnVmStartsOrSaysWhyAsync(pool, own)}");
        }
        finally
        {
            File.CreateSymbolicLink(link, executable);
        }

        output.WriteLine($"settled after {await DeadStorage.SettledAsync(stage, pool)}");
        await stage.DriversServeAsync();
        await own.StartAsync();
        await own.DestroyAsync();
        await DeadStorage.SettledAsync(stage, pool);
        await pool.RemoveAsync();
    }
}
