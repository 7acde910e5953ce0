using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Variants;

/// <summary>The storage is not deleted, only dead, in every way a backend can be dead.</summary>
[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
public sealed class DeadStorageTests(SharedStage shared, DeadStorageTests.Pool pool, ITestOutputHelper output) : IClassFixture<DeadStorageTests.Pool>
{
    [Theory]
    [InlineData("Refused")]
    [InlineData("BlackHoled")]
    [InlineData("Silent")]
    [InlineData("ServerError")]
    [InlineData("Garbage")]
    [InlineData("Crawling")]
    public async Task VmOnOtherStorage_StopStartAttachRebootDetachDestroy_WithoutACallToTheDeadPool(string death)
    {
        var stage = await shared.StageAsync();
        var dead = await pool.GetAsync(shared);
        var vm2 = await stage.DeployAsync("vm2");
        await vm2.ReadyAsync();
        await dead.DieAsync(Enum.Parse<Death>(death));
        try
        {
            await DeadStorage.OthersAreFreeAsync(stage, dead, vm2);
        }
        finally
        {
            await dead.HealAsync();
        }
    }

    [Theory]
    [InlineData("Refused")]
    [InlineData("BlackHoled")]
    [InlineData("Silent")]
    [InlineData("Garbage")]
    public async Task VmOnTheDeadStorage_Stops_WhatIsOwedIsListedAndSettledByItself(string death)
    {
        var stage = await shared.StageAsync();
        var dead = await pool.GetAsync(shared);
        await dead.AttachedAsync();
        var vm3 = await stage.DeployAsync("vm3", dead.Offering);
        await vm3.ReadyAsync();
        var counter = vm3.Console.Counter("vda");
        await dead.DieAsync(Enum.Parse<Death>(death));
        try
        {
            output.WriteLine($"owed: {await DeadStorage.OwnVmStopsAsync(stage, dead, vm3)}");
            output.WriteLine($"start: {await DeadStorage.OwnVmStartsOrSaysWhyAsync(dead, vm3)}");
            if (await vm3.StateAsync() == "Running")
            {
                // Running again it owed nothing; the coming back has to find something to settle.
                await DeadStorage.OwnVmStopsAsync(stage, dead, vm3);
            }
        }
        finally
        {
            await dead.HealAsync();
        }

        output.WriteLine($"settled after {await DeadStorage.SettledAsync(stage, dead)}");
        await dead.AttachedAsync();
        await vm3.StartAsync();
        Promise.Holds(vm3.Console.Counter("vda") > counter, $"{vm3.Name} goes on counting from its own disk; it lost writes");
        await vm3.DestroyAsync();
        await DeadStorage.SettledAsync(stage, dead);
    }

    [Fact]
    public async Task StartVm_ItsControllerIsDeadAndItsDeviceIsNotHere_FailsFastNamingThePool()
    {
        var stage = await shared.StageAsync();
        var dead = await pool.GetAsync(shared);
        await dead.AttachedAsync();
        var vm3 = await stage.DeployAsync("vm3", dead.Offering);
        await vm3.ReadyAsync();
        await vm3.StopAsync();
        await DeadStorage.SettledAsync(stage, dead);
        foreach (var death in new[] { Death.Refused, Death.BlackHoled, Death.Silent, Death.Garbage })
        {
            await dead.DieAsync(death);
            try
            {
                var answer = await DeadStorage.OwnVmStartsOrSaysWhyAsync(dead, vm3);
                output.WriteLine($"{death}: {answer}");
                Promise.Holds(await vm3.StateAsync() == "Stopped", $"without its device {vm3.Name} cannot run: {answer}");
            }
            finally
            {
                await dead.HealAsync();
            }

            await DeadStorage.SettledAsync(stage, dead);
        }

        await dead.AttachedAsync();
        await vm3.StartAsync();
        await vm3.DestroyAsync();
        await DeadStorage.SettledAsync(stage, dead);
    }

    /// <summary>A silent controller used up the time in which DRBD could have told that the device is here.</summary>
    [Theory]
    [InlineData(nameof(LinstorKind.StorageOnly), nameof(Death.Refused))]
    [InlineData(nameof(LinstorKind.Drbd), nameof(Death.Silent))]
    public async Task StartVm_ItsControllerIsDeadButItsDeviceIsHere_Runs(string kind, string death)
    {
        var stage = await shared.StageAsync();
        var local = await stage.AddLinstorAsync("local", Enum.Parse<LinstorKind>(kind));
        var vm3 = await stage.DeployAsync("vm3", local.Offering);
        await vm3.ReadyAsync();
        await local.DieAsync(Enum.Parse<Death>(death));
        await vm3.StopAsync();
        await vm3.StartAsync();
        await local.HealAsync();
        await vm3.DestroyAsync();
        await DeadStorage.SettledAsync(stage, local);
        await local.RemoveAsync();
    }

    [Fact]
    public async Task DeployVm_InTheSameSecondAsAPoolIsDeleted_Works()
    {
        var stage = await shared.StageAsync();
        var going = await stage.AddLinstorAsync("going");
        await going.EnterMaintenanceAsync();
        var deletion = going.DeleteAsync();
        var (vm2, reply) = await stage.TryDeployAsync("vm2");
        await deletion;
        Promise.Holds(reply is ApiReply.Answered, $"a VM on other storage is deployed while a pool is deleted: {reply}");
        await vm2.ReadyAsync();
        await going.UnboundAsync();
        await vm2.StopAsync();
        await vm2.DestroyAsync();
    }

    [Fact]
    public async Task CreatePool_AfterItsRemoval_LoadsItsDriverAgain()
    {
        var stage = await shared.StageAsync();
        var again = await stage.AddLinstorAsync("again");
        var agent = stage.Stack.Agent.Id;
        var first = await again.DriverAsync();
        var firstId = again.Id;
        await again.RemoveAsync();
        Promise.Holds(!first.IsRunning, $"the pool is removed, yet its driver (process {first.ProcessId}) still runs");

        await again.AddAsync();
        await again.AttachedAsync();
        var second = await again.DriverAsync();
        Promise.Holds(again.Id != firstId, "a pool added again is another pool");
        Promise.Holds(second.IsRunning && second.ProcessId != first.ProcessId, "the pool added again has a driver process of its own");
        Promise.Holds(stage.Stack.Agent.Id == agent && !stage.Stack.Agent.Exited.IsCompleted, "nothing needs an agent restart");
        var vm = await stage.DeployAsync("vm1", again.Offering);
        await vm.ReadyAsync();
        await vm.StopAsync();
        await vm.DestroyAsync();
        await DeadStorage.SettledAsync(stage, again);
        await again.RemoveAsync();
    }

    /// <summary>One pool for all tests here: it dies and comes back, as pools do.</summary>
    public sealed class Pool : IAsyncDisposable
    {
        private SimulatedPool? _pool;

        /// <summary>Clears up: every pool that stays costs each agent that the other tests start a driver.</summary>
        /// <returns>When no host has it.</returns>
        public async ValueTask DisposeAsync()
        {
            if (_pool is not null)
            {
                await _pool.RemoveAsync();
            }
        }

        internal async Task<SimulatedPool> GetAsync(SharedStage shared) => _pool ??= await (await shared.StageAsync()).AddLinstorAsync("dead");
    }
}
