using System.Diagnostics;
using System.Globalization;
using Holdfast.Staging;

namespace Holdfast.Bench;

/// <summary>
/// How long a start and a forced stop take from the API call to the API's "done", with five dead pools beside it and with the same five alive, against
/// what the same takes of a twin of the guest without Holdfast. Each way of dying has a healthy case of its own, and the two take short turns with each other: what a slower
/// minute of the machine does to one it does to the other.
/// </summary>
internal sealed class StopLatency
{
    private const int Pools = 5;
    private const int Turn = 10;

    private readonly Stage _stage;
    private readonly int _stops;
    private readonly Action<string> _say;
    private readonly List<SimulatedPool> _pools = [];

    /// <summary>Makes it.</summary>
    /// <param name="stage">The installation.</param>
    /// <param name="stops">How many samples of each case.</param>
    /// <param name="say">Told the progress.</param>
    public StopLatency(Stage stage, int stops, Action<string> say)
    {
        _stage = stage;
        _stops = stops;
        _say = say;
    }

    /// <summary>Attaches the pools that are going to die.</summary>
    public async Task PrepareAsync()
    {
        _stage.Api.PollEvery = TimeSpan.FromMilliseconds(5);
        for (var i = 0; i < Pools; i++)
        {
            _pools.Add(await _stage.AddLinstorAsync("dead"));
        }
    }

    /// <summary>Measures all cases against the one baseline and prints the rows.</summary>
    /// <param name="deaths">How the pools die.</param>
    public async Task MeasureAsync(IReadOnlyList<Death> deaths)
    {
        var guest = await _stage.DeployAsync("bench");
        using var twin = await TwinGuest.MakeAsync(_stage, guest);
        await guest.StopAsync(forced: true);

        // The last pair is healthy twice: what its ratios differ from one by is what this machine cannot tell apart.
        List<Pair> pairs = [.. deaths.Select(static death => new Pair(death)), new Pair(null)];
        var turns = (_stops + Turn - 1) / Turn;
        var steps = turns * (1 + pairs.Count);
        var done = 0;
        var began = Stopwatch.GetTimestamp();
        for (var turn = 0; twin.Destroys.Count < _stops; turn++)
        {
            var count = Math.Min(Turn, _stops - twin.Destroys.Count);
            await twin.TakeAsync(count);
            Tell("the twin");

            // Another order in each round: what a turn leaves behind is not always the same case's burden.
            var first = turn % pairs.Count;
            foreach (var pair in pairs[first..].Concat(pairs[..first]))
            {
                foreach (var one in turn % 2 == 0 ? new[] { pair.Healthy, pair.Other } : [pair.Other, pair.Healthy])
                {
                    await TakeAsync(guest, one, count);
                }

                Tell(pair.Other.Name);
            }
        }

        await guest.DestroyAsync();
        Console.WriteLine($"| the twin: virsh destroy | {twin.Destroys.Count} | {Number(twin.Destroys.P50)} | {Number(twin.Destroys.P99)} | | | | | | | |");
        Console.WriteLine($"| the twin: SIGKILL; libvirt's create | {twin.Kills.Count} | {Number(twin.Kills.P50)} | {Number(twin.Kills.P99)} | | | | {Number(twin.Creates.P50)} | {Number(twin.Creates.P99)} | | |");
        foreach (var pair in pairs)
        {
            Write(pair.Healthy, null);
            Write(pair.Other, pair.Healthy);
        }

        // p99 of a hundred is the second largest; of all of them together it is a figure.
        var dead = pairs.Where(static pair => pair.Other.Death is not null).ToList();
        var beside = Case.Together("healthy, all but the last pair", [.. dead.Select(static pair => pair.Healthy)]);
        var all = Case.Together("dead, all together", [.. dead.Select(static pair => pair.Other)]);
        Write(beside, null);
        Write(all, beside);

        Console.WriteLine();
        Console.WriteLine("| against what the machine itself takes | stop p50 over SIGKILL and the process's end | start p50 over libvirt's create |");
        Console.WriteLine("|---|---|---|");
        foreach (var row in new[] { beside, all })
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {row.Name} | {row.Stops.P50 / twin.Kills.P50:0.000} | {row.Starts.P50 / twin.Creates.P50:0.000} |"));
        }

        void Write(Case row, Case? reference)
        {
            Console.WriteLine(
                $"| {row.Name} | {row.Stops.Count} | {Number(row.Stops.P50)} | {Number(row.Stops.P99)} | {Ratio(row, reference, static samples => samples.Stops.P50)} "
                + $"| {Ratio(row, reference, static samples => samples.Stops.P99)} | {(row.Stops.P50 - twin.Destroys.P50).ToString("+0.0;-0.0", CultureInfo.InvariantCulture)} "
                + $"| {Number(row.Starts.P50)} | {Number(row.Starts.P99)} | {Ratio(row, reference, static samples => samples.Starts.P50)} | {Ratio(row, reference, static samples => samples.Starts.P99)} |");
        }

        void Tell(string what)
        {
            done++;
            var left = Stopwatch.GetElapsedTime(began) / done * (steps - done);
            _say(string.Create(CultureInfo.InvariantCulture, $"{done} of {steps}: {what}; about {Math.Ceiling(left.TotalMinutes):0} min left"));
        }
    }

    // The first round of a turn is not counted: pools that have just died or healed keep their drivers and circuits busy with noticing it.
    private async Task TakeAsync(Guest guest, Case turn, int count)
    {
        foreach (var pool in _pools)
        {
            await (turn.Death is { } death ? pool.DieAsync(death) : pool.HealAsync());
        }

        for (var i = 0; i < count + 1; i++)
        {
            var start = await guest.DoAsync("startVirtualMachine");
            var stop = await guest.DoAsync("stopVirtualMachine", ("forced", "true"));
            if (i > 0)
            {
                turn.Starts.Add(start);
                turn.Stops.Add(stop);
            }
        }

        foreach (var pool in _pools)
        {
            await pool.HealAsync();
        }
    }

    private static string Number(double milliseconds) => milliseconds.ToString("0.0", CultureInfo.InvariantCulture);

    private static string Ratio(Case row, Case? reference, Func<Case, double> figure) =>
        reference is null || reference == row ? "" : (figure(row) / figure(reference)).ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>A way of dying, or of living, and the healthy turns beside it.</summary>
    private sealed class Pair(Death? death)
    {
        public Case Healthy { get; } = new(null) { Name = $"healthy, beside {death?.ToString() ?? "healthy again"}" };

        public Case Other { get; } = new(death);
    }

    /// <summary>One case.</summary>
    private sealed class Case(Death? death)
    {
        public Death? Death { get; } = death;

        public Samples Starts { get; private init; } = new();

        public Samples Stops { get; private init; } = new();

        public string Name { get; init; } = death is { } how ? $"{how}, {Pools} of {Pools} pools" : "healthy again";

        public static Case Together(string name, IReadOnlyList<Case> cases) =>
            new(null) { Name = name, Starts = Samples.Of(cases.Select(one => one.Starts)), Stops = Samples.Of(cases.Select(one => one.Stops)) };
    }
}
