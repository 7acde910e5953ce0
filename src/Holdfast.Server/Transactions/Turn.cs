using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Transactions;

/// <summary>
/// One transaction: a change of rows and all that follows from it. Whoever changes a row marks what depends on it; <see cref="SettleAsync"/> then asks the pure
/// planners, carries their answers out, and asks again until nothing follows. Not safe for two threads.
/// </summary>
internal sealed partial class Turn
{
    /// <summary>How often a planner is asked about one object. One whose answers do not change its facts is a bug; it must not hold a transaction for ever.</summary>
    public const int MaxRounds = 50;

    private readonly TurnServices _services;
    private readonly ILogger _logger;
    private readonly Dictionary<Type, TurnPart> _parts = [];
    private readonly Queue<Func<CancellationToken, Task>> _work = new();
    private readonly HashSet<Guid> _marked = [];
    private readonly List<JobRow> _succeeded = [];
    private readonly HashSet<Guid> _signalled = [];

    /// <summary>Begins a turn on a transaction.</summary>
    /// <param name="services">What it needs.</param>
    /// <param name="db">The transaction.</param>
    /// <param name="now">The time, as <see cref="Database.NowAsync"/> has it.</param>
    public Turn(TurnServices services, StoreConnection db, DateTimeOffset now)
    {
        _services = services;
        _logger = services.Loggers.CreateLogger<Turn>();
        Db = db;
        Now = now;
    }

    /// <summary>The transaction.</summary>
    public StoreConnection Db { get; }

    /// <summary>The time of the turn; the same for all its rows.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>How long things may take.</summary>
    public ReconcileTimings Timings => _services.Timings;

    /// <summary>A new id.</summary>
    public Guid NewId() => _services.Ids.Next();

    /// <summary>A number below the bound, for MAC addresses.</summary>
    public int NextRandom(int bound)
    {
        lock (_services.Random)
        {
            return _services.Random.Next(bound);
        }
    }

    /// <summary>A part of this turn: what one kind of entity does in it. The same one each time.</summary>
    /// <typeparam name="T">Which.</typeparam>
    public T Part<T>()
        where T : TurnPart, ITurnPart<T>
    {
        if (!_parts.TryGetValue(typeof(T), out var part))
        {
            part = T.Of(this);
            _parts.Add(typeof(T), part);
        }

        return (T)part;
    }

    /// <summary>The parts of this turn that play a role, in the order in which they are registered.</summary>
    /// <typeparam name="TRole">The role.</typeparam>
    public IEnumerable<TRole> Parts<TRole>()
        where TRole : class => _services.Parts.Of<TRole>(this);

    /// <summary>A logger of a part.</summary>
    /// <typeparam name="T">The part.</typeparam>
    public ILogger LoggerOf<T>() => _services.Loggers.CreateLogger<T>();

    /// <summary>Has an object looked at before the transaction ends, by the settler of its kind.</summary>
    /// <param name="id">The object's id; its type says the kind.</param>
    /// <typeparam name="TId">The type of the id.</typeparam>
    public void Mark<TId>(TId id)
        where TId : struct, ITypedId<TId>
    {
        if (_marked.Add(id.Value))
        {
            _work.Enqueue(async ct =>
            {
                _marked.Remove(id.Value);
                foreach (var settler in Parts<ISettler<TId>>())
                {
                    await settler.SettleAsync(id, ct);
                }
            });
        }
    }

    /// <summary>Has the object that a job or an event names looked at, where its kind has a settler.</summary>
    /// <param name="resourceType">What objects of its kind are called.</param>
    /// <param name="id">The object.</param>
    public void MarkResource(string resourceType, Guid id)
    {
        foreach (var settler in Parts<ISettler>().Where(s => s.ResourceType == resourceType))
        {
            settler.Mark(id);
        }
    }

    /// <summary>Wakes whoever waits for the topic once the transaction is committed, on every node.</summary>
    public Task SignalAsync(Guid topic, CancellationToken cancellationToken) => SignalAsync([topic], cancellationToken);

    /// <summary>Wakes whoever waits for one of the topics once the transaction is committed, on every node. One statement for all.</summary>
    public async Task SignalAsync(IReadOnlyCollection<Guid> topics, CancellationToken cancellationToken)
    {
        var news = topics.Where(_signalled.Add).ToList();
        if (news.Count == 0)
        {
            return;
        }

        Db.AfterCommit(() => news.ForEach(_services.Wakeups.Signal));
        if (_services.Database.IsShared)
        {
            await Notifications.SendAsync(Db, news, cancellationToken);
        }
    }

    /// <summary>Carries out all that follows. Called once, at the end.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        for (var steps = 0; _work.TryDequeue(out var next); steps++)
        {
            if (steps > Timings.MostSteps)
            {
                throw new InvalidOperationException("A turn does not settle.");
            }

            await next(cancellationToken);
        }

        // Results are rendered last, when every row has its final state.
        foreach (var job in _succeeded)
        {
            var result = await _services.Renderer.RenderAsync(Db, job, cancellationToken);
            await Db.Jobs.Where(j => j.Id == job.Id).Set(j => j.Result, result).UpdateAsync(cancellationToken);
        }

        _succeeded.Clear();
    }

    /// <summary>Writes an event.</summary>
    public async Task<EventId> TellAsync(
        string type,
        EventLevel level,
        EventState state,
        string description,
        AccountId account,
        UserId user,
        string? resourceType,
        Guid? resourceId,
        string? resourceName,
        EventId? start,
        CancellationToken cancellationToken)
    {
        var row = NewEvent(type, level, state, description, account, user, resourceType, resourceId, resourceName, start);
        await Db.InsertAsync(row, token: cancellationToken);
        return row.Id;
    }

    /// <summary>Writes an event of the installation itself, in the name of the root administrator's account.</summary>
    public async Task TellSystemAsync(
        string type,
        EventLevel level,
        string description,
        string? resourceType,
        Guid? resourceId,
        string? resourceName,
        CancellationToken cancellationToken)
    {
        await TellSystemAsync([new SystemEvent(type, level, description, resourceType, resourceId, resourceName)], cancellationToken);
    }

    /// <summary>Writes events of the installation itself, in the name of the root administrator's account. The same statements for one and for many.</summary>
    public async Task TellSystemAsync(IReadOnlyList<SystemEvent> events, CancellationToken cancellationToken)
    {
        if (events.Count == 0)
        {
            return;
        }

        var owner = await Db.Users
            .Where(u => u.Removed == null)
            .OrderBy(u => u.Created)
            .Select(u => new { u.Id, u.AccountId })
            .FirstAsync(cancellationToken);
        await Db.InsertAllAsync(
            [.. events.Select(e => NewEvent(e.Type, e.Level, EventState.Completed, e.Description, owner.AccountId, owner.Id, e.ResourceType, e.ResourceId, e.ResourceName, null))],
            cancellationToken);
    }

    /// <summary>An event of this turn, not written yet.</summary>
    public EventRow NewEvent(
        string type,
        EventLevel level,
        EventState state,
        string description,
        AccountId account,
        UserId user,
        string? resourceType,
        Guid? resourceId,
        string? resourceName,
        EventId? start) => new()
        {
            Id = new EventId(NewId()),
            Type = type,
            Level = level,
            State = state,
            Description = description,
            AccountId = account,
            UserId = user,
            ResourceType = resourceType,
            ResourceId = resourceId,
            ResourceName = resourceName,
            StartId = start,
            Created = Now,
        };
}
