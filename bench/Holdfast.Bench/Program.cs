using System.Globalization;
using Holdfast.Bench;
using Holdfast.Staging;

var stops = 100;
Death[] deaths = Enum.GetValues<Death>();
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--stops" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var given) && given > 0:
            stops = given;
            i++;
            break;
        case "--deaths" when i + 1 < args.Length && args[i + 1].Split(',').All(name => Enum.TryParse<Death>(name, ignoreCase: true, out _)):
            deaths = [.. args[i + 1].Split(',').Select(name => Enum.Parse<Death>(name, ignoreCase: true))];
            i++;
            break;
        default:
            Console.Error.WriteLine($"usage: holdfast-bench [--stops 100] [--deaths {string.Join(',', Enum.GetNames<Death>()).ToLowerInvariant()}]");
            return 2;
    }
}

await using var stage = await Stage.StartAsync(text => Console.Error.WriteLine(text));

Console.WriteLine("| driver | starts | start to ready, p50 ms | p99 ms | resident MiB |");
Console.WriteLine("|---|---|---|---|---|");
foreach (var driver in stage.Stack.Options.Programs.Drivers)
{
    await DriverStart.MeasureAsync(driver, driver.EndsWith("linstor", StringComparison.Ordinal)
        ? new Dictionary<string, string> { ["controllers"] = "http://127.0.0.1:9", ["resourceGroup"] = "bench" }
        : new Dictionary<string, string> { ["path"] = stage.Stack.Options.PoolFolder });
}

var latency = new StopLatency(stage, stops);
await latency.PrepareAsync();
Console.WriteLine();
Console.WriteLine("| process, with one directory pool and five LINSTOR pools attached | resident MiB |");
Console.WriteLine("|---|---|");
Memory.Row("server", stage.Stack.Server.Id);
Memory.Row("agent", stage.Stack.Agent.Id);
Memory.Row("driver linstor (one of five)", (await stage.Pools[0].DriverAsync()).ProcessId);

Console.WriteLine();
Console.WriteLine("| fault | stop | stops | p50 ms | p99 ms | p50 dead/healthy | p99 dead/healthy | p50 over virsh, ms |");
Console.WriteLine("|---|---|---|---|---|---|---|---|");
foreach (var death in deaths)
{
    await latency.MeasureAsync(death);
}

return 0;
