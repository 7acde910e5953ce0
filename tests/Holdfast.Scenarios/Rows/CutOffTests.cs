using System.Globalization;
using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>A QEMU that waits in the kernel for its storage is to end: without a cut everybody is told soon what it waits for, with one it ends.</summary>
[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
public sealed class CutOffTests(SharedStage shared, ITestOutputHelper output)
{
    // SIGTERM first, which a QEMU that waits does not obey.
    private static readonly TimeSpan UntilKilled = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan DoneWithin = UntilKilled + TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ToldWithin = UntilKilled + TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);

    [Fact]
    [Trait("Row", "65")]
    public async Task Row65_QemuWaitsForAFrozenFileSystemThatCannotBeCutOff_TheStopFailsSoonWithWhatItWaitsForAndIsDoneByItself()
    {
        var stage = await shared.StageAsync();
        await using var pool = await HangingFolder.CreateAsync(stage, "frozen");
        var other = await stage.DeployAsync("other");
        var own = await stage.DeployAsync("own", pool.Name);
        await other.ReadyAsync();
        await own.ReadyAsync();
        var qemu = await FreezeAsync(stage, pool, own);
        var others = await stage.Virsh.ProcessIdAsync(other.Id);

        var (reply, took) = await own.TryAsync("stopVirtualMachine", ("forced", "true"));
        output.WriteLine($"{reply} after {took}");
        Promise.Holds(took < ToldWithin, $"the stop fails within 15 s of SIGKILL; it took {took}");
        Promise.Holds(reply is ApiReply.Refused, $"it is not called done while QEMU lives: {reply}");
        var said = ((ApiReply.Refused)reply).Text;
        foreach (var word in new[] { qemu.ToString(CultureInfo.InvariantCulture), await own.RootVolumeAsync(), pool.Name, pool.Id, "fsfreeze" })
        {
            Promise.Holds(said.Contains(word, StringComparison.Ordinal), $"it names {word}: {said}");
        }

        Promise.Holds(await own.StateAsync() == "Stopping", "the VM is Stopping");
        Promise.Holds((await own.ShowAsync())!.Value.Text("condition").Contains(pool.Name, StringComparison.Ordinal), "the VM says what it waits for");
        var host = (await stage.Api.ListAsync("listHosts", "host", CancellationToken.None))[0].GetRawText();
        Promise.Holds(host.Contains("stuckvms", StringComparison.Ordinal) && host.Contains(own.Id, StringComparison.Ordinal), $"so does its host: {host}");

        // Nobody else has to do with it.
        Promise.Holds(await stage.Virsh.ProcessIdAsync(other.Id) == others, "the other VM runs in the QEMU it ran in before");
        await other.WritesAsync();
        await other.StopAsync(forced: true);
        await other.StartAsync();

        await pool.HealAsync();
        var stopped = await Wait.UntilAsync("the VM to be Stopped by itself", Soon, async () => await own.StateAsync() == "Stopped");
        output.WriteLine($"stopped by itself {stopped} after the thaw");
        Promise.Holds(!Directory.Exists($"/proc/{qemu.ToString(CultureInfo.InvariantCulture)}"), "its QEMU is gone");
        await own.StartAsync();
        await own.DestroyAsync();
        await other.DestroyAsync();
        await RemoveAsync(stage, pool);
    }

    [Fact]
    [Trait("Row", "64")]
    public async Task Row64_QemuWaitsForAFrozenFileSystemAndItsDriverCanCut_TheStopIsDoneAndSaysWhatWasCutOff()
    {
        var stage = await shared.StageAsync();
        await using var pool = await HangingFolder.CreateAsync(stage, "thawing");
        using (await ThawingDriver.InstallAsync(stage, pool))
        {
            var own = await stage.DeployAsync("own", pool.Name);
            await own.ReadyAsync();
            var qemu = await FreezeAsync(stage, pool, own);
            var written = own.Console.Counter("vda");

            var (reply, took) = await own.TryAsync("stopVirtualMachine", ("forced", "true"));
            output.WriteLine($"{reply} after {took}");
            pool.Thawed();
            Promise.Holds(reply is ApiReply.Answered, $"the stop is done: {reply}");
            Promise.Holds(took < DoneWithin, $"within 10 s of SIGKILL; it took {took}");
            Promise.Holds(!Directory.Exists($"/proc/{qemu.ToString(CultureInfo.InvariantCulture)}"), "its QEMU is gone");
            var condition = (await own.ShowAsync())!.Value.Text("condition");
            Promise.Holds(condition.Contains("cut off", StringComparison.Ordinal) && condition.Contains(pool.Name, StringComparison.Ordinal), $"the VM says what was cut off: {condition}");
            var volume = await own.RootVolumeAsync();
            Promise.Holds(
                (await stage.Api.ListAsync("listEvents", "event", CancellationToken.None, ("type", "VM.IO.CUT"))).Any(told => told.GetRawText().Contains(volume, StringComparison.Ordinal)),
                "so does an event");

            await own.StartAsync();
            Promise.Holds(own.Console.Counter("vda") >= written, $"what the guest was told is written is there: {own.Console.Counter("vda")} after {written}");
            await own.DestroyAsync();
        }

        await RemoveAsync(stage, pool);
    }

    private async Task<int> FreezeAsync(Stage stage, HangingFolder pool, Guest guest)
    {
        var qemu = await stage.Virsh.ProcessIdAsync(guest.Id) ?? throw new InvalidOperationException($"{guest.Name} does not run");
        await pool.HangAsync();
        output.WriteLine($"asleep after {await Wait.UntilAsync($"the QEMU of {guest.Name} to sleep in the kernel", Soon, () => Task.FromResult(HangingFolder.IsAsleep(qemu)))}");
        return qemu;
    }

    private static async Task RemoveAsync(Stage stage, HangingFolder pool)
    {
        await Wait.UntilAsync(
            $"all that is owed to {pool.Name} to be settled", DeadStorage.SettlesWithin, async () => (await stage.ObligationsAsync()).All(owed => owed.Text("storageid") != pool.Id));
        await pool.RemoveAsync();
    }
}
