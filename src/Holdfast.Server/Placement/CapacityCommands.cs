using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Placement;

/// <summary>listCapacity: what a zone has and what it has promised. Only hosts that are up count, and only storage that takes volumes.</summary>
internal static class CapacityCommands
{
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "the zone");
    private static readonly ValueParameter<int> Type = Int("type", "0 memory, 1 CPU, 2 storage used, 3 storage promised");
    private static readonly ValueParameter<bool> FetchLatest = Bool("fetchlatest", "whether to measure anew", noEffect: "the answer is always the latest");

    private static readonly View<CapacityEntry> View = Api.Commands.View<CapacityEntry>.Build(v => v
        .Int("type", "0 memory, 1 CPU, 2 storage used, 3 storage promised", c => c.Type)
        .Text("name", "what it is", c => c.Name)
        .Id("zoneid", "the id of the zone", c => c.Zone.Id)
        .Text("zonename", "the name of the zone", c => c.Zone.Name)
        .Long("capacityallocated", "what is promised: bytes, or MHz", c => c.Used)
        .Long("capacityused", "what is used or promised: bytes, or MHz", c => c.Used)
        .Long("capacitytotal", "what there is: bytes, or MHz", c => c.Total)
        .Text("percentused", "the part of it", c => c.Total <= 0 ? "0" : (100.0 * c.Used / c.Total).ToString("0.##", CultureInfo.InvariantCulture)));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listCapacity",
            Description = "Lists what each zone has, and how much of it is used or promised",
            Roles = Roles.RootAdmin,
            Parameters = [Zone, Type, FetchLatest, .. CommonParameters.List],
            Response = ResponseShape.Of("capacity", View),
            Handler = ListAsync,
        },
    ];

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var zoneId = call.Get(Zone);
        var type = call.Get(Type);
        var entries = await call.Services.Database.ReadAsync((db, ct) => ReadAsync(db, zoneId, ct), cancellationToken);
        var wanted = entries.Where(e => type is null || e.Type == type).ToList();
        var page = wanted.Skip(call.Page.Offset).Take(call.Page.Limit ?? int.MaxValue).ToList();
        return ApiResult.List("capacity", View, page, wanted.Count);
    }

    private static async Task<List<CapacityEntry>> ReadAsync(StoreConnection db, ZoneId? zoneId, CancellationToken cancellationToken)
    {
        var zones = await db.Zones.Where(z => z.Removed == null && (zoneId == null || z.Id == zoneId)).OrderBy(z => z.Created).ThenBy(z => z.Id).ToListAsync(cancellationToken);
        var hosts = await (
            from host in db.Hosts
            where host.Removed == null && host.State == HostState.Up
            group host by host.ZoneId into g
            select new { ZoneId = g.Key, Memory = g.Sum(h => h.MemoryBytes), Mhz = g.Sum(h => (long)h.Cpus * h.CpuMhz) }).ToListAsync(cancellationToken);
        var vms = await (
            from vm in db.Vms
            join host in db.Hosts on vm.HostId equals host.Id
            where vm.Removed == null && host.State == HostState.Up
            group vm by vm.ZoneId into g
            select new { ZoneId = g.Key, MemoryMib = g.Sum(v => (long)v.MemoryMib), Mhz = g.Sum(v => (long)v.Cpus * v.CpuMhz) }).ToListAsync(cancellationToken);
        var pools = await (
            from pool in db.StoragePools
            where pool.Removed == null && pool.State == PoolState.Up
            group pool by pool.ZoneId into g
            select new { ZoneId = g.Key, Total = g.Sum(p => p.CapacityBytes ?? 0), Used = g.Sum(p => p.UsedBytes ?? 0) }).ToListAsync(cancellationToken);
        var volumes = await (
            from promise in StoragePromise.All(db)
            join pool in db.StoragePools on promise.PoolId equals pool.Id
            where pool.Removed == null && pool.State == PoolState.Up
            group promise by pool.ZoneId into g
            select new { ZoneId = g.Key, Bytes = g.Sum(p => p.Bytes) }).ToListAsync(cancellationToken);
        var factor = Setting.StorageOverprovisioning.Of(
            await db.Settings.Where(s => s.Name == Setting.StorageOverprovisioning.Name).Select(s => s.Value).FirstOrDefaultAsync(cancellationToken));
        return
        [
            .. zones.SelectMany(zone =>
            {
                var host = hosts.Find(h => h.ZoneId == zone.Id);
                var vm = vms.Find(v => v.ZoneId == zone.Id);
                var pool = pools.Find(p => p.ZoneId == zone.Id);
                var promised = volumes.Find(v => v.ZoneId == zone.Id);
                return new[]
                {
                    new CapacityEntry(0, "MEMORY", zone, (vm?.MemoryMib ?? 0) << 20, host?.Memory ?? 0),
                    new CapacityEntry(1, "CPU", zone, vm?.Mhz ?? 0, host?.Mhz ?? 0),
                    new CapacityEntry(2, "STORAGE", zone, pool?.Used ?? 0, pool?.Total ?? 0),
                    new CapacityEntry(3, "STORAGE_ALLOCATED", zone, promised?.Bytes ?? 0, (long)((pool?.Total ?? 0) * factor)),
                };
            }),
        ];
    }

    private sealed record CapacityEntry(int Type, string Name, ZoneRow Zone, long Used, long Total);
}
