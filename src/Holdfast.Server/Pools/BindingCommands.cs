using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Pools;

/// <summary>What hosts have of storage pools: what they should have, what they have, and how it is.</summary>
internal static class BindingCommands
{
    private static readonly ValueParameter<PoolId> Pool = Id<PoolId>("storageid", "the storage pool; also one that was deleted");
    private static readonly ValueParameter<HostId> Host = Id<HostId>("hostid", "the host");
    private static readonly ValueParameter<bool> Pending = Bool("pending", "true: only those whose host has not yet confirmed what it was told last; false: only the others");
    private static readonly ValueParameter<bool> ListAll = Bool("listall", "whether those that were confirmed absent are listed too");

    private static readonly ValueParameter<PoolId> Deleted = Id<PoolId>("storageid", "the storage pool, which was deleted", required: true);
    private static readonly ValueParameter<HostId> Absolved = Id<HostId>("hostid", "the host that did not confirm", required: true);
    private static readonly TextParameter Reason = Text("reason", "why it is not waited for any more", required: true, length: 1024);

    private static readonly View<BindingEntry> HealthView = View<BindingEntry>.Build(v => v
        .Text("controlplane", "whether the backend's control plane answers: unknown, up or down", e => WireName(e.Binding.ControlPlane))
        .Text("dataplane", "whether data can be read and written: unknown, up or down", e => WireName(e.Binding.DataPlane))
        .Bool("canattachlocally", "true if volumes that are locally present can be attached without the control plane", e => e.Binding.CanAttachLocally)
        .Text("text", "what is wrong, in the backend's own words", e => e.Binding.Error));

