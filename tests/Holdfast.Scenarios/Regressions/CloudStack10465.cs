// The case this project exists for: https://github.com/apache/cloudstack/issues/10465.
// THIS FILE IS NEVER TO BE EDITED. When it fails, the change that made it fail is wrong.
using System.Diagnostics;
using System.Globalization;
using Holdfast.Staging;

namespace Holdfast.Scenarios.Regressions;

/// <summary>
/// A Linstor primary storage is used, deleted, and its controller switched off. In CloudStack 4.19.1.2 no VM of the host could be stopped after that, not
/// even a VM that never used it: "Unable to stop VM instance", under it <c>ConnectException: Connection refused</c>.
/// </summary>
internal static class CloudStack10465
{
    /// <summary>Longer than the guest needs to power off by itself, shorter than any time-out of a storage.</summary>
    private static readonly TimeSpan AcpiTime = TimeSpan.FromSeconds(10);

    /// <summary>Plays the case.</summary>
    /// <param name="stage">An installation with a directory pool.</param>
    /// <param name="death">How the controller is switched off in step 4.</param>
    /// <param name="step">Told each step when it is done, and how long it took.</param>
    /// <returns>When every promise has held.</returns>
    /// <exception cref="PromiseBrokenException">One has not.</exception>
    public static async Task PlayAsync(Stage stage, Death death, Action<string, TimeSpan> step)
    {
        var clock = Stopwatch.GetTimestamp();

        var lin1 = await stage.AddLinstorAsync("lin1");
        var driver = await lin1.DriverAsync();
        Promise.Holds(driver.IsRunning, "the pool is attached, so its driver runs");
        Done(string.Create(CultureInfo.InvariantCulture, $"1. created the Linstor primary storage {lin1.Name}; its driver is process {driver.ProcessId}"));

        var vm1 = await stage.DeployAsync("vm1", lin1.Offering);
        await vm1.ReadyAsync();
        var disk = await vm1.RootVolumeAsync();
        Promise.Holds(lin1.Holds(disk), "vm1's root disk is on the LINSTOR cluster");
        Done($"2. deployed {vm1.Name} with its root disk on {lin1.Name}; the guest is up and writes");

        await vm1.DestroyAsync();
        await lin1.EnterMaintenanceAsync();
        var asked = Stopwatch.GetTimestamp();
        await lin1.DeleteAsync();
        var answered = Stopwatch.GetElapsedTime(asked);
        Promise.Holds(answered < TimeSpan.FromSeconds(5), $"deleteStoragePool answers at once; it took {answered}");
        await lin1.UnboundAsync();
        Promise.Holds(!driver.IsRunning, $"the host has confirmed the removal, yet the driver (process {driver.ProcessId}) still runs");
        Promise.Holds(!File.Exists(driver.Socket), $"the host has confirmed the removal, yet the driver's socket {driver.Socket} is still there");
        Promise.Holds(!Directory.Exists(driver.StateFolder), $"the host has confirmed the removal, yet the driver's folder {driver.StateFolder} is still there");
        Promise.Holds(!lin1.Holds(disk), "vm1 was expunged before the storage was deleted, so its disk is gone from the cluster");
        Done($"3. expunged {vm1.Name}, put {lin1.Name} in maintenance, deleted it: the driver's process, socket and folder are gone");

        lin1.ForgetRequests();
        await lin1.DieAsync(death);
        Done($"4. switched off the LINSTOR controller ({death})");

        var vm2 = await stage.DeployAsync("vm2");
        await vm2.ReadyAsync();
        Done($"5. deployed {vm2.Name} on other storage; the guest is up and writes");

        var stopped = await vm2.StopAsync();
        Promise.Holds(await vm2.StateAsync() == "Stopped", $"the stop succeeded, so the API shows Stopped, not {await vm2.StateAsync()}");
        Promise.Holds(stopped < AcpiTime, $"the stop takes what the guest's own shutdown takes; it took {stopped}");
        Promise.Holds(lin1.Requests == 0, $"nobody asks a deleted storage anything; it was asked {lin1.Requests} times");
        Promise.Holds((await stage.ObligationsAsync(lin1)).Count == 0, "nothing is owed to a storage that was emptied before it was deleted");
        Done($"6. stopped {vm2.Name}: Stopped, QEMU is gone, {lin1.Requests} requests to the dead controller");

        await vm2.DestroyAsync();

        void Done(string what)
        {
            step(what, Stopwatch.GetElapsedTime(clock));
            clock = Stopwatch.GetTimestamp();
        }
    }
}
