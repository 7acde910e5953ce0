using System.Globalization;
using Holdfast.Staging;
using Holdfast.Testing;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>libvirtd answers nobody, or has no worker left for ordinary calls; VMs are stopped all the same.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
[Trait("Row", "31")]
public sealed class LibvirtHangsTests(SharedStage shared, ITestOutputHelper output)
{
    // More than libvirtd has workers (20 by its defaults).
    private const int Calls = 40;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);
    private static readonly TimeSpan CallsEnd = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task Row31_LibvirtdFrozen_AVmIsStoppedAllTheSame()
    {
        var stage = await shared.StageAsync();
        var vm = await stage.DeployAsync("stopped-without-libvirt");
        var bystander = await stage.DeployAsync("bystander");
        await vm.ReadyAsync();
        await bystander.ReadyAsync();
        var process = Qemu.ProcessesOf(bystander.Id).Single();
        await stage.Libvirt.FreezeDaemonAsync();
        try
        {
            await StopsAsync(vm);
            Promise.Holds(Qemu.ProcessesOf(bystander.Id) is [var one] && one == process, $"{bystander.Name} runs on");
            Promise.Holds(await bystander.StateAsync() == "Running", $"the API shows {bystander.Name} Running, not {await bystander.StateAsync()}");
        }
        finally
        {
            await stage.Libvirt.ThawDaemonAsync();
        }

        await Wait.UntilAsync($"libvirt to have noticed that {vm.Name} is gone", Soon, async () => !await stage.Virsh.ExistsAsync(vm.Id));
        await vm.StartAsync();
        await vm.DestroyAsync();
        await bystander.WritesAsync();
        await bystander.DestroyAsync();
    }

    [Fact]
    public async Task Row31_AllWorkersOfLibvirtdBlocked_AVmElsewhereIsStoppedInTime()
    {
        var stage = await shared.StageAsync();
        var vm = await stage.DeployAsync("stopped-past-workers");
        var blocker = await stage.DeployAsync("blocker");
        await vm.ReadyAsync();
        await blocker.ReadyAsync();
        await Tool.RunAsync("kill", "-STOP", Qemu.ProcessesOf(blocker.Id).Single().ToString(CultureInfo.InvariantCulture));

        // The first waits for QEMU's monitor, the others for the first, each in a worker.
        var calls = Enumerable.Range(0, Calls)
            .Select(_ => Tool.TryAsync(CallsEnd, "virsh", "--quiet", "--connect", stage.Libvirt.Uri, "qemu-monitor-command", blocker.Id, "--hmp", "info status"))
            .ToArray();
        try
        {
            await Wait.UntilAsync("ordinary calls to wait for a worker of libvirtd", Soon, async () => await WaitingCallsAsync(stage) > 0);
            await StopsAsync(vm);
            Promise.Holds(await WaitingCallsAsync(stage) > 0, "ordinary calls had to wait all the time");
            await StopsAsync(blocker);
        }
        finally
        {
            foreach (var process in Qemu.ProcessesOf(blocker.Id))
            {
                await Tool.RunAsync("kill", "-CONT", process.ToString(CultureInfo.InvariantCulture));
            }

            await Task.WhenAll(calls);
        }

        Promise.Holds(await WaitingCallsAsync(stage) == 0, "libvirtd has workers again");
        await vm.StartAsync();
        await vm.DestroyAsync();
        await blocker.StartAsync();
        await blocker.DestroyAsync();
    }

    private async Task StopsAsync(Guest vm)
    {
        var took = await vm.DoAsync("stopVirtualMachine", ("forced", "true"));
        output.WriteLine($"{vm.Name} stopped after {took}");
        Promise.Holds(took < DeadStorage.AcpiTime, $"stopping {vm.Name} does not wait for libvirtd; it took {took}");
        Promise.Holds(Qemu.ProcessesOf(vm.Id).Count == 0, $"the API says that {vm.Name} is gone, its QEMU still runs");
        Promise.Holds(await vm.StateAsync() == "Stopped", $"the API shows Stopped, not {await vm.StateAsync()}");
    }

    private static async Task<int> WaitingCallsAsync(Stage stage) => int.Parse(
        (await Tool.RunAsync("virt-admin", "--connect", stage.Libvirt.AdminUri, "server-threadpool-info", "libvirtd"))
            .Split('\n').Single(static line => line.StartsWith("jobQueueDepth", StringComparison.Ordinal)).Split(':')[1],
        CultureInfo.InvariantCulture);
}
