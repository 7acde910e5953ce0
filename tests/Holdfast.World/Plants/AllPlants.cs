using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Link;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Worlds.Matrix;
using Holdfast.Worlds.Runs;
using Holdfast.Worlds.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ReconcileTimings = Holdfast.Server.Transactions.ReconcileTimings;

namespace Holdfast.Worlds.Plants;

/// <summary>The planted bugs.</summary>
internal static class AllPlants
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    public static IReadOnlyList<Plant> All { get; } =
    [
        new Plant("the attachment is recorded after the effect", ["I4", "I9"], RecordAfterEffect, Row(2)),
        new Plant("what is owed is not written down", ["I4", "I16"], () => Store(static changes => [.. changes.Where(static change => change is not LedgerChange.PutObligation)]), Row(6)),
        new Plant("an owed removal takes any later volume of the name for its own", ["I7"], RemoveAnyGeneration, Row(63)),
        new Plant("every driver is asked about every volume", ["I1"], Broadcast, Row(2)),
        new Plant("what is missing from the list is removed", ["I7", "I16"], RemoveTheMissing, RestartAgent),
        new Plant("an older generation is accepted", ["I7", "I8", "I16", "I2"], AcceptOlder, Row(22)),
        new Plant("a stop waits for the storage's answer", ["I2"], WaitForStorage, Row(7)),
        new Plant("a stop is reported before the guest is gone", ["I14"], TellTooEarly, StopSleeper),
        new Plant("a pool is reported absent before its driver has ended", ["I6"], TellAbsentTooEarly, Row(48)),
        new Plant("the pool's folder stays after the removal", ["I6"], () => Launcher(static (_, inner) => new FaultyLauncher(inner) { LeavesFolders = true }), Row(44)),
        new Plant("a driver's secrets are logged", ["I17"], LogSecrets, Row(1)),
        new Plant("calls to a driver are not bounded", ["I11"], Unbounded, Row(6)),
        new Plant("I/O of a guest that runs is cut off because it waits", ["I19"], CutWhatWaits, SuspendRunning(Suspension.NoQuorum)),
        new Plant("that I/O is cut off is not written down", ["I19"], ForgetCuts, Row(64)),
        new Plant("what a snapshot held back is not resumed", ["I16"], static () => Launcher(static (_, inner) => new FaultyLauncher(inner) { ForgetsToResume = true }), SuspendRunning(Suspension.ForSnapshot)),
        new Plant("a volume that its backend lost is made anew when a guest wants it", ["I21"], MakeAnew, Row(69)),
        new Plant("that a guest stands still is not told", ["I14", "I16"], HidePauses, PauseRunning(PauseReason.ByHand)),
        new Plant("a guest that was suspended by hand is taken for one whose disk is full", ["I22"], TakeForFull, PauseRunning(PauseReason.ByHand)),
        new Plant("a guest whose disk was full is not let go on", ["I16"], LeaveFull, PauseRunning(PauseReason.NoSpace)),
        new Plant("nobody looks for what time alone brings about", ["I12", "I16"], NoSweeps, Row(20)),
    ];

    private static Action<int, Twins> Row(int number) => (seed, twins) =>
    {
        var row = FaultMatrix.Rows.Single(one => one.Number == number);
        (row with { Options = chosen => row.Options(chosen) with { Twins = twins } }).Run(seed);
    };

    private static void RestartAgent(int seed, Twins twins)
    {
        using var world = new World(new WorldOptions { Seed = seed, Twins = twins }).Build();
        var vm = world.Run();
        world.HostOf(vm)!.KillAgent();
        world.For(TimeSpan.FromMinutes(2));
    }

    private static Action<int, Twins> SuspendRunning(Suspension why) => (seed, twins) =>
    {
        using var world = new World(new WorldOptions { Seed = seed, Twins = twins }).Build();
        var vm = world.Run();
        var host = world.HostOf(vm)!;
        world.Backends[0].Suspend(host.Name, host.Hypervisor.Guests[vm.Value].Disks[0].Volume, why);
        world.For(TimeSpan.FromMinutes(1));
        world.HealAndSettle();
    };

    private static Action<int, Twins> PauseRunning(PauseReason why) => (seed, twins) =>
    {
        using var world = new World(new WorldOptions { Seed = seed, Twins = twins }).Build();
        var vm = world.Run();
        world.HostOf(vm)!.Hypervisor.Pause(vm, new GuestPause(why, "it was chosen to"));
        world.For(TimeSpan.FromMinutes(3));
        world.HealAndSettle();
    };

    private static Twins HidePauses() => Link(static _ => AsItIs, static report => report with
    {
        Items = [.. report.Items.Select(static item => item with { Conditions = [.. item.Conditions.Where(static one => one.Type != ConditionType.Paused)] })],
    });

    private static Twins TakeForFull() => See(static domain => domain.Pause is null ? domain : domain with { Pause = new GuestPause(PauseReason.NoSpace, "a disk has no room") });

    private static Twins LeaveFull() => See(static domain => domain.Pause is null ? domain : domain with { Pause = new GuestPause(PauseReason.Other, "for an unknown reason") });

    private static Twins See(Func<OwnDomain, OwnDomain> seen) => new() { Agent = (_, parts) => parts with { Hypervisor = new FaultyHypervisor(parts.Hypervisor, seen: seen) } };

    private static void StopSleeper(int seed, Twins twins)
    {
        using var world = new World(new WorldOptions { Seed = seed, Twins = twins }).Build();
        var vm = world.Run();
        new Faults(world).SleepingGuest(world.HostOf(vm)!, vm, TimeSpan.FromHours(1));
        world.Finish(world.Api.StopVm(vm, forced: true));
        world.For(TimeSpan.FromMinutes(1));
    }

    private static Twins Store(Func<IReadOnlyList<LedgerChange>, IReadOnlyList<LedgerChange>> rewrite) => new() { Agent = (_, parts) => parts with { Store = new FaultyStore(parts.Store, rewrite) } };

    private static Twins Launcher(Func<World, Agent.Bindings.IDriverLauncher, FaultyLauncher> make) => new() { Agent = (world, parts) => parts with { Launcher = make(world, parts.Launcher) } };

    private static Twins Link(Func<World, Func<WatchEvent, IEnumerable<WatchEvent>>> heard, Func<HostReport, HostReport> told) =>
        new() { Agent = (world, parts) => parts with { Server = new FaultyLink(parts.Server, heard(world), told) } };

    private static IEnumerable<WatchEvent> AsItIs(WatchEvent happening) => [happening];

    private static Twins RemoveAnyGeneration() => Store(static changes =>
    [
        .. changes.Select(static change => change is LedgerChange.PutObligation { Row: { Kind: ObligationKind.DeleteVolume } row } put
            ? put with { Row = row with { Generation = new Generation(long.MaxValue) } }
            : change),
    ]);

    private static Twins RecordAfterEffect()
    {
        var late = new List<LedgerChange>();
        return Store(changes =>
        {
            var now = late.Concat(changes.Where(static change => change is not LedgerChange.PutAttachment)).ToList();
            late = [.. changes.OfType<LedgerChange.PutAttachment>()];
            return now;
        });
    }

    private static Twins Broadcast() => Launcher(static (world, inner) => new FaultyLauncher(inner)
    {
        BesideRelease = static (all, own, volume) =>
        {
            foreach (var other in all.Where(client => client != own))
            {
                Forget(other.GetVolumeAsync(volume, Soon, CancellationToken.None));
            }
        },
    });

    // Asked beside the real call; nobody waits for the answer.
    private static void Forget(Task asked) => _ = asked;

    private static Twins RemoveTheMissing() => new()
    {
        Agent = static (_, parts) =>
        {
            var seen = new HashSet<Guid>();
            var known = parts.Store.Load().OfType<LedgerChange.PutItem>().ToDictionary(static put => put.Row.Item.Id, static put => put.Row.Item);
            return parts with { Server = new FaultyLink(parts.Server, happening => Hear(happening, seen, known), static report => report) };
        },
    };

    private static IEnumerable<WatchEvent> Hear(WatchEvent happening, HashSet<Guid> seen, Dictionary<Guid, HostItem> known)
    {
        if (happening is WatchEvent.Item { Value: var item })
        {
            seen.Add(item.Id);
            known[item.Id] = item;
        }
        else if (happening is WatchEvent.Synced)
        {
            foreach (var missing in known.Values.Where(one => !seen.Contains(one.Id) && one.Desired != Desired.Absent).ToList())
            {
                yield return new WatchEvent.Item(missing with { Generation = missing.Generation.Next, Desired = Desired.Absent, Machine = null, Binding = null, Task = null });
            }

            seen.Clear();
        }

        yield return happening;
    }

    private static Twins AcceptOlder() => Link(
        static _ =>
        {
            var newest = new Dictionary<Guid, Generation>();
            return happening =>
            {
                if (happening is not WatchEvent.Item { Value: { Kind: ItemKind.Machine } item })
                {
                    return [happening];
                }

                var known = newest.GetValueOrDefault(item.Id);
                var taken = item.Generation < known ? item with { Generation = known.Next } : item;
                newest[item.Id] = taken.Generation;
                return [new WatchEvent.Item(taken)];
            };
        },
        static report => report);

    private static Twins WaitForStorage() => new()
    {
        Agent = static (world, parts) => parts with
        {
            Hypervisor = new FaultyHypervisor(
                parts.Hypervisor,
                async ct =>
                {
                    while (world.Backends.Any(backend => backend.Mood != Storage.BackendMood.Well))
                    {
                        await Task.Delay(Soon, world.Simulator.Time, ct);
                    }
                }),
        },
    };

    private static Twins TellTooEarly() => Link(static _ => AsItIs, static report => report with
    {
        Items = [.. report.Items.Select(static item => item.Machine is { State: MachineState.Stopping } machine ? item with { Conditions = [], Machine = machine with { State = MachineState.Stopped } } : item)],
    });

    private static Twins TellAbsentTooEarly() => Link(static _ => AsItIs, static report => report with
    {
        Items = [.. report.Items.Select(static item => item.Binding is { State: BindingState.Draining } binding ? item with { Binding = binding with { State = BindingState.Absent } } : item)],
    });

    private static Twins LogSecrets() => new()
    {
        Agent = static (_, parts) => parts with
        {
            Launcher = new FaultyLauncher(parts.Launcher)
            {
                BeforeLaunch = spec => Tell(parts.Logs.CreateLogger("driver"), string.Join(' ', spec.Secrets.Values.Select(static secret => secret.Reveal()))),
            },
        },
    };

