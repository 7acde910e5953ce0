using System.Globalization;
using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>A real guest that is given processors and memory while it runs, and an agent that dies in the middle of it.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
public sealed class ScaledGuestTests(SharedStage shared, ITestOutputHelper output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task A_running_guest_takes_what_it_is_given_into_use_once_and_boots_with_it_afterwards()
    {
        var stage = await shared.StageAsync();
        await stage.Api.AskAsync("updateConfiguration", CancellationToken.None, ("name", "enable.dynamic.scale.vm"), ("value", "true"));
        var larger = await OfferingAsync(stage, 2, 384);
        await OfferingAsync(stage, 1, 256);
        var guest = await stage.DeployAsync("scaled", "scaled 1 256");
        await guest.ReadyAsync();
        var (process, boots, before) = (await stage.Virsh.ProcessIdAsync(guest.Id), guest.Console.Boots, await SizeAsync(guest, 1, 0));

        // The agent dies when memory is plugged in and nothing says so; the next one goes on with the processors.
        await stage.KillAgentAsync();
        await stage.StartAgentAsync("agent.plug.done=1*panic");
        await stage.DriversServeAsync();
        var asked = guest.TryAsync("scaleVirtualMachine", ("serviceofferingid", larger));
        await stage.AgentDiedAsync();
        var (cpus, memory) = await HeldAsync(stage, guest);
        Promise.Holds((cpus, memory) == (1, 384), $"the agent died between memory and processors, and not with {cpus} CPUs and {memory} MiB");
        await stage.StartAgentAsync();
        var (reply, took) = await asked;
        Promise.Holds(reply is ApiReply.Answered, $"what was begun before the agent died is done by the next: {reply}");
        output.WriteLine($"scaled in {took}, across the end of an agent");

        Promise.Holds(await HeldAsync(stage, guest) == (2, 384), "libvirt has it with 2 CPUs and 384 MiB, each given once");
        var after = await SizeAsync(guest, 2, before + (100 * 1024));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the guest itself had 1 CPU and {before} KiB, and has 2 and {after} KiB"));
        Promise.Holds(await stage.Virsh.ProcessIdAsync(guest.Id) == process && guest.Console.Boots == boots, "in the QEMU it ran in before, without a boot");
        var shown = (await guest.ShowAsync())!.Value;
        Promise.Holds((shown.Text("cpunumber"), shown.Text("memory"), shown.Text("serviceofferingid"), shown.Text("condition")) == ("2", "384", larger, ""), "the API shows its new size");

        // Less, or more than there is room for, is refused, and changes nothing.
        foreach (var (count, says) in new[] { (1, "only scaling up"), (Environment.ProcessorCount + 1, "at most") })
        {
            var (refused, _) = await guest.TryAsync("scaleVirtualMachine", ("serviceofferingid", await OfferingAsync(stage, count, 512)));
            Promise.Holds(refused is ApiReply.Refused { Text: var text } && text.Contains(says, StringComparison.Ordinal), $"refused, as {says}: {refused}");
        }

        await guest.StopAsync();
        await guest.StartAsync();
        Promise.Holds(await HeldAsync(stage, guest) == (2, 384), "it is started with 2 CPUs and 384 MiB");
        Promise.Holds(!(await stage.Virsh.DescribeAsync(guest.Id)).Descendants("memory").Any(memory => memory.Attribute("model") is not null), "all of its memory is there from the start");
        await SizeAsync(guest, 2, before + (100 * 1024));
        await guest.DestroyAsync();
        await stage.Api.AskAsync("resetConfiguration", CancellationToken.None, ("name", "enable.dynamic.scale.vm"));
    }

    // As libvirt has it.
    private static async Task<(int Cpus, long MemoryMib)> HeldAsync(Stage stage, Guest guest)
    {
        var domain = await stage.Virsh.DescribeAsync(guest.Id);
        var cpus = domain.Element("vcpu")!;
        return ((int?)cpus.Attribute("current") ?? (int)cpus, (long)domain.Element("memory")! / 1024);
    }

    // As the guest itself has it: KiB of memory.
    private static async Task<long> SizeAsync(Guest guest, int cpus, long memoryKib)
    {
        await Wait.UntilAsync(
            $"the guest {guest.Name} to say that it has {cpus} CPUs and {memoryKib} KiB; it says {guest.Console.Size()}",
            Soon,
            () => Task.FromResult(guest.Console.Size() is { } size && size.Cpus == cpus && size.MemoryKib > memoryKib));
        return guest.Console.Size()!.Value.MemoryKib;
    }

    private static async Task<string> OfferingAsync(Stage stage, int cpus, int memory)
    {
        var name = $"scaled {cpus} {memory}";
        await stage.Api.AskAsync(
            "createServiceOffering",
            CancellationToken.None,
            ("name", name),
            ("cpunumber", cpus.ToString(CultureInfo.InvariantCulture)),
            ("cpuspeed", "1000"),
            ("memory", memory.ToString(CultureInfo.InvariantCulture)),
            ("tags", "local"));
        return (await stage.Api.ListAsync("listServiceOfferings", "serviceoffering", CancellationToken.None, ("name", name))).Single().Text("id");
    }
}
