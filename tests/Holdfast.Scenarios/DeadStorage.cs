using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Holdfast.Cli.CloudStack;
using Holdfast.Staging;

namespace Holdfast.Scenarios;

/// <summary>The storage is not deleted, only dead. What that may cost: its own users a clear error, everybody else nothing.</summary>
internal static class DeadStorage
{
    /// <summary>Longer than the guest needs to power off by itself, shorter than any time-out of a storage.</summary>
    public static readonly TimeSpan AcpiTime = TimeSpan.FromSeconds(10);

    /// <summary>How soon a start on dead storage has to say so: clients give up after ten seconds without a job, people after not much more.</summary>
    public static readonly TimeSpan FailsFast = TimeSpan.FromSeconds(20);

    /// <summary>How soon what is owed is settled by itself after the storage is back.</summary>
    public static readonly TimeSpan SettlesWithin = TimeSpan.FromSeconds(90);

    /// <summary>Plays all of it on a new pool.</summary>
    /// <param name="stage">An installation.</param>
    /// <param name="death">How the storage dies.</param>
    /// <param name="step">Told each step when it is done, and how long it took.</param>
    /// <returns>When every promise has held.</returns>
    public static async Task PlayAsync(Stage stage, Death death, Action<string, TimeSpan> step)
    {
        var clock = Stopwatch.GetTimestamp();
        var pool = await stage.AddLinstorAsync("lin2");
        var vm2 = await stage.DeployAsync("vm2");
        var vm3 = await stage.DeployAsync("vm3", pool.Offering);
        await vm2.ReadyAsync();
        await vm3.ReadyAsync();
        Done($"deployed {vm2.Name} on the directory pool and {vm3.Name} on {pool.Name}; both guests are up and write");

        await pool.DieAsync(death);
        Done($"the controller of {pool.Name} is dead ({death})");

        await OthersAreFreeAsync(stage, pool, vm2);
        Done($"stopped, started, rebooted {vm2.Name}, attached a disk to it, detached it, destroyed it: {pool.Name}'s driver was not called once");

        var settled = await OwnVmStopsAsync(stage, pool, vm3);
        Done($"stopped {vm3.Name}, whose disk is on the dead {pool.Name}: Stopped; owed and listed: {settled}");

        var answer = await OwnVmStartsOrSaysWhyAsync(pool, vm3);
        Done($"started {vm3.Name}: {answer}");

        if (await vm3.StateAsync() == "Running")
        {
            await OwnVmStopsAsync(stage, pool, vm3);
            Done($"stopped {vm3.Name} again: Stopped, owed again");
        }

        await pool.HealAsync();
        var took = await SettledAsync(stage, pool);
        Done(string.Create(CultureInfo.InvariantCulture, $"the controller is back: all that was owed is settled by itself after {took.TotalSeconds:0.0} s"));

        var disk = await vm3.RootVolumeAsync();
        await vm3.DestroyAsync();
        await SettledAsync(stage, pool);
        Promise.Holds(!pool.Holds(disk), $"{vm3.Name} is expunged and nothing is owed, yet the LINSTOR cluster still holds its disk");
        await pool.RemoveAsync();
        Done($"expunged {vm3.Name}, whose disk is gone from the LINSTOR cluster, and removed {pool.Name}");

        void Done(string what)
        {
            step(what, Stopwatch.GetElapsedTime(clock));
            clock = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>Stops, starts, reboots and destroys a VM that has nothing on a dead pool, and attaches a disk of its own storage to it and detaches it again.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="pool">The dead pool.</param>
    /// <param name="other">The VM, running.</param>
    /// <returns>When the pool's driver was proven not to have been called.</returns>
    public static async Task OthersAreFreeAsync(Stage stage, SimulatedPool pool, Guest other)
    {
        var driver = await pool.DriverAsync();
        var before = await driver.WorkCallsAsync();

        var counter = other.Console.Counter("vda");
        var stopped = await other.StopAsync();
        Promise.Holds(stopped < AcpiTime, $"stopping {other.Name} takes what its own shutdown takes; it took {stopped}");
        await other.StartAsync();
        Promise.Holds(other.Console.Counter("vda") > counter, $"{other.Name} goes on counting from its disk; it lost writes");
        var volume = await stage.CreateVolumeAsync("small");
        await PlugAsync("attachVolume", 1);
        await Wait.UntilAsync($"the guest {other.Name} to write to the disk that was attached", SettlesWithin, () => Task.FromResult(other.Console.Counter("vdb") > 0));
        await other.RebootAsync();
        await PlugAsync("detachVolume", 0);
        await stage.Api.DoAsync("deleteVolume", TimeSpan.FromSeconds(120), CancellationToken.None, ("id", volume));
        await other.DestroyAsync();

        var after = await driver.WorkCallsAsync();
        Promise.Holds(after == before, $"an operation on a VM calls only drivers of its own storage; the driver of {pool.Name} was called {after - before} times");
        Promise.Holds((await pool.DriverAsync()).ProcessId == driver.ProcessId, $"the driver of {pool.Name} was restarted meanwhile, so that its call log proves nothing");

        async Task PlugAsync(string command, int disks)
        {
            var reply = await other.TryVolumeAsync(command, volume);
            Promise.Holds(reply is ApiReply.Answered, $"{command} on {other.Name}, with a volume of its own storage, has nothing to do with {pool.Name}: {reply}");
            Promise.Holds(await other.DisksOfAsync(volume) == disks, $"after {command} the guest {other.Name} has the disk {disks} times, not {await other.DisksOfAsync(volume)}");
        }
    }

    /// <summary>Stops a VM whose disk is on the dead pool.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="pool">The dead pool.</param>
    /// <param name="own">The VM, running.</param>
    /// <returns>What is owed, for the reader.</returns>
    public static async Task<string> OwnVmStopsAsync(Stage stage, SimulatedPool pool, Guest own)
    {
        var stopped = await own.StopAsync();
        Promise.Holds(stopped < AcpiTime, $"stopping {own.Name} waits for the guest and not for its storage; it took {stopped}");
        Promise.Holds(await own.StateAsync() == "Stopped", $"the stop succeeded, so the API shows Stopped, not {await own.StateAsync()}");
        var owed = "";
        await Wait.UntilAsync(
            $"the API to list what is owed to {pool.Name}",
            TimeSpan.FromSeconds(15),
            async () => (owed = (await stage.ObligationsAsync(pool)).Select(Describe).FirstOrDefault() ?? "").Length > 0);
        Promise.Holds(owed.Contains(pool.Name, StringComparison.Ordinal), $"what is owed names the pool {pool.Name}: {owed}");
        return owed;

        static string Describe(JsonElement obligation) => $"{obligation.Text("kind")} of {obligation.Text("volumename")} on {obligation.Text("storagename")}";
    }

    /// <summary>Starts a VM whose disk is on the dead pool: it really runs because its device is here, or the refusal comes soon and names the pool.</summary>
    /// <param name="pool">The dead pool.</param>
    /// <param name="own">The VM, stopped.</param>
    /// <returns>Which of the two, for the reader.</returns>
    public static async Task<string> OwnVmStartsOrSaysWhyAsync(SimulatedPool pool, Guest own)
    {
        var (reply, took) = await own.TryAsync("startVirtualMachine");
        switch (reply)
        {
            case ApiReply.Answered:
                await own.ReadyAsync();
                return "it runs, its device is here";
            case ApiReply.Refused refused:
                Promise.Holds(took < FailsFast, $"a start on dead storage fails fast; it took {took}");
                Promise.Holds(refused.Text.Contains(pool.Name, StringComparison.Ordinal), $"the error names the pool {pool.Name}; it says: {refused.Text}");
                Promise.Holds(await own.StateAsync() == "Stopped", $"a start that failed leaves a stopped VM, not {await own.StateAsync()}");
                return string.Create(CultureInfo.InvariantCulture, $"refused after {took.TotalSeconds:0.0} s: {refused.Text}");
            default:
                throw new PromiseBrokenException($"the start of {own.Name} ended without an answer: {reply}");
        }
    }

    /// <summary>Waits until nothing is owed to a pool.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="pool">The pool, alive.</param>
    /// <returns>How long it took.</returns>
    public static Task<TimeSpan> SettledAsync(Stage stage, SimulatedPool pool) =>
        Wait.UntilAsync($"all that is owed to {pool.Name} to be settled", SettlesWithin, async () => (await stage.ObligationsAsync(pool)).Count == 0);
}
