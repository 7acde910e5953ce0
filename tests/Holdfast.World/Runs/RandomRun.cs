using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Offerings;
using Holdfast.Server.Settings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Volumes;
using Holdfast.Worlds.Simulation;
using LinqToDB.Async;

namespace Holdfast.Worlds.Runs;

/// <summary>
/// Any workload under any faults. The seed chooses how large the world is, which few kinds of faults it knows (a run with all of them at once gets nowhere), what
/// users do and when; then everything is healed and must come to rest.
/// </summary>
internal static class RandomRun
{
    /// <summary>Plays one seed to its end.</summary>
    /// <exception cref="WorldException">An invariant is broken.</exception>
    /// <param name="seed">The seed.</param>
    /// <param name="twins">Components swapped for others.</param>
    /// <param name="keepsLog">Whether log lines become part of the history.</param>
    /// <param name="also">A kind of fault that the run has beside those that the seed chooses.</param>
    public static World Play(int seed, Twins? twins = null, bool keepsLog = true, FaultKind? also = null)
    {
        var sizes = new Random(seed);
        var world = new World(new WorldOptions { Seed = seed, Hosts = sizes.Next(1, 4), Pools = sizes.Next(1, 4), Twins = twins ?? new Twins(), KeepsLog = keepsLog, CanCut = seed % 4 != 0 });
        try
        {
            new Script(world, also).Play();
            return world;
        }
        catch
        {
            world.Dispose();
            throw;
        }
    }

    private sealed class Script(World world, FaultKind? also)
    {
        private readonly List<FaultKind> _kinds = [];
        private readonly Faults _faults = new(world);
        private IReadOnlyList<ServiceOfferingId> _sizes = [];
        private bool _isOver;

        private Simulator Simulator => world.Simulator;

        public void Play()
        {
            world.Build();
            if (world.Options.Seed % 3 == 1)
            {
                // In every third run, by throws that the others do not make.
                _sizes = Sizes();
            }

            // Guests that stand still in every fifth run, not by the same throw as the others: what else a seed plays stays what it was.
            FaultKind[] all = [.. Enum.GetValues<FaultKind>().Where(kind => kind != FaultKind.PauseGuest)];
            for (var i = Simulator.Random.Next(1, 5); i > 0; i--)
            {
                _kinds.Add(Simulator.Pick(all));
            }

            if (also is { } kind)
            {
                _kinds.Add(kind);
            }

            if (world.Options.Seed % 5 == 1)
            {
                _kinds.Add(FaultKind.PauseGuest);
            }

            for (var i = Simulator.Random.Next(1, 4); i > 0; i--)
            {
                Act();
            }

            Hurt();
            world.For(Simulator.Between(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(8)));
            _isOver = true;
            world.HealAndSettle();
        }

        private void Hurt() => Simulator.After(Simulator.Milliseconds(500, 40_000), () =>
        {
            if (!_isOver)
            {
                _faults.Begin(Simulator.Pick(_kinds));
                Hurt();
            }
        });

        private void Act() => Simulator.After(Simulator.Milliseconds(50, 15_000), () =>
        {
            if (!_isOver)
            {
                if (world.Node.UpSince is not null)
                {
                    Step();
                }

                Act();
            }
        });

