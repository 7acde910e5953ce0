using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol;
using Holdfast.Protocol.Host;
using Holdfast.Server.Security;
using Holdfast.Server.Settings;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Agents;

/// <summary>
/// Sends a host its document: everything since the revision it names, in the order of revisions, then single items as they change. Wake-ups only save time; the
/// database is asked at every ping.
/// </summary>
internal sealed class HostWatch
{
    private static readonly TimeSpan PingPause = TimeSpan.FromSeconds(AgentGateway.PingSeconds);

    private readonly Database _database;
    private readonly WakeupHub _wakeups;
    private readonly SecretBox _secrets;
    private readonly TimeProvider _time;
    private readonly ReconcileTimings _timings;

    // Read once for all watches of a node, not by each of thousands: a change reaches hosts with the keep-alive after the next. Replaced whole; who reads it twice does no harm.
    private volatile ReadRules? _rules;

    /// <summary>Made once per node.</summary>
    public HostWatch(Database database, WakeupHub wakeups, SecretBox secrets, ReconcileTimings timings, TimeProvider time)
    {
        _database = database;
        _wakeups = wakeups;
        _secrets = secrets;
        _timings = timings;
        _time = time;
    }

    /// <summary>Whether an installation may speak.</summary>
    public Task<bool> IsActiveAsync(IncarnationId incarnation, CancellationToken cancellationToken) => _database.ReadAsync(
        (db, ct) => db.Incarnations.AnyAsync(i => i.Id == incarnation && i.State == IncarnationState.Active, ct),
        cancellationToken);

    /// <summary>The events of a watch, JSON each, until the installation is retired or asked to connect anew. The next is made when the one before it was taken: a host that reads slowly is waited for.</summary>
    /// <param name="incarnation">Who watches.</param>
    /// <param name="since">The revision that it has.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<SseItem<string>> EventsAsync(IncarnationId incarnation, long since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var changes = _wakeups.Subscribe(incarnation.Value);
        var sent = since;

        // At once: an HTTP client shows no headers before the first byte.
        yield return Mark(AgentGateway.PingEvent, sent, null);
        var pinged = _time.GetTimestamp();
        var isSynced = false;
        long? watch = null;
        while (true)
        {
            var news = await _database.ReadAsync((db, ct) => LoadAsync(db, incarnation, sent, ct), cancellationToken);
            if (news is null || (watch ??= news.Watch) != news.Watch)
            {
                yield break;
            }

            // A host that knows more than the database was served by one that was rolled back: it is told everything, and refuses what is older.
            if (news.Revision < sent)
            {
                sent = 0;
                continue;
            }

            foreach (var item in news.Items)
            {
                yield return new SseItem<string>(JsonSerializer.Serialize(item, HostJson.Default.HostItem), AgentGateway.ItemEvent);
                sent = item.Revision;
            }

            if (!isSynced)
            {
                isSynced = true;
                yield return Mark(AgentGateway.SyncedEvent, sent, news.Guests);
                pinged = _time.GetTimestamp();
            }
            else if (news.Items.Count > 0 || _time.GetElapsedTime(pinged) >= PingPause)
            {
                yield return Mark(AgentGateway.PingEvent, sent, news.Guests);
                pinged = _time.GetTimestamp();
            }

            var pause = PingPause - _time.GetElapsedTime(pinged);
            await changes.WaitAsync(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, cancellationToken);
        }
    }

    private static SseItem<string> Mark(string type, long revision, GuestRules? guests) =>
        new(JsonSerializer.Serialize(new WatchMark(revision, guests), HostJson.Default.WatchMark), type);

    private async Task<GuestRules> RulesAsync(StoreConnection db, CancellationToken cancellationToken)
    {
        if (_rules is { } read && _time.GetElapsedTime(read.At) < PingPause)
        {
            return read.Rules;
        }

        var interval = (await SettingValues.ReadAsync(db, _timings, cancellationToken))[Setting.PausedResumeInterval];
        var rules = new GuestRules { ResumeSeconds = (int)interval.TotalSeconds };
        _rules = new ReadRules(rules, _time.GetTimestamp());
        return rules;
    }

    private async Task<News?> LoadAsync(StoreConnection db, IncarnationId incarnation, long since, CancellationToken cancellationToken)
    {
        var row = await db.Incarnations.FirstOrDefaultAsync(i => i.Id == incarnation && i.State == IncarnationState.Active, cancellationToken);
        if (row is null)
        {
            return null;
        }

        var rules = await RulesAsync(db, cancellationToken);
        if (row.Revision <= since)
        {
            return new News(row.Revision, row.Watch, [], rules);
        }

        var items = await db.HostItems.Where(i => i.IncarnationId == incarnation && i.Revision > since).OrderBy(i => i.Revision).ToListAsync(cancellationToken);
        var poolIds = items.Where(i => i.Kind == ItemKind.Binding && i.Desired != Desired.Absent).Select(i => new PoolId(i.Id)).ToList();
        var pools = poolIds.Count == 0 ? [] : await db.StoragePools.Where(p => poolIds.Contains(p.Id)).ToListAsync(cancellationToken);
        var now = await _database.NowAsync(db, cancellationToken);
        return new News(row.Revision, row.Watch, [.. items.Select(i => ItemOf(i, pools, now))], rules);
    }

    private HostItem ItemOf(HostItemRow row, IReadOnlyList<StoragePoolRow> pools, DateTimeOffset now)
    {
        var item = new HostItem
        {
            Revision = row.Revision,
            Kind = row.Kind,
            Id = row.Id,
            Generation = row.Generation,
            Desired = row.Desired,
            ExpiresInMs = row.Expires is { } expires ? Math.Max(0, (long)(expires - now).TotalMilliseconds) : null,
        };
        if (row.Desired == Desired.Absent)
        {
            return item;
        }

        return row.Kind switch
        {
            ItemKind.Binding => item with { Binding = BindingOf(pools.Single(p => p.Id.Value == row.Id)) },
            ItemKind.Machine => item with { Machine = JsonSerializer.Deserialize(row.Spec!, HostJson.Default.MachineSpec) },
            _ => item with { Task = JsonSerializer.Deserialize(row.Spec!, HostJson.Default.TaskSpec) },
        };
    }

    private BindingSpec BindingOf(StoragePoolRow pool) => new()
    {
        PoolId = pool.Id,
        PoolName = pool.Name,
        Driver = pool.Driver,
        Config = StoredText.Map(pool.Config),
        Secrets = pool.Secrets is null
            ? []
            : JsonSerializer.Deserialize(_secrets.Unseal(SecretPurpose.PoolSecrets(pool.Id), pool.Secrets).Reveal(), StoredText.Default.SortedDictionaryStringSecret) ?? [],
    };

    private sealed record News(long Revision, long Watch, IReadOnlyList<HostItem> Items, GuestRules Guests);

    private sealed record ReadRules(GuestRules Rules, long At);
}
