using Holdfast.Staging;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>The agent's ledger is damaged while the agent is dead.</summary>
[Collection(SharedStage.Second)]
[Trait("Category", "Qemu")]
[Trait("Row", "29")]
public sealed class DamagedLedgerTests(SharedStage shared, ITestOutputHelper output)
{
    private const int Sector = 512;

    // Cut in half it may open as a ledger of before, which is valid and does not show: what it does not know any more, the server says.
    [Fact]
    public async Task Row29_LedgerCutInHalf_AgentStartsAndTheGuestGoesOnAndStops()
    {
        var stage = await shared.StageAsync();
        await PlayAsync(stage, static bytes => bytes[..(bytes.Length / 2)]);
        output.WriteLine($"set aside so far: {string.Join(", ", Aside(stage))}");
    }

    [Fact]
    public async Task Row29_BitsOfTheLedgerFlipped_AgentKeepsItAsideAndTheGuestGoesOnAndStops()
    {
        var stage = await shared.StageAsync();
        var before = Aside(stage);
        await PlayAsync(stage, static bytes =>
        {
            for (var at = 20; at < bytes.Length; at += Sector)
            {
                bytes[at] ^= 1;
            }

            return bytes;
        });
        Promise.Holds(Aside(stage).Except(before).Count() == 1, $"the damaged ledger is kept aside for people to look at; there are: {string.Join(", ", Aside(stage))}");
    }

    private static async Task PlayAsync(Stage stage, Func<byte[], byte[]> damage)
    {
        var vm = await stage.DeployAsync("remembered");
        await vm.ReadyAsync();
        var process = await stage.Virsh.ProcessIdAsync(vm.Id);
        var boots = vm.Console.Boots;
        await stage.KillAgentAsync();
        foreach (var file in Directory.EnumerateFiles(stage.Stack.Options.AgentFolder, "ledger.db*").Where(file => !file.Contains(".damaged-", StringComparison.Ordinal)).ToArray())
        {
            await File.WriteAllBytesAsync(file, damage(await File.ReadAllBytesAsync(file)));
        }

        await stage.StartAgentAsync();
        await stage.DriversServeAsync();
        Promise.Holds(await stage.Virsh.ProcessIdAsync(vm.Id) == process, $"{vm.Name} runs in the QEMU it ran in before");
        Promise.Holds(vm.Console.Boots == boots, $"{vm.Name} has not been rebooted");
        await vm.WritesAsync();
        await vm.StopAsync();
        Promise.Holds(await vm.StateAsync() == "Stopped", $"the API shows Stopped, not {await vm.StateAsync()}");
        await vm.StartAsync();
        await vm.DestroyAsync();
    }

    private static string[] Aside(Stage stage) =>
        [.. Directory.EnumerateFiles(stage.Stack.Options.AgentFolder, "ledger.db.damaged-*").Select(static file => Path.GetFileName(file)).Where(static file => !file.EndsWith("-wal", StringComparison.Ordinal) && !file.EndsWith("-shm", StringComparison.Ordinal))];
}
