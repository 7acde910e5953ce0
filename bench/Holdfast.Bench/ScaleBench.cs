using System.Globalization;

namespace Holdfast.Bench;

/// <summary>
/// What lists and placement cost in a large installation, over what they cost in one of a hundredth: both are up in the same process and take turns, so that a slower minute
/// of the machine hits both.
/// </summary>
internal static class ScaleBench
{
    public const string Usage = "holdfast-bench scale [--hosts 5000] [--vms 25000] [--samples 20] [--postgres] [--maintenance]";
    public const string SeedUsage = "holdfast-bench seed --data DIR [--database FILE] [--hosts 5000] [--vms 25000]";

    private const int BadUsage = 2;
    private const int WarmUps = 2;
    private const string Vms = "virtualmachine";
    private static readonly Action<string> Say = static text => Console.Error.WriteLine(text);

    /// <summary>Fills the database of a new data folder, for whatever one wants to look at: holdfast-server starts on it. Its hosts are then soon taken for lost: nobody reports.</summary>
    public static async Task<int> SeedAsync(string[] args)
    {
        var (size, data, database) = (new ScaleSize(5000, 25_000), (string?)null, (string?)null);
        for (var i = 0; i < args.Length; i += 2)
        {
            switch (args[i])
            {
                case "--data" when i + 1 < args.Length:
                    data = args[i + 1];
                    break;
                case "--database" when i + 1 < args.Length:
                    database = args[i + 1];
                    break;
                case "--hosts" when Number(args, i) is { } hosts:
                    size = size with { Hosts = hosts };
                    break;
                case "--vms" when Number(args, i) is { } vms:
                    size = size with { Vms = vms };
                    break;
                default:
                    return Wrong(SeedUsage);
            }
        }

        if (data is null)
        {
            return Wrong(SeedUsage);
        }

        await using var node = await SeededNode.StartAsync(data, database, size, Say);
        return 0;
    }

