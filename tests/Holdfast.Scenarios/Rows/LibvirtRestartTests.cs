using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>libvirtd is killed and started again while a VM is stopped and started.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
[Trait("Row", "30")]
public sealed class LibvirtRestartTests(SharedStage shared, ITestOutputHelper output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task Row30_LibvirtdKilledInTheMiddleOfAStopAndAStart_NoVmIsLostOrDoubled()
    {
        var stage = await shared.StageAsync();
        var bystander = await stage.DeployAsync("bystander");
        var vm = await stage.DeployAsync("restarted-under");
        await bystander.ReadyAsync();
        await vm.ReadyAsync();
        var process = await stage.Virsh.ProcessIdAsync(bystander.Id);
        var boots = bystander.Console.Boots;

        // The guest has been asked to shut itself down and is at it.
        var stop = vm.TryAsync("stopVirtualMachine");
        await Wait.UntilAsync($"the stop of {vm.Name} to be under way", Soon, async () => await vm.StateAsync() == "Stopping");
        await stage.Libvirt.RestartDaemonAsync();
        var (stopped, took) = await stop;
        output.WriteLine($"stop: {stopped} after {took}");
        Promise.Holds(stopped is ApiReply.Answered, $"a stop survives a restart of libvirtd: {stopped}");
        Promise.Holds(Qemu.ProcessesOf(vm.Id).Count == 0 && !await stage.Virsh.ExistsAsync(vm.Id), $"{vm.Name} is said to be stopped, so it is gone for the kernel and for libvirt");

        // QEMU is there and waits for libvirtd's word to go.
        var start = vm.TryAsync("startVirtualMachine");
        await Wait.UntilAsync($"the QEMU of {vm.Name} to be there", Soon, () => Task.FromResult(Qemu.ProcessesOf(vm.Id).Count > 0 || start.IsCompleted));
        Promise.Holds(Qemu.ProcessesOf(vm.Id).Count > 0, $"a start brings a QEMU: {(start.IsCompleted ? (await start).Reply : null)}");
        await stage.Libvirt.RestartDaemonAsync();
        (var started, took) = await start;
        output.WriteLine($"start: {started} after {took}");
        if (started is ApiReply.Refused)
        {
            await Wait.UntilAsync($"nothing to be left of the start of {vm.Name}, which failed", Soon, async () => await vm.StateAsync() == "Stopped" && Qemu.ProcessesOf(vm.Id).Count == 0);
            await vm.DoAsync("startVirtualMachine");
        }

        await vm.ReadyAsync();
        foreach (var guest in new[] { vm, bystander })
        {
            Promise.Holds(Qemu.ProcessesOf(guest.Id) is [var only] && await stage.Virsh.ProcessIdAsync(guest.Id) == only, $"{guest.Name} runs in one QEMU, which libvirt knows; there are: {string.Join(", ", Qemu.ProcessesOf(guest.Id))}");
            await Wait.UntilAsync($"the API to show {guest.Name} Running", Soon, async () => await guest.StateAsync() == "Running");
        }

        Promise.Holds(await stage.Virsh.ProcessIdAsync(bystander.Id) == process && bystander.Console.Boots == boots, $"{bystander.Name} has not noticed");
        await bystander.WritesAsync();
        await bystander.StopAsync();
        await bystander.DestroyAsync();
        await vm.StopAsync();
        await vm.DestroyAsync();
    }
}
