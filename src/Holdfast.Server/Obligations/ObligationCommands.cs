using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Obligations;

/// <summary>What is owed to backends: nothing that could not be cleaned is forgotten.</summary>
internal static class ObligationCommands
{
    private const string Key = "obligation";

    private static readonly ValueParameter<ObligationId> FilterId = Id<ObligationId>("id", "the id of the obligation");
    private static readonly TextParameter State = Text("state", "owed, settled, orphaned, forgotten or superseded; owed when not sent");
    private static readonly TextParameter Kind = Text("kind", "release-attachment, clear-two-primaries, delete-volume or resume-io");
    private static readonly ValueParameter<PoolId> Pool = Id<PoolId>("storageid", "the storage pool; also one that was deleted");
    private static readonly ValueParameter<HostId> Host = Id<HostId>("hostid", "the host that owes it");
    private static readonly ValueParameter<VolumeId> Volume = Id<VolumeId>("volumeid", "the volume");
    private static readonly ValueParameter<VmId> Vm = Id<VmId>("virtualmachineid", "the VM that used the volume");
    private static readonly ValueParameter<bool> ListAll = Bool("listall", "whether those that are over are listed too");
    private static readonly ValueParameter<ObligationId> Obligation = Id<ObligationId>("id", "the id of the obligation", required: true);
    private static readonly TextParameter Reason = Text("reason", "why it is written off", required: true, length: 1024);

