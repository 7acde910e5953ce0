using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Zones;

/// <inheritdoc/>
internal sealed class ZoneOperations : IZoneOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public ZoneOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<ZoneId>> CreateAsync(Caller caller, string networkType, ZoneChange zone, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            if (!networkType.Equals("Advanced", StringComparison.OrdinalIgnoreCase))
            {
                return Refused(Faults.Invalid($"Parameter networktype is only Advanced, not {networkType}: a zone of another type keeps guests apart by security groups, and there are none"));
            }

            var db = turn.Db;
            if (await FaultAsync(db, zone, null, ct) is { } fault)
            {
                return Refused(fault);
            }

            // Numbers are CloudStack's internal ids, which some clients remember: none is given out twice.
            var number = (await db.Zones.Select(z => (long?)z.Number).MaxAsync(ct) ?? 0) + 1;
            var row = Changed(
                new ZoneRow
                {
                    Id = new ZoneId(turn.NewId()),
                    Number = number,
                    Name = string.Empty,
                    NetworkType = "Advanced",
                    AllocationState = AllocationStates.Disabled,
                    LocalStorage = false,
                    Created = turn.Now,
                },
                zone);
            await db.InsertAsync(row, token: ct);
            await db.InsertAsync(NetworkRow.DefaultOf(row.Id, new NetworkId(turn.NewId()), turn.Now), token: ct);
            await TellAsync(turn, caller, EventTypes.ZoneCreate, $"Zone {row.Name} ({row.Id}) was made, {row.AllocationState}", row, ct);
            return new Outcome<ZoneId>.Done(row.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<ZoneId>> UpdateAsync(Caller caller, ZoneId id, ZoneChange change, CancellationToken cancellationToken) => _turns.RunAsync(
        async (turn, ct) =>
        {
            var db = turn.Db;
            if (await FindAsync(db, id, ct) is not { } zone)
            {
                return Refused(Faults.NoSuchEntity("updateZone", "id", id));
            }

            if (await FaultAsync(db, change, id, ct) is { } fault)
            {
                return Refused(fault);
            }

            if (change.LocalStorage == false && zone.LocalStorage
                && await db.StoragePools.Where(p => p.ZoneId == id && p.Scope == PoolScope.Host && p.Removed == null).OrderBy(p => p.Name).FirstOrDefaultAsync(ct) is { } local)
            {
                return Refused(Faults.Runtime($"Zone {zone.Name} ({id}) has storage of one host alone, which localstorageenabled=false would forbid: storage pool {local.Name} ({local.Id})"));
            }

            var changed = Changed(zone, change);
            await db.UpdateAsync(changed, token: ct);
            await TellAsync(turn, caller, EventTypes.ZoneEdit, $"Zone {changed.Name} ({id}) was changed{StateText(zone.AllocationState, changed.AllocationState)}", changed, ct);
            return new Outcome<ZoneId>.Done(id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, ZoneId id, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var db = turn.Db;
            if (await FindAsync(db, id, ct) is not { } zone)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteZone", "id", id));
            }

            var contents = db.Pods.Where(p => p.ZoneId == id && p.Removed == null).Select(p => new PlaceContent { What = "pod", Name = p.Name, Id = StoreSql.Plain(p.Id) })
                .Concat(PlaceContents.Of(db.StoragePools.Where(p => p.ZoneId == id)))
                .Concat(PlaceContents.Of(db.Vms.Where(v => v.ZoneId == id)))
                .Concat(db.Volumes.Where(v => v.ZoneId == id && v.Removed == null).Select(v => new PlaceContent { What = "volume", Name = v.Name, Id = StoreSql.Plain(v.Id) }))
                .Concat(db.Templates.Where(t => t.ZoneId == id && t.Removed == null).Select(t => new PlaceContent { What = "template", Name = t.Name, Id = StoreSql.Plain(t.Id) }))
                .Concat(db.Networks.Where(n => n.ZoneId == id && !n.IsDefault && n.Removed == null).Select(n => new PlaceContent { What = "network", Name = n.Name, Id = StoreSql.Plain(n.Id) }));
            if (await PlaceContents.WhyNotDeletedAsync($"Zone {zone.Name} ({id})", contents, ct) is { } inUse)
            {
                return new Outcome<Success>.Refused(inUse);
            }

            await db.Networks.Where(n => n.ZoneId == id && n.Removed == null).Set(n => n.Removed, turn.Now).UpdateAsync(ct);
            await db.UpdateAsync(zone with { Removed = turn.Now }, token: ct);
            await turn.Part<IconRows>().DropAsync(db.Networks.Where(n => n.ZoneId == id).Select(n => StoreSql.Plain(n.Id)), ct);
            await turn.Part<IconRows>().DropAsync(id.Value, ct);
            await TellAsync(turn, caller, EventTypes.ZoneDelete, $"Zone {zone.Name} ({id}) was deleted", zone, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    /// <summary>What an event says of another allocation state.</summary>
    internal static string StateText(string before, string after) => before == after ? string.Empty : $": it is {after} now";

    private static Outcome<ZoneId> Refused(ApiFault fault) => new Outcome<ZoneId>.Refused(fault);

    private static Task<ZoneRow?> FindAsync(StoreConnection db, ZoneId id, CancellationToken cancellationToken) =>
        db.Zones.FirstOrDefaultAsync(z => z.Id == id && z.Removed == null, cancellationToken);

    private static async Task<ApiFault?> FaultAsync(StoreConnection db, ZoneChange zone, ZoneId? except, CancellationToken cancellationToken)
    {
        var fault = (zone.Name is { } text ? PlaceNames.NameFault("name", text) : null)
            ?? PlaceNames.StateFault(zone.AllocationState)
            ?? NetworkText.Ipv4Fault("dns1", zone.Dns1)
            ?? NetworkText.Ipv4Fault("dns2", zone.Dns2)
            ?? NetworkText.Ipv6Fault("ip6dns1", zone.Ip6Dns1)
            ?? NetworkText.Ipv6Fault("ip6dns2", zone.Ip6Dns2)
            ?? NetworkText.Ipv4Fault("internaldns1", zone.InternalDns1)
            ?? NetworkText.Ipv4Fault("internaldns2", zone.InternalDns2)
            ?? NetworkText.CidrFault("guestcidraddress", zone.GuestCidr)
            ?? NetworkText.DomainFault("domain", zone.NetworkDomain);
        if (fault is not null || zone.Name is null)
        {
            return fault;
        }

        var lower = zone.Name.Trim().ToLowerInvariant();
        return await db.Zones.AnyAsync(z => z.Name.ToLower() == lower && z.Removed == null && (except == null || z.Id != except), cancellationToken)
            ? Faults.Invalid($"There is a zone named {zone.Name.Trim()} already")
            : null;
    }

    private static ZoneRow Changed(ZoneRow zone, ZoneChange change) => zone with
    {
        Name = change.Name?.Trim() ?? zone.Name,
        AllocationState = change.AllocationState is { } state ? AllocationStates.Read(state)! : zone.AllocationState,
        Dns1 = change.Dns1 ?? zone.Dns1,
        Dns2 = change.Dns2 ?? zone.Dns2,
        Ip6Dns1 = change.Ip6Dns1 ?? zone.Ip6Dns1,
        Ip6Dns2 = change.Ip6Dns2 ?? zone.Ip6Dns2,
        InternalDns1 = change.InternalDns1 ?? zone.InternalDns1,
        InternalDns2 = change.InternalDns2 ?? zone.InternalDns2,
        GuestCidr = change.GuestCidr ?? zone.GuestCidr,
        NetworkDomain = change.NetworkDomain is { } domain ? (domain.Length == 0 ? null : domain) : zone.NetworkDomain,
        LocalStorage = change.LocalStorage ?? zone.LocalStorage,
    };

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, ZoneRow zone, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.Zone, zone.Id.Value, zone.Name, null, cancellationToken);
}
