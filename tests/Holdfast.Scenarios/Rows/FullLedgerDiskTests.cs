using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>The disk of the agent's folder, with the ledger on it, is full.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
[Trait("Row", "38")]
public sealed class FullLedgerDiskTests(SharedStage shared, ITestOutputHelper output)
{
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task Row38_LedgerDiskFull_StartsAreRefusedWithTheReasonAndStopsAreDone()
    {
        var stage = await shared.StageAsync();
        var pool = await stage.AddLinstorAsync("unwritten");
        var stopped = await stage.DeployAsync("stopped", pool.Offering);
        await stopped.ReadyAsync();
        await stopped.StopAsync();
        await DeadStorage.SettledAsync(stage, pool);

        // Ended in order: the ledger is then one file that has to grow with the next change.
        await stage.Stack.Agent.EndAsync(EndGrace, TimeProvider.System);
        try
        {
            await using var disk = await SmallDisk.UnderAsync(stage.Stack.Options.AgentFolder);
            try
            {
                await stage.StartAgentAsync();
                await stage.DriversServeAsync();
                await PlayAsync(stage, pool, stopped, disk);
            }
            finally
            {
                await pool.HealAsync();
                await stage.Stack.Agent.EndAsync(EndGrace, TimeProvider.System);
            }
        }
        finally
        {
            await stage.StartAgentAsync();
        }

        await stage.DriversServeAsync();
        await pool.RemoveAsync();
    }

    private async Task PlayAsync(Stage stage, SimulatedPool pool, Guest stopped, SmallDisk disk)
    {
        var running = await stage.DeployAsync("running", pool.Offering);
        await running.ReadyAsync();
        disk.Fill();
        await RefusedAsync(stage, pool, stopped);

        await pool.DieAsync(Death.Refused);
        var took = await running.StopAsync();
        Promise.Holds(took < DeadStorage.AcpiTime, $"a stop needs no ledger; it took {took}");
        Promise.Holds(await running.StateAsync() == "Stopped", $"the API shows Stopped, not {await running.StateAsync()}");
        await Wait.UntilAsync($"the API to list what is owed to {pool.Name}, which the ledger could not take", Soon, async () => (await stage.ObligationsAsync(pool)).Count > 0);

        disk.Free();
        output.WriteLine($"written again after {await Wait.UntilAsync("the ledger to be written again", Soon, async () => await stage.AgentAsync() is { LedgerUnwritable: null })}");

        // What was only remembered is written: another process knows it.
        await stage.KillAgentAsync();
        await stage.StartAgentAsync();
        Promise.Holds(await running.StateAsync() == "Stopped" && !await stage.Virsh.ExistsAsync(running.Id), $"{running.Name} stays stopped");
        Promise.Holds((await stage.AgentAsync())!.Obligations.Count > 0, "what is owed is not forgotten");
        await pool.HealAsync();
        await DeadStorage.SettledAsync(stage, pool);
        await pool.AttachedAsync();
        await stopped.StartAsync();
        await running.DestroyAsync();
        await stopped.DestroyAsync();
        await DeadStorage.SettledAsync(stage, pool);
    }

    private async Task RefusedAsync(Stage stage, SimulatedPool pool, Guest stopped)
    {
        var driver = await pool.DriverAsync();
        var calls = await driver.WorkCallsAsync();
        var (reply, took) = await stopped.TryAsync("startVirtualMachine");
        output.WriteLine($"start: {reply} after {took}");
        Promise.Holds(
            reply is ApiReply.Refused refused && refused.Text.Contains("ledger cannot be written", StringComparison.Ordinal) && refused.Text.Contains("full", StringComparison.Ordinal),
            $"a start that cannot be written down is refused with the reason: {reply}");
        Promise.Holds(took < DeadStorage.FailsFast, $"it is refused soon; it took {took}");
        Promise.Holds(Qemu.ProcessesOf(stopped.Id).Count == 0 && await stopped.StateAsync() == "Stopped", $"{stopped.Name} is stopped as before");
        var (none, deployed) = await stage.TryDeployAsync("unwritten", pool.Offering);
        output.WriteLine($"deploy: {deployed}");
        Promise.Holds(deployed is ApiReply.Refused, $"no new VM either: {deployed}");
        Promise.Holds(Qemu.ProcessesOf(none.Id).Count == 0, "no guest without a row");
        Promise.Holds(await driver.WorkCallsAsync() == calls, "no effect without a row: the driver was not called");
        Promise.Holds(await stage.AgentAsync() is { LedgerUnwritable: not null }, "the agent tells on the host itself why");
        if (await none.ShowAsync() is not null)
        {
            await none.TryAsync("destroyVirtualMachine", ("expunge", "true"));
        }
    }
}
