using System.Diagnostics.CodeAnalysis;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Items;

/// <summary>
/// Takes in the host document item by item: judges, stores, and tells whoever makes it so. An item is stored before anybody acts on it; when the disk refuses,
/// it is kept in memory, so that a stop works all the same, and its revision is not passed over: the server sends it again to the next agent process.
/// </summary>
internal sealed partial class ItemBook(AgentLedger ledger, HostBoot boot, TimeProvider time, ILogger log)
{
    // What could not be read: nothing that it is about is confirmed, and no revision from it on is passed over, so that a later version of this agent gets it.
    private readonly HashSet<Guid> _unreadable = [];
    private long _passable = long.MaxValue;
    private bool _isAnyUnnamed;

    // Accepted, and whoever makes it so met a bug: kept in the ledger as any other, told, and tried again.
    private readonly Dictionary<(ItemKind Kind, Guid Id), (string Why, DateTimeOffset NextTry)> _notTaken = [];

    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(30);

    /// <summary>Called on the loop after an item was accepted.</summary>
    public event Action<HostItem>? Accepted;

    /// <summary>Called on the loop when there is something new to tell about why an item is not acted on.</summary>
    public event Action<ItemKind, Guid>? NotTakenChanged;

    /// <summary>Called on the loop when the server has confirmed for the first time that there is nothing newer.</summary>
    public event Action? Synced;

    /// <summary>Whether the server has confirmed, since this process began, that there was nothing newer: what the ledger says was not only true once.</summary>
    public bool IsSynced { get; private set; }

    /// <summary>The same for one object: not while there is an item about it, or about nobody knows what, that this agent cannot read.</summary>
    public bool IsConfirmed(Guid id) => IsSynced && !_isAnyUnnamed && !_unreadable.Contains(id) && ledger.Tables.SetAside.Keys.All(key => key.Id != id) && _notTaken.Keys.All(key => key.Id != id);

    /// <summary>The revision to resume watching from.</summary>
    public long Revision => ledger.Tables.Number(LedgerNumber.Revision);

    /// <summary>Why an item that was accepted is not acted on; null: it is.</summary>
    public string? WhyNotTaken(ItemKind kind, Guid id) =>
        ledger.Tables.SetAside.TryGetValue((kind, id), out var unreadable) ? $"This version of the agent cannot read what this host's ledger has of it, and does nothing about it: {unreadable}"
        : _notTaken.TryGetValue((kind, id), out var entry) ? $"This host has it and does not act on it, because of a bug, which is tried again: {entry.Why}" : null;

    /// <summary>Takes in one item. What meets a bug is set aside: it costs the item, and never those that come after it.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "The boundary of an item: a bug in one must not end the others.")]
    public async Task TakeAsync(HostItem item)
    {
        try
        {
            await JudgeAsync(item);
        }
        catch (Exception exception)
        {
            LogBug(item.Kind, item.Id, item.Generation, exception);
            PutAside(item.Id, item.Revision, $"{exception.GetType().Name}: {exception.Message}");
        }
    }

