using Holdfast.Cli.CloudStack;
using Holdfast.FaultInjection;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>The network between agent and server fails, both ways and one way, while a VM ends on its host.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
[Trait("Row", "19")]
public sealed class PartitionTests(SharedStage shared, ITestOutputHelper output)
{
    private static readonly TimeSpan LearnsWithin = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(ProxyMode.Blackhole)]
    [InlineData(ProxyMode.LosesRequests)]
    [InlineData(ProxyMode.LosesAnswers)]
    public async Task Row19_GuestShutsItselfDownDuringAPartition_ServerLearnsOnReconnect(ProxyMode mode)
    {
        var stage = await shared.StageAsync();
        var vm = await stage.DeployAsync("cut-off");
        await vm.ReadyAsync();
        await stage.Network.SetAsync(new ProxyFault(mode), CancellationToken.None);
        try
        {
            await stage.Virsh.RunAsync("shutdown", vm.Id);
            await Wait.UntilAsync($"the guest {vm.Name} to have shut itself down, with nobody to ask", TimeSpan.FromSeconds(60), async () => !await stage.Virsh.ExistsAsync(vm.Id));
            if (mode != ProxyMode.LosesAnswers)
            {
                Promise.Holds(await vm.StateAsync() != "Stopped", "the server cannot know what happened behind a partition");
            }
        }
        finally
        {
            await stage.Network.SetAsync(ProxyFault.None, CancellationToken.None);
        }

        output.WriteLine($"learnt after {await Wait.UntilAsync($"the server to learn that {vm.Name} is gone", LearnsWithin, async () => await vm.StateAsync() == "Stopped")}");
        Promise.Holds(!await stage.Virsh.ExistsAsync(vm.Id), $"nobody asked for {vm.Name} to be started again");
        await vm.StartAsync();
        await vm.DestroyAsync();
    }

    [Fact]
    public async Task Row19_StopWantedAndGuestGoneDuringAPartition_IsDoneOnceAndTheNextStartStays()
    {
        var stage = await shared.StageAsync();
        var vm = await stage.DeployAsync("cut-off");
        await vm.ReadyAsync();
        Task<(ApiReply Reply, TimeSpan Took)> stop;
        await stage.Network.SetAsync(new ProxyFault(ProxyMode.Blackhole), CancellationToken.None);
        try
        {
            stop = vm.TryAsync("stopVirtualMachine");
            await Wait.UntilAsync($"the wish to stop {vm.Name} to be written down", TimeSpan.FromSeconds(30), async () => await vm.StateAsync() == "Stopping");
            Promise.Holds(await stage.Virsh.StateAsync(vm.Id) == "running", "the wish cannot have reached the host");
            await stage.Virsh.RunAsync("shutdown", vm.Id);
            await Wait.UntilAsync($"the guest {vm.Name} to have shut itself down", TimeSpan.FromSeconds(60), async () => !await stage.Virsh.ExistsAsync(vm.Id));
        }
        finally
        {
            await stage.Network.SetAsync(ProxyFault.None, CancellationToken.None);
        }

        var (reply, took) = await stop;
        Promise.Holds(reply is ApiReply.Answered, $"the stop that was wanted is done: {reply}");
        output.WriteLine($"the stop was done after {took}");
        Promise.Holds(await vm.StateAsync() == "Stopped", $"the API shows Stopped, not {await vm.StateAsync()}");

        // Were the stop carried out a second time, it would hit this one.
        await vm.StartAsync();
        var process = await stage.Virsh.ProcessIdAsync(vm.Id);
        await vm.WritesAsync();
        await vm.WritesAsync();
        Promise.Holds(await stage.Virsh.ProcessIdAsync(vm.Id) == process && await vm.StateAsync() == "Running", $"{vm.Name} started after the stop goes on running");
        await vm.DestroyAsync();
    }
}
