using System.Text.Json;
using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>The server is killed before and after the commit of every step of a job: when it is accepted, when its host reports and is told the next thing, when it ends.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
[Trait("Row", "24")]
public sealed class KilledServerTests(SharedStage shared, ITestOutputHelper output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task Row24_ServerKilledBeforeAndAfterEveryStepOfJobs_EachJobIsFinishedOnceByTheNext()
    {
        var stage = await shared.StageAsync();
        var pool = await stage.AddLinstorAsync("served");
        var volume = await stage.CreateVolumeAsync(pool.Offering);
        var (name, parameters) = await stage.DeployParametersAsync("served", pool.Offering);
        await using (var server = new MortalServer(stage, "server.step.before", "server.step.done"))
        {
            await FinishedOnceAsync(stage, server, "deployVirtualMachine", "DeployVMCmd", VmAsync, parameters);
            var vm = new Guest(stage, name, await VmAsync());
            var root = "";
            await Wait.UntilAsync($"the API to show the disk of {name}", Soon, async () => (root = await vm.RootVolumeAsync()).Length > 0);
            await vm.ReadyAsync();
            Promise.Holds(vm.Console.Boots == 1 && Qemu.ProcessesOf(vm.Id).Count == 1, $"{name} was started once");
            var process = await stage.Virsh.ProcessIdAsync(vm.Id);

            await FinishedOnceAsync(stage, server, "attachVolume", "AttachVolumeCmd", VolumeAsync, ("id", volume), ("virtualmachineid", vm.Id));
            Promise.Holds(await vm.DisksOfAsync(volume) == 1, $"the guest has the disk once, not {await vm.DisksOfAsync(volume)} times");
            await Wait.UntilAsync($"the guest {name} to write to the disk", Soon, () => Task.FromResult(vm.Console.Counter("vdb") > 0));

            await FinishedOnceAsync(stage, server, "detachVolume", "DetachVolumeCmd", VolumeAsync, ("id", volume));
            Promise.Holds(await vm.DisksOfAsync(volume) == 0, "the guest has let go of the disk");
            await DeadStorage.SettledAsync(stage, pool);
            Promise.Holds(await stage.Virsh.ProcessIdAsync(vm.Id) == process && vm.Console.Boots == 1, $"{name} runs in the QEMU it was started in");

            await FinishedOnceAsync(stage, server, "stopVirtualMachine", "StopVMCmd", VmAsync, ("id", vm.Id), ("forced", "true"));
            Promise.Holds(Qemu.ProcessesOf(vm.Id).Count == 0 && !await stage.Virsh.ExistsAsync(vm.Id), $"{name} is gone");
            await Wait.UntilAsync($"the API to show {name} Stopped", Soon, async () => await vm.StateAsync() == "Stopped");
            await DeadStorage.SettledAsync(stage, pool);

            await FinishedOnceAsync(stage, server, "destroyVirtualMachine", "DestroyVMCmd", () => Task.FromResult(vm.Id), ("id", vm.Id), ("expunge", "true"));
            await Wait.UntilAsync($"{name} to be expunged, and its disk to be gone from the backend", Soon, async () => await vm.ShowAsync() is null && !pool.Holds(root));
            Promise.Holds(vm.Console.Boots == 1, $"nobody has started {name} again");
        }

        await stage.Api.DoAsync("deleteVolume", Soon, CancellationToken.None, ("id", volume));
        await Wait.UntilAsync("the volume to be gone from the backend", Soon, () => Task.FromResult(!pool.Holds(volume)));
        await DeadStorage.SettledAsync(stage, pool);
        Promise.Holds(pool.Resources.Count == 1, $"of all that was made only the copy of the template is left at the backend, which holds {string.Join(", ", pool.Resources)}");
        await stage.DriversServeAsync();
        await pool.RemoveAsync();

        Task<string> VolumeAsync() => Task.FromResult(volume);

        async Task<string> VmAsync() => (await stage.Api.ListAsync("listVirtualMachines", "virtualmachine", CancellationToken.None, ("name", name), ("listall", "true"))) switch
        {
            [] => "",
            [var only] => only.Text("id"),
            var more => throw new PromiseBrokenException($"one deploy was asked for and there are {more.Count} VMs named {name}"),
        };
    }

    /// <summary>Asks for something, again when nobody has heard it, and demands that one job comes of it, that it succeeds, and that the server has died on both sides of its commits.</summary>
    private async Task FinishedOnceAsync(Stage stage, MortalServer server, string command, string kind, Func<Task<string>> subject, params (string Name, string Value)[] parameters)
    {
        IReadOnlyList<JsonElement> jobs = [];
        await Wait.UntilAsync($"a server to live long enough to hear {command}", Soon, async () =>
        {
            // A server that died before it answered may have heard it or not: who asks again without a look may get it twice, here as with any API.
            jobs = await JobsAsync();
            if (jobs.Count == 0 && await stage.Api.SendAsync(command, parameters.ToDictionary(), CancellationToken.None) is ApiReply.Refused refused)
            {
                throw new PromiseBrokenException($"{command} was refused: {refused}");
            }

            return jobs.Count > 0;
        });
        var reply = await stage.Api.WaitAsync(command, jobs[0].Text("jobid"), Soon, CancellationToken.None);
        var deaths = server.TakeDeaths();
        output.WriteLine($"{command}: {(reply is ApiReply.Answered ? "done" : reply)}; the server has died at {string.Join(", ", deaths)}");
        Promise.Holds(reply is ApiReply.Answered, $"{command} is finished by the server that comes after those that died: {reply}");
        Promise.Holds(deaths.Count >= 3 && deaths.Distinct().Count() == 2, $"a job has an acceptance and an end at least, and the server dies on both sides of their commits; it died at: {string.Join(", ", deaths)}");
        await Wait.UntilAsync($"the jobs of {command} to be listed", Soon, async () => (jobs = await JobsAsync()).Count > 0);
        Promise.Holds(jobs.Count == 1, $"one job comes of {command}, not {jobs.Count}");

        async Task<IReadOnlyList<JsonElement>> JobsAsync()
        {
            var id = await subject();
            return id.Length == 0
                ? []
                : [.. (await stage.Api.ListAsync("listAsyncJobs", "asyncjobs", CancellationToken.None, ("resourceid", id), ("listall", "true"))).Where(job => job.Text("cmd").EndsWith("." + kind, StringComparison.Ordinal))];
        }
    }
}
