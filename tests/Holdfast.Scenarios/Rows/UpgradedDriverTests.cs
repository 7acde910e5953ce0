using System.Globalization;
using Holdfast.Cli.CloudStack;
using Holdfast.Staging;
using Holdfast.Testing;
using Xunit;

namespace Holdfast.Scenarios.Rows;

/// <summary>A driver's executable is replaced by one that does not start, by one that dies soon, and by a good one, while a guest runs on its pool.</summary>
[Collection(SharedStage.First)]
[Trait("Category", "Qemu")]
[Trait("Row", "47")]
public sealed class UpgradedDriverTests(SharedStage shared, ITestOutputHelper output)
{
    // A build has to serve for a minute before it is one to go back to.
    private static readonly TimeSpan Proof = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task Row47_DriverReplacedByOneThatDoesNotStartOrDiesSoon_TheOneBeforeServesAndAGoodOneTakesOver()
    {
        var stage = await shared.StageAsync();
        var pool = await stage.AddLinstorAsync("upgraded");
        var guest = await stage.DeployAsync("upgraded", pool.Offering);
        await guest.ReadyAsync();
        var qemu = await stage.Virsh.ProcessIdAsync(guest.Id);
        var before = (await pool.DriverAsync()).ProcessId;
        var link = Path.Combine(stage.Stack.Options.Data, "drivers", "holdfast-driver-linstor");
        var executable = new FileInfo(link).LinkTarget ?? throw new InvalidOperationException($"{link} is not a link");
        var agentData = stage.Stack.Options.AgentFolder;
        var builds = Directory.CreateTempSubdirectory("holdfast-builds-").FullName;
        try
        {
            await Wait.UntilAsync(
                "the driver's build to have proven itself",
                Proof,
                () => Task.FromResult(File.Exists(Path.Combine(agentData, "bindings", pool.Id.Replace("-", "", StringComparison.Ordinal), "build"))));

            Install(Script("broken", "exit 1"));
            output.WriteLine(await SaidAsync(pool, "does not start"));
            Promise.Holds((await pool.DriverAsync()).ProcessId == before, "the driver process of before serves on");
            await guest.StopAsync();
            await guest.StartAsync();

            // One that starts, serves, and is dead before it has served for a minute.
            Install(Copy("mortal"));
            var mortal = await ReplacedAsync(before);
            await Tool.RunAsync("kill", "-KILL", mortal.ToString(CultureInfo.InvariantCulture));
            output.WriteLine(await SaidAsync(pool, "ended soon"));
            await stage.DriversServeAsync();
            var back = (await pool.DriverAsync()).ProcessId;
            await guest.StopAsync();
            await guest.StartAsync();
            qemu = await stage.Virsh.ProcessIdAsync(guest.Id);

            Install(Copy("good"));
            await ReplacedAsync(back);
            Promise.Holds(!await SaysAsync(pool, "driver-not-upgraded"), "the binding has no more to say");
            Promise.Holds(await stage.Virsh.ProcessIdAsync(guest.Id) == qemu, "the guest runs in the QEMU it ran in before");
            await guest.WritesAsync();
        }
        finally
        {
            Install(executable);
            Directory.Delete(builds, recursive: true);
        }

        await guest.DestroyAsync();
        await DeadStorage.SettledAsync(stage, pool);
        await pool.RemoveAsync();

        // As a package does: never a moment without the file.
        void Install(string target)
        {
            File.CreateSymbolicLink(link + ".new", target);
            File.Move(link + ".new", link, overwrite: true);
        }

        string Script(string name, string text)
        {
            var file = Path.Combine(Directory.CreateDirectory(Path.Combine(builds, name)).FullName, "holdfast-driver-linstor");
            File.WriteAllText(file, $"#!/bin/sh\n{text}\n");
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return file;
        }

        // Another time makes it another build.
        string Copy(string name)
        {
            var folder = Directory.CreateDirectory(Path.Combine(builds, name)).FullName;
            foreach (var file in Directory.GetFiles(Path.GetDirectoryName(executable)!))
            {
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            }

            File.SetLastWriteTimeUtc(Path.Combine(folder, Path.GetFileName(executable)), DateTime.UnixEpoch.AddDays(name.Length));
            return Path.Combine(folder, Path.GetFileName(executable));
        }

        async Task<int> ReplacedAsync(int former)
        {
            var process = former;
            await Wait.UntilAsync(
                $"another driver process than {former} to serve {pool.Name}",
                Patience,
                async () => await pool.BindingAsync() is { } binding && binding.Text("observed") == "Attached"
                    && int.TryParse(binding.Text("driverpid"), CultureInfo.InvariantCulture, out process) && process != former);
            return process;
        }
    }

    private static async Task<string> SaidAsync(SimulatedPool pool, string words)
    {
        var said = "";
        await Wait.UntilAsync(
            $"the API to say of the driver of {pool.Name} that it {words}",
            Patience,
            async () => (said = (await pool.BindingAsync())?.GetRawText() ?? "").Contains(words, StringComparison.Ordinal));
        return said;
    }

    private static async Task<bool> SaysAsync(SimulatedPool pool, string words) => (await pool.BindingAsync())?.GetRawText().Contains(words, StringComparison.Ordinal) ?? false;
}
