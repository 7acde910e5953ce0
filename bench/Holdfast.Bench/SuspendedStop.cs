using System.Globalization;
using Holdfast.Staging;

namespace Holdfast.Bench;

/// <summary>
/// How long a forced stop takes whose QEMU waits in the kernel for storage that does not go on, with a driver that can cut: a directory pool on a frozen file system, with the driver
/// for tests whose cut thaws it. From the API call to the API's "done"; of that QEMU has three seconds to obey, and five to end after SIGKILL.
/// </summary>
internal static class SuspendedStop
{
    private static readonly TimeSpan UntilKilled = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Goal = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    /// <summary>Measures and prints the table.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="stops">How many stops.</param>
    /// <param name="say">Told the progress.</param>
    public static async Task MeasureAsync(Stage stage, int stops, Action<string> say)
    {
        await using var pool = await HangingFolder.CreateAsync(stage, "suspended");
        var samples = new Samples();
        using (await ThawingDriver.InstallAsync(stage, pool))
        {
            var guest = await stage.DeployAsync("suspended", pool.Name);
            for (var i = 0; i < stops; i++)
            {
                await (i == 0 ? guest.ReadyAsync() : guest.StartAsync());
                var qemu = await stage.Virsh.ProcessIdAsync(guest.Id) ?? throw new InvalidOperationException($"{guest.Name} does not run");
                await pool.HangAsync();
                await Wait.UntilAsync($"the QEMU of {guest.Name} to sleep in the kernel", Soon, () => Task.FromResult(HangingFolder.IsAsleep(qemu)));
                samples.Add(await guest.DoAsync("stopVirtualMachine", ("forced", "true")));
                pool.Thawed();
                say($"{i + 1} of {stops}: stopped beside suspended I/O");
            }

            await guest.DestroyAsync();
        }

        var afterKill = samples.P99 - UntilKilled.TotalMilliseconds;
        Console.WriteLine("| case | stops | stop p50 ms | stop p99 ms | p99 after SIGKILL, ms | of the 10 s that it may take |");
        Console.WriteLine("|---|---|---|---|---|---|");
        Console.WriteLine($"| I/O suspended, a driver that can cut | {samples.Count} | {Number(samples.P50)} | {Number(samples.P99)} | {Number(afterKill)} | {(afterKill / Goal.TotalMilliseconds).ToString("0.000", CultureInfo.InvariantCulture)} |");
    }

    private static string Number(double milliseconds) => milliseconds.ToString("0.0", CultureInfo.InvariantCulture);
}