    /// <summary>Tries again what is due of the items that were accepted and are not acted on.</summary>
    public void TryAgain()
    {
        var now = time.GetUtcNow();
        foreach (var (key, entry) in _notTaken.ToArray())
        {
            if (entry.NextTry <= now && ledger.Tables.Item(key.Kind, key.Id) is { Item: var item })
            {
                Follow(item);
            }
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The boundary of an item: a bug in one must not end the others.")]
    private void Follow(HostItem item)
    {
        var key = (item.Kind, item.Id);
        try
        {
            Accepted?.Invoke(item);
            if (!_notTaken.Remove(key))
            {
                return;
            }

            LogTaken(item.Kind, item.Id, item.Generation);
        }
        catch (Exception exception)
        {
            LogBug(item.Kind, item.Id, item.Generation, exception);
            _notTaken[key] = ($"{exception.GetType().Name}: {exception.Message}", time.GetUtcNow() + TryAgainAfter);
        }

        NotTakenChanged?.Invoke(item.Kind, item.Id);
    }

    private async Task JudgeAsync(HostItem item)
    {
        var known = ledger.Tables.Item(item.Kind, item.Id)?.Item;
        var mark = new LedgerChange.SetNumber(LedgerNumber.Revision, Math.Max(Revision, Math.Min(item.Revision, _passable)));
        switch (ItemRules.Judge(known, item))
        {
            case ItemVerdict.Accept:
                await ledger.RecordAsync(new LedgerChange.PutItem(new ItemRow
                {
                    Item = item with { ExpiresInMs = null },
                    StartBy = item.ExpiresInMs is { } milliseconds ? boot.In(milliseconds) : null,
                    AcceptedAt = time.GetUtcNow(),
                }), mark);
                LogAccepted(item.Kind, item.Id, item.Generation, item.Desired);
                Follow(item);
                return;
            case ItemVerdict.Duplicate:
                break;
            case ItemVerdict.Stale stale:
                LogStale(item.Kind, item.Id, item.Generation, stale.Known);
                break;
            case ItemVerdict.Contradiction:
                LogContradiction(item.Kind, item.Id, item.Generation);
                break;
            case ItemVerdict.Malformed malformed:
                LogMalformed(item.Kind, item.Id, item.Generation, malformed.Reason);
                break;
        }

        if (mark.Value > Revision)
        {
            ledger.Note(mark);
        }
    }

    /// <summary>An item came that this agent cannot read. Nothing is done about what it names, everything else goes on.</summary>
    /// <param name="id">What it is about; null when that cannot be read either.</param>
    /// <param name="revision">Its revision; null when that cannot be read either.</param>
    /// <param name="reason">What cannot be read.</param>
    public void PutAside(Guid? id, long? revision, string reason)
    {
        _passable = Math.Min(_passable, revision is { } known ? known - 1 : Revision);
        _isAnyUnnamed |= id is null;
        if (id is not { } named || _unreadable.Add(named))
        {
            LogUnreadable(id, revision, reason);
        }
    }

    /// <summary>The server has sent all that was newer.</summary>
    public void Confirm()
    {
        if (!IsSynced)
        {
            IsSynced = true;
            Synced?.Invoke();
        }
    }

    [LoggerMessage(EventId = 1200, Level = LogLevel.Information, Message = "Accepted {Kind} {Id} generation {Generation}: {Desired}")]
    private partial void LogAccepted(ItemKind kind, Guid id, Generation generation, Desired desired);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Warning, Message = "Refused {Kind} {Id} generation {Generation}: generation {Known} is known already")]
    private partial void LogStale(ItemKind kind, Guid id, Generation generation, Generation known);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Error, Message = "Refused {Kind} {Id} generation {Generation}: the same generation is known with other content")]
    private partial void LogContradiction(ItemKind kind, Guid id, Generation generation);

    [LoggerMessage(EventId = 1204, Level = LogLevel.Error, Message = "Cannot read an item about {Id} with revision {Revision}: {Reason}; it may be of a newer server, and is not acted on")]
    private partial void LogUnreadable(Guid? id, long? revision, string reason);

    [LoggerMessage(EventId = 1205, Level = LogLevel.Error, Message = "A bug: {Kind} {Id} generation {Generation} is not acted on; it is kept, and tried again")]
    private partial void LogBug(ItemKind kind, Guid id, Generation generation, Exception exception);

    [LoggerMessage(EventId = 1206, Level = LogLevel.Information, Message = "{Kind} {Id} generation {Generation}, which met a bug before, is acted on")]
    private partial void LogTaken(ItemKind kind, Guid id, Generation generation);

    [LoggerMessage(EventId = 1203, Level = LogLevel.Error, Message = "Refused {Kind} {Id} generation {Generation}: {Reason}")]
    private partial void LogMalformed(ItemKind kind, Guid id, Generation generation, string reason);
}