#pragma warning disable CA2254, CA1727 // The bug is that it is logged at all.
    private static void Tell(ILogger log, string text) => log.LogInformation("started with {Text}", text);
#pragma warning restore CA2254, CA1727

    private static Twins Unbounded() => Launcher(static (_, inner) => new FaultyLauncher(inner)
    {
        BesideRelease = static (_, own, volume) =>
        {
            for (var i = 0; i < 8; i++)
            {
                Forget(own.GetVolumeAsync(volume, Soon, CancellationToken.None));
            }
        },
    });

    private static Twins CutWhatWaits() => Launcher(static (_, inner) => new FaultyLauncher(inner)
    {
        BesideStatus = static (own, status) =>
        {
            foreach (var waiting in status.Waiting)
            {
                Forget(own.CutAsync(waiting.VolumeId, new CutRequest(new Generation(long.MaxValue)), Soon, CancellationToken.None));
            }
        },
    });

    private static Twins ForgetCuts() => Store(static changes => [.. changes.Select(static change => change switch
    {
        LedgerChange.PutAttachment { Row: { Cut: not null } row } => new LedgerChange.PutAttachment(row with { Cut = null }),
        LedgerChange.PutObligation { Row: { IsCut: true } row } => new LedgerChange.PutObligation(row with { IsCut = false }),
        _ => change,
    })]);


    private static Twins MakeAnew() => Launcher(static (_, inner) => new FaultyLauncher(inner)
    {
        BeforeAttach = static (client, volume, request) => client.EnsureVolumeAsync(
            volume, new EnsureVolumeRequest { Generation = request.Generation, SizeBytes = 1 << 30, Source = new VolumeSource.Empty() }, Soon, CancellationToken.None),
    });

    private static Twins NoSweeps() => new() { Server = static services => services.AddSingleton(new ReconcileTimings { SweepInterval = TimeSpan.FromDays(10) }) };
}
