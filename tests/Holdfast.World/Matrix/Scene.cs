using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Volumes;
using Holdfast.Worlds.Client;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Hosts;
using Holdfast.Worlds.Simulation;
using Holdfast.Worlds.Storage;
using LinqToDB.Async;

namespace Holdfast.Worlds.Matrix;

/// <summary>What a row of the matrix is written with.</summary>
internal sealed class Scene(World world)
{
    private readonly List<Action> _afterSettling = [];

    public World World { get; } = world;

    public Simulator Simulator => World.Simulator;

    public ApiClient Api => World.Api;

    public Runs.Faults Faults { get; } = new(world);

    public SimBackend Own => World.Backends[0];

    public SimBackend Other => World.Backends[1];

    public SimHost Host => World.Hosts[0];

    /// <summary>F2 in its two forms.</summary>
    public BackendMood BlackHole => Simulator.Chance(0.5) ? BackendMood.BlackHole : BackendMood.Silent;

    /// <summary>A moment before, in or after what comes next.</summary>
    public TimeSpan Moment => Simulator.Milliseconds(0, 600);

    public void Expect(bool isSo, string what)
    {
        if (!isSo)
        {
            throw new WorldException(World, $"expected: {what}");
        }
    }

    /// <summary>To be looked at when everything has come to rest.</summary>
    public void Finally(Action look) => _afterSettling.Add(look);

    public void AfterSettling() => _afterSettling.ForEach(static look => look());

    /// <summary>Cuts a host off, or ends that.</summary>
    public void Cut(SimHost host, bool isCut)
    {
        World.Recorder.Add(new HistoryEntry.Fault($"wire of {host.Name}: cut", isCut));
        host.Wire.IsCutUp = isCut;
        host.Wire.IsCutDown = isCut;
    }

    /// <summary>Demands that a call and its job succeed.</summary>
    public Call Well(Call call) => World.Do(call);

    /// <summary>Demands that a call or its job fails, with words.</summary>
    public Call Badly(Call call, params string[] words)
    {
        World.Finish(call);
        var said = call.Fault?.Text ?? call.JobResult ?? string.Empty;
        Expect(!call.Succeeded && !call.IsLost, $"{call.Command} to fail; it ended: {call}");
        foreach (var word in words)
        {
            Expect(said.Contains(word, StringComparison.OrdinalIgnoreCase), $"{call.Command} to name '{word}'; it says: {said}");
        }

        return call;
    }

    /// <summary>Calls that fall into a crash are made again, as any client does.</summary>
    public Call Patiently(Func<Call> make)
    {
        for (var tries = 0; ; tries++)
        {
            var call = World.Finish(make());
            if (call.Succeeded || tries == 8)
            {
                return call;
            }

            World.For(TimeSpan.FromSeconds(5));
        }
    }

    /// <summary>Driver calls that operations made to a storage system since an entry of the history; health is not counted.</summary>
    public int DriverCalls(SimBackend backend, int since) => World.Recorder.Entries.Skip(since)
        .Count(entry => entry is HistoryEntry.DriverCalled { Volume: not null } called && called.Pool == backend.Pool);

    /// <summary>Where the history is now.</summary>
    public int Mark => World.Recorder.Entries.Count;

    public IReadOnlyList<ObligationRow> Owed() => World.Node.Read(db => db.Obligations.Where(o => o.State == ObligationState.Owed).ToListAsync());

    /// <summary>Makes a data volume on the own storage and returns it.</summary>
    public VolumeId Data() => new(Well(Api.CreateVolume(new CreateVolume { Name = $"data{Mark}", DiskOfferingId = World.DiskOfferingOf[0], SizeGib = 1, ZoneId = World.Zone })).Entity!.Value);

    public VolumeRow Volume(VolumeId id) => World.Node.Read(db => db.Volumes.SingleAsync(v => v.Id == id));

    public VolumeId Root(VmId vm) => World.Node.Read(db => db.Volumes.Where(v => v.VmId == vm && v.Type == VolumeType.Root).Select(v => v.Id).SingleAsync());

    public BindingState? Observed(SimHost host, PoolId pool) =>
        World.Node.Read(db => db.Bindings.Where(b => b.IncarnationId == host.Incarnation && b.PoolId == pool).Select(b => b.Observed).SingleOrDefaultAsync());

    public PoolState StateOf(PoolId pool) => World.Node.Read(db => db.StoragePools.Where(p => p.Id == pool).Select(p => p.State).SingleAsync());

    /// <summary>Puts a pool in maintenance and deletes it.</summary>
    public void Remove(SimBackend backend, bool forced = false)
    {
        Well(Api.EnableMaintenance(backend.Pool));
        Well(Api.DeletePool(backend.Pool, forced));
    }

    public void Until(Func<bool> condition, string what, double seconds = 120) => World.UntilSeen(condition, TimeSpan.FromSeconds(seconds), what);
}