    private static readonly View<ObligationEntry> View = Api.Commands.View<ObligationEntry>.Build(v => v
        .Id("id", "the id of the obligation", e => e.Obligation.Id)
        .Text("kind", "what is owed: release-attachment, clear-two-primaries, delete-volume or resume-io", e => KindName(e.Obligation.Kind))
        .Text("state", "owed, settled, orphaned, forgotten or superseded", e => StateName(e.Obligation.State))
        .Id("storageid", "the id of the storage pool whose backend it is owed to", e => e.Obligation.PoolId)
        .Text("storagename", "the name of that storage pool", e => e.Obligation.PoolName)
        .Id("volumeid", "the id of the volume", e => e.Obligation.VolumeId)
        .Text("volumename", "the name of the volume", e => e.Volume?.Name)
        .OptionalId("virtualmachineid", "the id of the VM that used it", e => e.Obligation.VmId)
        .Text("vmname", "the name of the VM that used it", e => e.Vm?.Name)
        .Id("hostid", "the id of the host that owes it", e => e.Obligation.HostId)
        .Text("hostname", "the name of the host that owes it", e => e.Host?.Name)
        .Text("backendname", "the name of the object at the backend", e => e.Obligation.BackendName)
        .Long("generation", "the generation it was written for", e => e.Obligation.Generation.Value)
        .Text("cause", "why it came to be", e => e.Obligation.Cause)
        .Text("lasterror", "the last failure, in the backend's own words", e => e.Obligation.LastError)
        .Int("tries", "tries so far", e => e.Obligation.Tries)
        .Date("created", "when the host wrote it, by the host's clock", e => e.Obligation.HostCreated)
        .Long("age", "seconds since the server learnt of it, until it was over", e => (long)((e.Obligation.Settled ?? e.Now) - e.Obligation.Created).TotalSeconds)
        .Date("alerted", "when its age was told as an alert (setting obligation.alert.age)", e => e.Obligation.Alerted)
        .Date("nexttry", "when it is tried next, by the host's clock", e => e.Obligation.NextTry)
        .Date("updated", "when the host last told about it", e => e.Obligation.Updated)
        .Date("settled", "when it was over", e => e.Obligation.Settled)
        .Text("forgottenby", "who wrote it off", e => e.Obligation.ForgottenBy)
        .Text("reason", "why it was written off", e => e.Obligation.Reason)
        .Text("condition", "why what its host says of it is not taken, if it is not", e => e.SetAside is { } aside ? $"what the host says of it is not taken since {aside.Since:O}, and tried again: {aside.Error}" : null));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listObligations",
            Description = "Lists what is owed to backends; with state=orphaned what removed storage pools left behind at theirs",
            Roles = Roles.RootAdmin,
            Parameters = [FilterId, State, Kind, Pool, Host, Volume, Vm, ListAll, .. CommonParameters.List],
            Response = ResponseShape.Of(Key, View),
            Handler = ListAsync,
        },
        new()
        {
            Name = "retryObligation",
            Description = "Has the host try an obligation now",
            Roles = Roles.RootAdmin,
            Parameters = [Obligation],
            Response = ResponseShape.Of(Key, View),
            Handler = (call, ct) => AnswerAsync(call, call.Services.Of<IObligationOperations>().RetryAsync(call.Caller.ForOperations, call.Require(Obligation), ct), ct),
        },
        new()
        {
            Name = "forgetObligation",
            Description = "Writes an obligation off, in the caller's name and with a reason",
            Roles = Roles.RootAdmin,
            Parameters = [Obligation, Reason],
            Response = ResponseShape.Of(Key, View),
            Handler = (call, ct) => string.IsNullOrWhiteSpace(call.Require(Reason))
                ? Task.FromResult<ApiResult>(ApiError.Missing(call.Command.Name, Reason.Name))
                : AnswerAsync(call, call.Services.Of<IObligationOperations>().ForgetAsync(call.Caller.ForOperations, call.Require(Obligation), call.Require(Reason), ct), ct),
        },
    ];

    private static async Task<ApiResult> AnswerAsync(CommandCall call, Task<Outcome<ObligationRow>> work, CancellationToken cancellationToken)
    {
#pragma warning disable VSTHRD003 // Begun by the caller in the same call.
        var outcome = await work;
#pragma warning restore VSTHRD003
        return await outcome.ToResultAsync(async row =>
        {
            var entry = await call.Services.Database.ReadAsync(
                (db, ct) => Listing.ReadAsync(Entries(db).Where(e => e.Obligation.Id == row.Id), Page.Default, ct),
                cancellationToken);
            return entry.Rows.Count == 1 ? ApiResult.Object(Key, View, entry.Rows[0] with { Now = call.Services.Time.GetUtcNow() }) : call.UnknownEntity(Obligation, row.Id);
        });
    }

    private static async Task<ApiResult> ListAsync(CommandCall call, CancellationToken cancellationToken)
    {
        // An orphan is owed to nobody any more: it is a record of what is left, by name, for whoever still has the backend.
        ObligationState[] states = [ObligationState.Owed];
        if (call.Get(State) is { } stateText)
        {
            states = [.. Enum.GetValues<ObligationState>().Where(s => StateName(s).Equals(stateText, StringComparison.OrdinalIgnoreCase))];
            if (states.Length == 0)
            {
                return ApiError.InvalidParameter($"Invalid parameter state value={stateText}: it must be owed, settled, orphaned, forgotten or superseded");
            }
        }
        else if (call.Get(ListAll) == true || call.Get(FilterId) is not null)
        {
            states = Enum.GetValues<ObligationState>();
        }

        var kinds = Enum.GetValues<ObligationKind>();
        if (call.Get(Kind) is { } kindText)
        {
            kinds = [.. kinds.Where(k => KindName(k).Equals(kindText, StringComparison.OrdinalIgnoreCase))];
            if (kinds.Length == 0)
            {
                return ApiError.InvalidParameter($"Invalid parameter kind value={kindText}: it must be release-attachment, clear-two-primaries, delete-volume or resume-io");
            }
        }

        var id = call.Get(FilterId);
        var pool = call.Get(Pool);
        var host = call.Get(Host);
        var volume = call.Get(Volume);
        var vm = call.Get(Vm);
        var keyword = call.Get(CommonParameters.Keyword)?.ToLowerInvariant();
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ReadAsync(
                Entries(db)
                    .Where(e => states.Contains(e.Obligation.State)
                        && kinds.Contains(e.Obligation.Kind)
                        && (id == null || e.Obligation.Id == id)
                        && (pool == null || e.Obligation.PoolId == pool)
                        && (host == null || e.Obligation.HostId == host)
                        && (volume == null || e.Obligation.VolumeId == volume)
                        && (vm == null || e.Obligation.VmId == vm)
                        && (keyword == null || e.Obligation.PoolName.ToLower().Contains(keyword) || e.Obligation.Cause.ToLower().Contains(keyword)))
                    .OrderBy(e => e.Obligation.Created)
                    .ThenBy(e => e.Obligation.Id),
                call.Page,
                ct),
            cancellationToken);
        var now = call.Services.Time.GetUtcNow();
        var aside = await call.Services.Database.ReadAsync(
            (db, ct) => Listing.ChildrenAsync(
                listing.Rows.Where(e => e.Host is { SetAside: > 0 }).Select(e => e.Obligation.Id.Value),
                chunk => db.SetAside.Where(s => s.Subject == ReportSubject.Obligation && chunk.Contains(s.Id)),
                ct),
            cancellationToken);
        var asideOf = aside.ToLookup(s => (s.IncarnationId, new ObligationId(s.Id)));
        return ApiResult.List(
            Key, View, [.. listing.Rows.Select(e => e with { Now = now, SetAside = asideOf[(e.Obligation.IncarnationId, e.Obligation.Id)].FirstOrDefault() })], listing.Total);
    }

    private static IQueryable<ObligationEntry> Entries(StoreConnection db) =>
        from obligation in db.Obligations
        from host in db.Hosts.LeftJoin(h => h.Id == obligation.HostId)
        from volume in db.Volumes.LeftJoin(v => v.Id == obligation.VolumeId)
        from vm in db.Vms.LeftJoin(v => v.Id == obligation.VmId)
        select new ObligationEntry { Obligation = obligation, Host = host, Volume = volume, Vm = vm };

    private static string KindName(ObligationKind kind) => kind switch
    {
        ObligationKind.ReleaseAttachment => "release-attachment",
        ObligationKind.ClearTwoPrimaries => "clear-two-primaries",
        ObligationKind.DeleteVolume => "delete-volume",
        ObligationKind.ResumeIo => "resume-io",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static string StateName(ObligationState state) => state.ToString().ToLowerInvariant();

    private sealed record ObligationEntry
    {
        public required ObligationRow Obligation { get; init; }

        public HostRow? Host { get; init; }

        public VolumeRow? Volume { get; init; }

        public VmRow? Vm { get; init; }

        public SetAsideRow? SetAside { get; init; }

        /// <summary>When it was read.</summary>
        public DateTimeOffset Now { get; init; }
    }
}