        private void Step()
        {
            var backend = Simulator.Random.Next(world.Backends.Count);
            var vms = world.Node.Read(db => db.Vms.Where(v => v.Removed == null).OrderBy(v => v.Number).Select(v => v.Id).ToListAsync());
            var volumes = world.Node.Read(db => db.Volumes.Where(v => v.Removed == null && v.Type == VolumeType.DataDisk).OrderBy(v => v.Created).ThenBy(v => v.Id).Select(v => v.Id).ToListAsync());
            var pool = world.Backends[backend].Pool;
            if (_sizes.Count > 0 && vms.Count > 0 && Simulator.Chance(0.2))
            {
                var size = Simulator.Random.Next(_sizes.Count);
                world.Api.ScaleVm(Simulator.Pick(vms), _sizes[size], $"size {size}");
                return;
            }

            switch (Simulator.Random.Next(20))
            {
                case <= 3 when vms.Count < 8:
                    world.Deploy(backend, withData: Simulator.Chance(0.3));
                    break;
                case <= 6 when vms.Count > 0:
                    world.Api.StopVm(Simulator.Pick(vms), Simulator.Chance(0.4));
                    break;
                case <= 9 when vms.Count > 0:
                    world.Api.StartVm(Simulator.Pick(vms));
                    break;
                case 10 when vms.Count > 0:
                    world.Api.RebootVm(Simulator.Pick(vms), Simulator.Chance(0.5));
                    break;
                case <= 12 when vms.Count > 0:
                    world.Api.DestroyVm(Simulator.Pick(vms), Simulator.Chance(0.7));
                    break;
                case 13:
                    world.Api.CreateVolume(new CreateVolume { Name = $"data{Simulator.Random.Next(1000)}", DiskOfferingId = world.DiskOfferingOf[backend], SizeGib = 1, ZoneId = world.Zone });
                    break;
                case 14 when vms.Count > 0 && volumes.Count > 0:
                    world.Api.AttachVolume(Simulator.Pick(volumes), Simulator.Pick(vms));
                    break;
                case 15 when volumes.Count > 0:
                    world.Api.DetachVolume(Simulator.Pick(volumes));
                    break;
                case 16 when volumes.Count > 0:
                    world.Api.ResizeVolume(Simulator.Pick(volumes), Simulator.Random.Next(1, 5));
                    break;
                case 17 when volumes.Count > 0:
                    world.Api.DeleteVolume(Simulator.Pick(volumes));
                    break;
                case 18:
                    _ = Simulator.Chance(0.5) ? world.Api.EnableMaintenance(pool) : world.Api.CancelMaintenance(pool);
                    break;
                case 19:
                    RemoveOrAdd(backend, pool);
                    break;
            }
        }

        private List<ServiceOfferingId> Sizes()
        {
            world.Do(world.Api.Make<SettingState>(
                $"updateConfiguration {Setting.DynamicScaling.Name}",
                (node, admin, ct) => node.Service<IConfigurationOperations>().UpdateAsync(admin, Setting.DynamicScaling.Name, "true", ct),
                static _ => null));
            return
            [
                .. new[] { (Cpus: 2, MemoryMib: 64), (Cpus: 1, MemoryMib: 256), (Cpus: 2, MemoryMib: 384), (Cpus: 4, MemoryMib: 640) }.Select(size => new ServiceOfferingId(world.Do(world.Api.Make<ServiceOfferingRow>(
                    $"createServiceOffering {size.Cpus} CPUs and {size.MemoryMib} MiB",
                    (node, admin, ct) => node.Service<IOfferingOperations>().CreateServiceOfferingAsync(
                        admin, new CreateServiceOffering { Name = $"{size.Cpus} and {size.MemoryMib}", Cpus = size.Cpus, CpuMhz = 100, MemoryMib = size.MemoryMib }, ct),
                    static row => row.Id.Value)).Entity!.Value)),
            ];
        }

        private void RemoveOrAdd(int backend, PoolId pool)
        {
            if (world.Node.Read(db => db.StoragePools.AnyAsync(p => p.Id == pool && p.Removed == null)))
            {
                world.Api.DeletePool(pool, Simulator.Chance(0.3));
                return;
            }

            // The same storage under the same name: a pool of its own, to which nothing of the former applies.
            var call = world.Api.CreatePool(world.PoolRequest(world.Backends[backend]));
            call.Answered += () =>
            {
                if (call.Entity is { } made)
                {
                    world.Backends[backend].Pool = new PoolId(made);
                }
            };
        }
    }
}