    private static readonly View<BindingEntry> View = Api.Commands.View<BindingEntry>.Build(v => v
        .Id("storageid", "the id of the storage pool", e => e.Binding.PoolId)
        .Text("storagename", "the name of the storage pool", e => e.Pool.Name)
        .Text("storagestate", "the state of the storage pool", e => e.Pool.State.ToString())
        .Id("hostid", "the id of the host", e => e.Binding.HostId)
        .Text("hostname", "the name of the host", e => e.Host.Name)
        .Text("hoststate", "the state of the host", e => e.Host.State.ToString())
        .Id("incarnationid", "the installation of the host's agent", e => e.Binding.IncarnationId)
        .Text("desired", "what the host should have: Attached, Quiesced or Absent", e => e.Binding.Desired.ToString())
        .Text("observed", "what the host last reported: Absent, Starting, Attached, Degraded, Draining or Quiesced; Unknown before its first report", e => e.Binding.Observed?.ToString() ?? "Unknown")
        .Long("generation", "the generation of what it should have", e => e.Binding.Generation.Value)
        .Long("observedgeneration", "the generation that its report answers to", e => e.Binding.ObservedGeneration?.Value)
        .Bool("pending", "true until the host has confirmed what it was told last", e => e.Binding.Absent is null && !IsConfirmed(e.Binding))
        .Object("health", "how the backend is, as the driver on this host sees it", HealthView, e => e)
        .Bool("shared", "false when each volume can be used on one host only, as the driver on this host says: the pool then needs scope HOST", e => e.Binding.NotShared is null)
        .Bool("holdsdata", "whether this host can hold data of the storage pool itself; imports go to hosts that can", e => e.Binding.HoldsData)
        .Json("conditions", "what stands in the way or should be known", ConditionsOf)
        .Text("driver", "the driver", e => e.Pool.Driver)
        .Int("driverpid", "the process id of the driver, while there is a process", e => e.Binding.DriverPid)
        .Text("driverversion", "the version of the driver", e => e.Binding.DriverVersion)
        .Long("capacitybytes", "the size of the storage pool as this host sees it", e => e.Binding.CapacityBytes)
        .Long("usedbytes", "what is used of it as this host sees it", e => e.Binding.UsedBytes)
        .Date("since", "since when it is so, by the server's clock", e => e.Binding.Since)
        .Date("hostsince", "since when it is so, by the host's clock", e => e.Binding.HostSince)
        .Text("unload", "how the driver was ended", e => e.Binding.Unload)
        .Date("created", "when the host was first told", e => e.Binding.Created)
        .Date("absent", "when the host confirmed that nothing of it is left", e => e.Binding.Absent)
        .Text("absolved", "why the host was taken out of the reckoning, when it did not confirm", e => e.Binding.Absolved)
        .Text("absolvedby", "who took it out", e => e.Binding.AbsolvedBy)
        .Text("waitingfor", "what is waited for before the host has what it should have", WaitingFor));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listStoragePoolBindings",
            Description = "Lists what each host has of each storage pool, also of deleted ones that a host still has to confirm",
            Roles = Roles.RootAdmin,
            Parameters = [Pool, Host, Pending, ListAll, .. CommonParameters.List],
            Response = ResponseShape.Of("storagepoolbinding", View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "absolveStoragePoolBinding",
            Description = "Takes a host out of the reckoning of the removal of a storage pool, in the caller's name and with a reason, because its driver cannot be ended, say; the host goes on trying, and what it owed to the storage pool is listed as left behind",
            Roles = Roles.RootAdmin,
            Parameters = [Deleted, Absolved, Reason],
            Response = ResponseShape.Success,
            Handler = async (call, ct) => string.IsNullOrWhiteSpace(call.Require(Reason))
                ? ApiError.Missing(call.Command.Name, Reason.Name)
                : (await call.Services.Of<IStoragePoolOperations>().AbsolveAsync(call.Caller.ForOperations, call.Require(Deleted), call.Require(Absolved), call.Require(Reason), ct)).ToResult(),
        },
    ];

    private static bool IsConfirmed(BindingRow binding) => binding.ObservedGeneration == binding.Generation && binding.Desired switch
    {
        Desired.Attached => binding.Observed is BindingState.Attached or BindingState.Degraded,
        Desired.Quiesced => binding.Observed is BindingState.Quiesced,
        _ => binding.Observed is BindingState.Absent,
    };

    private static string? WaitingFor(BindingEntry entry)
    {
        var facts = BindingRowFacts.Of(entry.Binding, entry.Host);
        return BindingProgress.WaitingFor(facts, entry.Host.State, entry.Binding.Generation.Value, facts.Remark);
    }

    // What the host says, and what only the server knows.
    private static string ConditionsOf(BindingEntry entry)
    {
        List<Condition> more = [];
        if (entry.First is { } first && entry.Binding.Desired != Desired.Absent)
        {
            more.Add(new Condition { Type = ConditionType.SameAsOther, PoolId = entry.Binding.PoolId, Text = $"It takes no new volumes, because {PoolTwins.Of(entry.Pool, first).Objection}" });
        }

        if (entry.SetAside is { } aside)
        {
            more.Add(new Condition { Type = ConditionType.NotTaken, PoolId = entry.Binding.PoolId, Text = $"What the host says of it is not taken since {aside.Since:O}, and tried again: {aside.Error}" });
        }

        return more.Count == 0
            ? entry.Binding.Conditions
            : JsonSerializer.Serialize([.. JsonSerializer.Deserialize(entry.Binding.Conditions, HostJson.Default.IReadOnlyListCondition) ?? [], .. more], HostJson.Default.IReadOnlyListCondition);
    }

    private static string WireName(PlaneHealth health) => health.ToString().ToLowerInvariant();

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var pool = call.Get(Pool);
        var host = call.Get(Host);
        var all = call.Get(ListAll) ?? false;
        var pending = call.Get(Pending);
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) =>
            {
                var query =
                    from binding in db.Bindings
                    join p in db.StoragePools on binding.PoolId equals p.Id
                    join h in db.Hosts on binding.HostId equals h.Id
                    from f in db.StoragePools.LeftJoin(f => f.Id == p.SameAs)
                    where (all || binding.Absent == null)
                        && (pool == null || binding.PoolId == pool)
                        && (host == null || binding.HostId == host)
                        && (keyword == null || p.Name.ToLower().Contains(keyword) || h.Name.ToLower().Contains(keyword))
                    orderby p.Created, p.Id, h.Created, h.Id, binding.IncarnationId
                    select new BindingEntry { Binding = binding, Pool = p, Host = h, First = f };
                return Listing.ReadAsync(pending is { } wanted ? query.Where(e => wanted == (e.Binding.Absent == null && !(
                    e.Binding.ObservedGeneration == e.Binding.Generation
                    && ((e.Binding.Desired == Desired.Attached && (e.Binding.Observed == BindingState.Attached || e.Binding.Observed == BindingState.Degraded))
                        || (e.Binding.Desired == Desired.Quiesced && e.Binding.Observed == BindingState.Quiesced)
                        || (e.Binding.Desired == Desired.Absent && e.Binding.Observed == BindingState.Absent))))) : query, call.Page, ct);
            },
            cancellationToken);
        var aside = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ChildrenAsync(
                listing.Rows.Where(e => e.Host.SetAside > 0).Select(e => e.Binding.IncarnationId),
                chunk => db.SetAside.Where(s => s.Subject == ReportSubject.Binding && chunk.Contains(s.IncarnationId)),
                ct),
            cancellationToken);
        var asideOf = aside.ToLookup(s => (s.IncarnationId, new PoolId(s.Id)));
        return ApiResult.List(
            "storagepoolbinding",
            View,
            [.. listing.Rows.Select(e => e with { SetAside = asideOf[(e.Binding.IncarnationId, e.Binding.PoolId)].FirstOrDefault() })],
            listing.Total);
    }

    private sealed record BindingEntry
    {
        public required BindingRow Binding { get; init; }

        public required StoragePoolRow Pool { get; init; }

        public required HostRow Host { get; init; }

        public StoragePoolRow? First { get; init; }

        public SetAsideRow? SetAside { get; init; }
    }
}
