using Holdfast.Cli.CloudStack;
using Holdfast.Cli.Processes;
using Holdfast.Staging;
using Holdfast.Testing;
using Xunit;

namespace Holdfast.Scenarios.Crashes;

/// <summary>
/// Programs are killed and frozen in the middle of a deploy, a stop and a delete. Afterwards everything converges by itself, no other guest has noticed,
/// and nothing that was owed is lost.
/// </summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
public sealed class CrashTests(SharedStage shared, CrashTests.Setting setting, ITestOutputHelper output) : IClassFixture<CrashTests.Setting>
{
    private static readonly TimeSpan ConvergesWithin = TimeSpan.FromSeconds(120);

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var victim in Enum.GetNames<Victim>())
        {
            foreach (var moment in Enum.GetNames<Moment>())
            {
                cases.Add(victim, moment);
            }
        }

        return cases;
    }

    /// <summary>Who is hit, and how.</summary>
    internal enum Victim
    {
        ServerKilled,
        AgentKilled,
        DriverKilled,
        DriverFrozen,
    }

    /// <summary>In the middle of what.</summary>
    internal enum Moment
    {
        Deploy,
        Stop,
        Delete,
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Crash_InTheMiddle_EverythingConvergesAndNobodyElseNotices(string victim, string moment)
    {
        var stage = await shared.StageAsync();
        var (pool, bystander) = await setting.GetAsync(stage);
        await pool.AttachedAsync();
        var bystanderProcess = await stage.Virsh.ProcessIdAsync(bystander.Id);
        var bystanderBoots = bystander.Console.Boots;

        var (vm, job) = await stage.BeginDeployAsync("crash", pool.Offering);
        if (moment == nameof(Moment.Deploy))
        {
            await HitAsync(stage, pool, Enum.Parse<Victim>(victim));
        }

        var deployed = await stage.Api.WaitAsync("deployVirtualMachine", job, ConvergesWithin, CancellationToken.None);
        output.WriteLine($"deploy: {deployed}");
        Promise.Holds(deployed is not ApiReply.NoAnswer, $"a deploy ends, one way or the other: {deployed}");
        await Wait.UntilAsync($"{vm.Name} to be in a state that agrees with libvirt", ConvergesWithin, () => AgreesAsync(stage, vm));
        if (deployed is ApiReply.Answered)
        {
            await vm.ReadyAsync();
            var began = vm.TryAsync("stopVirtualMachine");
            if (moment == nameof(Moment.Stop))
            {
                await HitAsync(stage, pool, Enum.Parse<Victim>(victim));
            }

            var (stopped, took) = await began;
            output.WriteLine($"stop: {stopped} after {took}");
            await AskAgainIfUnheardAsync(vm, stopped, "stopVirtualMachine");
            await Wait.UntilAsync($"{vm.Name} to be Stopped", ConvergesWithin, async () => await vm.StateAsync() == "Stopped" && await AgreesAsync(stage, vm));
        }

        var disk = await vm.RootVolumeAsync();
        var destroyed = vm.TryAsync("destroyVirtualMachine", ("expunge", "true"));
        if (moment == nameof(Moment.Delete))
        {
            await HitAsync(stage, pool, Enum.Parse<Victim>(victim));
        }

        var (gone, _) = await destroyed;
        output.WriteLine($"destroy: {gone}");
        await AskAgainIfUnheardAsync(vm, gone, "destroyVirtualMachine", ("expunge", "true"));
        await Wait.UntilAsync($"{vm.Name} to be expunged", ConvergesWithin, async () => await vm.ShowAsync() is null && !await stage.Virsh.ExistsAsync(vm.Id));
        await Wait.UntilAsync($"all that is owed to {pool.Name} to be settled", ConvergesWithin, async () => (await stage.ObligationsAsync(pool)).Count == 0);
        await Wait.UntilAsync($"the disk of {vm.Name} to be gone from the backend", ConvergesWithin, () => Task.FromResult(!pool.Holds(disk)));

        Promise.Holds(await stage.Virsh.ProcessIdAsync(bystander.Id) == bystanderProcess, $"{bystander.Name} runs in the QEMU it ran in before");
        Promise.Holds(bystander.Console.Boots == bystanderBoots, $"{bystander.Name} has not been rebooted");
        await bystander.WritesAsync();
        Promise.Holds(await bystander.StateAsync() == "Running", $"the API shows {bystander.Name} running, not {await bystander.StateAsync()}");
    }

    // A server that died before it answered may have died before it wrote the wish down: then nothing was promised, and the caller asks again, as any client does.
    private async Task AskAgainIfUnheardAsync(Guest vm, ApiReply reply, string command, params (string Name, string Value)[] parameters)
    {
        if (reply is ApiReply.NoAnswer && await vm.ShowAsync() is not null)
        {
            output.WriteLine($"{command} asked again: {(await vm.TryAsync(command, parameters)).Reply}");
        }
    }

    // What the API shows is never better than the truth: a VM that is shown running has a domain, one that is shown stopped has none.
    private static async Task<bool> AgreesAsync(Stage stage, Guest vm) => await vm.StateAsync() switch
    {
        "Running" => await stage.Virsh.StateAsync(vm.Id) == "running",
        "Stopped" or "Error" => !await stage.Virsh.ExistsAsync(vm.Id),
        _ => false,
    };

    private static async Task HitAsync(Stage stage, SimulatedPool pool, Victim victim)
    {
        switch (victim)
        {
            case Victim.ServerKilled:
                stage.Stack.Server.Signal(Signal.Kill);
                await stage.Stack.Server.Exited;
                await stage.Stack.StartServerAsync(CancellationToken.None);
                break;
            case Victim.AgentKilled:
                stage.Stack.Agent.Signal(Signal.Kill);
                await stage.Stack.Agent.Exited;
                await stage.Stack.StartAgentAsync(static _ => { }, CancellationToken.None);
                break;
            case Victim.DriverKilled:
                await Tool.RunAsync("kill", "-KILL", await ProcessAsync());
                break;
            case Victim.DriverFrozen:
                // Nobody wakes it: the supervisor has to find out and replace it.
                await Tool.RunAsync("kill", "-STOP", await ProcessAsync());
                break;
        }

        async Task<string> ProcessAsync() => (await pool.BindingAsync())!.Value.Text("driverpid");
    }

    /// <summary>A pool to crash on, and a guest on other storage that must not notice.</summary>
    public sealed class Setting
    {
        private SimulatedPool? _pool;
        private Guest? _bystander;

        internal async Task<(SimulatedPool Pool, Guest Bystander)> GetAsync(Stage stage)
        {
            _pool ??= await stage.AddLinstorAsync("crash");
            if (_bystander is null)
            {
                var guest = await stage.DeployAsync("bystander");
                await guest.ReadyAsync();
                _bystander = guest;
            }

            return (_pool, _bystander);
        }
    }
}
