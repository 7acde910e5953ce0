using System.Globalization;
using Holdfast.Bench;
using Holdfast.Staging;

switch (args)
{
    case ["scale", .. var rest]:
        return await ScaleBench.RunAsync(rest);
    case ["seed", .. var rest]:
        return await ScaleBench.SeedAsync(rest);
}

const int Usage = 2;

// Each takes a boot and eight seconds.
const int MostSuspended = 10;
var stops = 100;
var onlySuspended = false;
IReadOnlyList<Death> deaths = Enum.GetValues<Death>();
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--quick":
            stops = 10;
            deaths = [Death.Refused];
            break;
        case "--stops" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var given) && given > 0:
            stops = given;
            i++;
            break;
        case "--suspended":
            onlySuspended = true;
            break;
        case "--deaths" when i + 1 < args.Length && args[i + 1].Split(',').All(name => Enum.TryParse<Death>(name, ignoreCase: true, out _)):
            deaths = [.. args[i + 1].Split(',').Select(name => Enum.Parse<Death>(name, ignoreCase: true))];
            i++;
            break;
        default:
            Console.Error.WriteLine($"usage: holdfast-bench [--quick] [--suspended] [--stops 100] [--deaths {string.Join(',', Enum.GetNames<Death>()).ToLowerInvariant()}]\n       {ScaleBench.Usage}\n       {ScaleBench.SeedUsage}");
            return Usage;
    }
}

Action<string> say = static text => Console.Error.WriteLine(text);
await using var stage = await Stage.StartAsync(say);
Console.WriteLine(await Machine.DescribeAsync(stage, args));
Console.WriteLine();
if (onlySuspended)
{
    await SuspendedStop.MeasureAsync(stage, Math.Min(stops, MostSuspended), say);
    return 0;
}

Console.WriteLine("| driver | starts | start to ready, p50 ms | p99 ms | resident MiB |");
Console.WriteLine("|---|---|---|---|---|");
foreach (var driver in stage.Stack.Options.Programs.Drivers)
{
    await DriverStart.MeasureAsync(driver, driver.EndsWith("linstor", StringComparison.Ordinal)
        ? new Dictionary<string, string> { ["controllers"] = "http://127.0.0.1:9", ["resourceGroup"] = "bench" }
        : new Dictionary<string, string> { ["path"] = stage.Stack.Options.PoolFolder });
}

var latency = new StopLatency(stage, stops, say);
await latency.PrepareAsync();
Console.WriteLine();
Console.WriteLine("| process, with one directory pool and five LINSTOR pools attached | resident MiB |");
Console.WriteLine("|---|---|");
Memory.Row("server", stage.Stack.Server.Id);
Memory.Row("agent", stage.Stack.Agent.Id);
Memory.Row("driver linstor (one of five)", (await stage.Pools[0].DriverAsync()).ProcessId);

Console.WriteLine();
Console.WriteLine("| case | stops | stop p50 ms | stop p99 ms | p50 dead/healthy | p99 dead/healthy | p50 over virsh, ms | start p50 ms | start p99 ms | p50 dead/healthy | p99 dead/healthy |");
Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
await latency.MeasureAsync(deaths);
Console.WriteLine();
await SuspendedStop.MeasureAsync(stage, Math.Min(stops, MostSuspended), say);
return 0;
