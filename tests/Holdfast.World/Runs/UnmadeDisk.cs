using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Worlds.Storage;
using LinqToDB.Async;

namespace Holdfast.Worlds.Runs;

/// <summary>Expunges a VM whose disk no host can delete now. All times are virtual.</summary>
/// <param name="Took">From the call of destroyVirtualMachine until the end of its job.</param>
/// <param name="Volume">What the disk was then.</param>
internal sealed record UnmadeDisk(TimeSpan Took, VolumeState Volume)
{
    /// <summary>The disk waits for its template when its pool is put in maintenance: no host was ever told to make it.</summary>
    /// <param name="seed">The seed.</param>
    public static UnmadeDisk InMaintenance(int seed)
    {
        using var world = new World(new WorldOptions { Seed = seed }).Build();
        world.Backends[1].Become(BackendMood.Silent);
        var deploy = world.Deploy(backend: 1);
        world.UntilSeen(() => Root(world) is { PoolId: not null, TemplateCopyId: not null }, TimeSpan.FromMinutes(1), "the disk to wait for its template");
        world.Do(world.Api.EnableMaintenance(world.Backends[1].Pool));
        world.Finish(deploy);
        return Expunge(world);
    }

    /// <summary>The disk is there, and its pool in maintenance: no host may delete it now.</summary>
    /// <param name="seed">The seed.</param>
    public static UnmadeDisk MadeInMaintenance(int seed)
    {
        using var world = new World(new WorldOptions { Seed = seed }).Build();
        world.Run(backend: 1);
        world.Do(world.Api.EnableMaintenance(world.Backends[1].Pool));
        return Expunge(world);
    }

    /// <summary>A host was told to make it and did not hear: nobody knows whether it has begun, and only there it may be deleted.</summary>
    /// <param name="seed">The seed.</param>
    public static UnmadeDisk OnAHostThatIsAway(int seed)
    {
        using var world = new World(new WorldOptions { Seed = seed }).Build();
        var host = world.Hosts[0];
        (host.Wire.IsCutUp, host.Wire.IsCutDown) = (true, true);
        world.Deploy(host: host);
        world.UntilSeen(() => world.Node.Read(db => db.Hosts.AnyAsync(h => h.Id == host.Id && h.State != HostState.Up)), TimeSpan.FromMinutes(1), "the host to be missed");
        var result = Expunge(world);
        (host.Wire.IsCutUp, host.Wire.IsCutDown) = (false, false);
        world.HealAndSettle();
        return result;
    }

    private static UnmadeDisk Expunge(World world)
    {
        var volume = Root(world)!;
        var asked = world.Simulator.Now;
        world.Do(world.Api.DestroyVm(volume.VmId!.Value, expunge: true));
        return new UnmadeDisk(world.Simulator.Now - asked, world.Node.Read(db => db.Volumes.SingleAsync(v => v.Id == volume.Id)).State);
    }

    private static VolumeRow? Root(World world) => world.Node.Read(db => db.Volumes.SingleOrDefaultAsync(v => v.Type == VolumeType.Root && v.VmId != null));
}