    /// <summary>Measures.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var (size, samples, postgres, maintenance) = (new ScaleSize(5000, 25_000), 20, false, false);
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--hosts" when Number(args, i) is { } hosts:
                    size = size with { Hosts = hosts };
                    i++;
                    break;
                case "--vms" when Number(args, i) is { } vms:
                    size = size with { Vms = vms };
                    i++;
                    break;
                case "--samples" when Number(args, i) is { } given:
                    samples = given;
                    i++;
                    break;
                case "--postgres" when PostgresCluster.IsInstalled:
                    postgres = true;
                    break;
                case "--maintenance":
                    maintenance = true;
                    break;
                default:
                    return Wrong(Usage);
            }
        }

        Console.WriteLine(await Machine.DescribeAsync(["scale", .. args]));
        Console.WriteLine();
        var folder = Directory.CreateTempSubdirectory("holdfast-bench-").FullName;
        try
        {
            await using var cluster = postgres ? await PostgresCluster.StartAsync() : null;
            await using var small = await StartAsync("small", size.Small);
            await using var whole = await StartAsync("whole", size);
            if (maintenance)
            {
                await MaintenanceAsync(small, whole, size);
            }
            else
            {
                await MeasureAsync(small, whole, size, samples);
            }

            async Task<SeededNode> StartAsync(string name, ScaleSize of)
            {
                var data = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
                var node = await SeededNode.StartAsync(data, cluster is null ? null : await cluster.CreateDatabaseAsync(name, data), of, Say);
                await (cluster?.AnalyzeAsync(name) ?? Task.CompletedTask);
                return node;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return 0;
    }

    private static async Task MeasureAsync(SeededNode small, SeededNode whole, ScaleSize size, int samples)
    {
        ScaleCase[] cases = [.. Lists(size), .. Deploys()];
        for (var i = -WarmUps; i < samples; i++)
        {
            foreach (var one in cases)
            {
                await one.SampleAsync(small, whole, counts: i >= 0);
            }

            Say($"{i + WarmUps + 1} of {samples + WarmUps} rounds");
        }

        var first = string.Empty;
        var firstTook = 0.0;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| call | samples | {size.Small.Hosts} hosts, {size.Small.Vms} VMs, p50 ms | {size.Hosts} hosts, {size.Vms} VMs, p50 ms | p99 ms | whole/small | over the first page |"));
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var one in cases)
        {
            if (one.Name.EndsWith("first page of 500", StringComparison.Ordinal) || one.Name.EndsWith("first page of 20", StringComparison.Ordinal))
            {
                (first, firstTook) = (one.Name[(one.Name.IndexOf("page", StringComparison.Ordinal))..], one.Whole.P50);
            }

            var over = one.Name.EndsWith(first.Replace("page", "last page", StringComparison.Ordinal), StringComparison.Ordinal) && first.Length > 0
                ? (one.Whole.P50 / firstTook).ToString("0.00", CultureInfo.InvariantCulture)
                : string.Empty;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {one.Name} | {one.Whole.Count} | {one.Small.P50:0.0} | {one.Whole.P50:0.0} | {one.Whole.P99:0.0} | {one.Whole.P50 / one.Small.P50:0.00} | {over} |"));
        }
    }

    private static IEnumerable<ScaleCase> Lists(ScaleSize size)
    {
        foreach (var (command, list, rows) in new[] { ("listVirtualMachines", Vms, size.Vms), ("listVolumes", "volume", size.Vms), ("listHosts", "host", size.Hosts) })
        {
            foreach (var pageSize in new[] { 500, 20 })
            {
                yield return List($"{command}, first page of {pageSize}", command, list, (_, _) => Page(1, pageSize));
                yield return List($"{command}, last page of {pageSize}", command, list, (_, isWhole) => Page(Math.Max(1, (isWhole ? rows : rows / 100) / pageSize), pageSize));
            }
        }

        yield return Filtered("name", _ => "vm-000007");
        yield return Filtered("keyword", _ => "00077");
        yield return Filtered("state", _ => "Stopped");
        yield return Filtered("hostid", n => n.Seed.FirstHost.Id.ToString());
        yield return Filtered("clusterid", n => n.Seed.FirstCluster.Id.ToString());
        yield return Filtered("storageid", n => n.Seed.FirstClusterPool.Id.ToString());
        yield return Filtered("templateid", n => n.Seed.Template.Id.ToString());
        yield return Filtered("serviceofferingid", n => n.Seed.OnClusterPool.Id.ToString());
        yield return List("listVolumes, storageid", "listVolumes", "volume", (n, _) => [("storageid", n.Seed.FirstClusterPool.Id.ToString()), .. Page(1, 20)]);
        yield return List("listVolumes, hostid", "listVolumes", "volume", (n, _) => [("hostid", n.Seed.FirstHost.Id.ToString()), .. Page(1, 20)]);
        yield return List("listVolumes, type=DATADISK", "listVolumes", "volume", (_, _) => [("type", "DATADISK"), .. Page(1, 20)]);
        yield return List("listHosts, clusterid", "listHosts", "host", (n, _) => [("clusterid", n.Seed.FirstCluster.Id.ToString()), .. Page(1, 20)]);
        yield return List("listStoragePools, first page of 20", "listStoragePools", "storagepool", (_, _) => Page(1, 20));
        yield return List("listCapacity", "listCapacity", "capacity", (_, _) => []);

        static ScaleCase Filtered(string filter, Func<SeededNode, string> value) =>
            List($"listVirtualMachines, {filter}", "listVirtualMachines", Vms, (n, _) => [(filter, value(n)), .. Page(1, 20)]);

        static ScaleCase List(string name, string command, string list, Func<SeededNode, bool, IReadOnlyList<(string, string)>> parameters) =>
            new(name, list, (n, isWhole) => [.. parameters(n, isWhole), .. command is "listVirtualMachines" or "listVolumes" ? new[] { ("listall", "true") } : []], command);
    }

    private static IReadOnlyList<(string Name, string Value)> Page(int number, int rows) =>
        [("page", number.ToString(CultureInfo.InvariantCulture)), ("pagesize", rows.ToString(CultureInfo.InvariantCulture))];

    // Each leaves a VM behind: one that is to start, or one in error.
    private static IEnumerable<ScaleCase> Deploys()
    {
        yield return Deploy("not started: no placement", s => s.OnZonePool.Id.ToString(), _ => [("startvm", "false")]);
        yield return Deploy("any host, the zone's pool", s => s.OnZonePool.Id.ToString(), _ => []);
        yield return Deploy("any host, any cluster's pool", s => s.OnClusterPool.Id.ToString(), _ => []);
        yield return Deploy("one cluster", s => s.OnClusterPool.Id.ToString(), s => [("clusterid", s.FirstCluster.Id.ToString())]);
        yield return Deploy("one host", s => s.OnClusterPool.Id.ToString(), s => [("hostid", s.FirstHost.Id.ToString())]);
        yield return Deploy("hosts with a tag", s => s.OnTaggedHost.Id.ToString(), _ => []);
        yield return Deploy("too large for all: explained", s => s.TooLarge.Id.ToString(), _ => []);
        yield return Deploy("no pool for it: explained", s => s.OnNoPool.Id.ToString(), _ => []);

        static ScaleCase Deploy(string name, Func<Seed, string> offering, Func<Seed, IReadOnlyList<(string, string)>> more) => new(
            "deployVirtualMachine, " + name,
            null,
            (n, _) => [("zoneid", n.Seed.Zone.Id.ToString()), ("templateid", n.Seed.Template.Id.ToString()), ("serviceofferingid", offering(n.Seed)), .. more(n.Seed)],
            "deployVirtualMachine");
    }

    // Once: afterwards the pool's VMs are stopping. What the hosts do about it is not in it.
    private static async Task MaintenanceAsync(SeededNode small, SeededNode whole, ScaleSize size)
    {
        Console.WriteLine("| enableStorageMaintenance of the zone's pool | VMs with a volume on it | the call, ms | steps after it | p50 ms | first ms | last ms | longest ms | until all are told, ms | ms a VM |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        foreach (var (node, of) in new[] { (small, size.Small), (whole, size) })
        {
            var (took, _) = await node.CallAsync("enableStorageMaintenance", ("id", node.Seed.ZonePool.Id.ToString()));
            var steps = await node.StopStepsAsync(node.Seed.ZonePool.Id);
            var vms = of.Vms / ScaleSize.VmsPerDataVolume;
            var all = took.TotalMilliseconds + steps.Sum();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {of.Hosts} hosts, {of.Vms} VMs | {vms} | {took.TotalMilliseconds:0} | {steps.Count} | {steps.Order().ElementAt(steps.Count / 2):0} | {steps[0]:0} | {steps[^1]:0} | {steps.Max():0} | {all:0} | {all / vms:0.0} |"));
        }
    }

    private static int? Number(string[] args, int option) =>
        option + 1 < args.Length && int.TryParse(args[option + 1], CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;

    private static int Wrong(string usage)
    {
        Console.Error.WriteLine("usage: " + usage);
        return BadUsage;
    }
}
