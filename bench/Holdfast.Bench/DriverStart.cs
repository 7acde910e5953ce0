using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;

namespace Holdfast.Bench;

/// <summary>How long a driver takes from the start of its process to its word that it listens, and what it weighs then.</summary>
internal static class DriverStart
{
    private const int Starts = 20;

    public static async Task MeasureAsync(string program, Dictionary<string, string> config)
    {
        var samples = new Samples();
        var resident = 0L;
        var folder = Directory.CreateTempSubdirectory("holdfast-bench-").FullName;
        for (var i = 0; i < Starts; i++)
        {
            var startup = new DriverStartup
            {
                Protocol = DriverPaths.ProtocolVersion,
                PoolId = new PoolId(Guid.CreateVersion7()),
                PoolName = "bench",
                Generation = new Generation(1),
                Socket = Path.Combine(folder, "driver.sock"),
                StateFolder = Directory.CreateDirectory(Path.Combine(folder, "state")).FullName,
                NodeName = Environment.MachineName,
                Config = config,
            };
            var began = Stopwatch.GetTimestamp();
            using var process = Process.Start(new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(startup, DriverJson.Default.DriverStartup));
            await process.StandardInput.FlushAsync();
            var answer = await process.StandardOutput.ReadLineAsync();
            var ready = JsonSerializer.Deserialize(answer ?? "{}", DriverJson.Default.DriverReady);
            if (ready is not { Ready: true })
            {
                throw new InvalidOperationException($"{program} did not get ready: {answer}");
            }

            samples.Add(Stopwatch.GetElapsedTime(began));
            resident = Memory.ResidentKiB(process.Id);
            process.StandardInput.Close();
            await process.WaitForExitAsync();
        }

        Directory.Delete(folder, recursive: true);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {Path.GetFileName(program)} | {Starts} | {samples.P50:0} | {samples.P99:0} | {resident / 1024.0:0} |"));
    }
}
