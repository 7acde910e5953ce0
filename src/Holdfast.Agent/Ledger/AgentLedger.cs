using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Waits;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Ledger;

/// <summary>
/// What the agent knows about itself, in memory and on disk, changed in transitions that take turns (README.md). Three ways in: <see cref="CommitAsync(LedgerTransition)"/> for what
/// must be durable before an effect (refused when the disk refuses), <see cref="RecordAsync(LedgerTransition)"/> for facts that are true whatever the disk says (a guest is gone),
/// and <see cref="Note"/> for what can be concluded again. Nobody but who asked for a write waits for the disk, and nobody for longer than <see cref="Patience"/> a turn. Facts that
/// could not be written are kept in memory, told to the server, and written with the next transition that is. Lives on the loop.
/// </summary>
internal sealed partial class AgentLedger
{
    /// <summary>How long a write may take before the disk counts as one that refuses.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ILedgerStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly FailpointSet _failpoints;
    private readonly List<LedgerChange> _unwritten = [];
    private readonly Queue<Entry> _waiting = [];
    private bool _isWriting;

    // Why nothing is tried: a write is at the disk that has not come back. Null when there is none.
    private string? _late;

    /// <summary>Opens the ledger over a store.</summary>
    public AgentLedger(ILedgerStore store, TimeProvider time, ILogger log, FailpointSet? failpoints = null)
    {
        _failpoints = failpoints ?? FailpointSet.None;
        (_store, _time, _log) = (store, time, log);
        foreach (var change in store.Load())
        {
            Tables.Apply(change);
        }
    }

    /// <summary>The rows. What is not on disk is in here only when the disk refused it, or was noted a moment ago.</summary>
    public LedgerTables Tables { get; } = new();

    /// <summary>Why the disk refuses, or null when it does not.</summary>
    public string? Unwritable { get; private set; }

    /// <summary>Called after each transition with its changes, on the loop.</summary>
    public event Action<IReadOnlyList<LedgerChange>>? Changed;

    /// <summary>Called when the disk begins or ceases to refuse.</summary>
    public event Action? HealthChanged;

    /// <summary>Called when something was noted that is not on disk: <see cref="FlushAsync"/> is due.</summary>
    public event Action? Noted;

    /// <summary>Makes a transition durable, then visible; or neither. Nothing has changed in between when it is drawn up.</summary>
    public Task<WriteOutcome> CommitAsync(LedgerTransition transition) => EnterAsync(new Entry(transition, IsFact: false));

    /// <summary>Makes changes that depend on nothing durable, then visible; or neither.</summary>
    public Task<WriteOutcome> CommitAsync(params IReadOnlyList<LedgerChange> changes) => CommitAsync(_ => changes);

    /// <summary>Makes facts durable, then visible; visible all the same when the disk refuses, and durable as soon as it can be.</summary>
    public Task RecordAsync(LedgerTransition transition) => EnterAsync(new Entry(transition, IsFact: true));

    /// <summary>The same for facts that depend on no row.</summary>
    public Task RecordAsync(params IReadOnlyList<LedgerChange> changes) => RecordAsync(_ => changes);

    /// <summary>
    /// Makes visible at once, and durable with the next write, what is concluded again when it is lost, and concerns rows that nobody else changes meanwhile: a transition that is at
    /// the disk would undo it in memory.
    /// </summary>
    public void Note(params IReadOnlyList<LedgerChange> changes)
    {
        _unwritten.AddRange(changes);
        Publish(changes);
        Noted?.Invoke();
    }

    /// <summary>Tries to write what is not on disk, and whether the disk still refuses.</summary>
    public Task FlushAsync() => _late is null && (Unwritable is not null || _unwritten.Count > 0) ? EnterAsync(new Entry(static _ => [], IsFact: true)) : Task.CompletedTask;

    private Task<WriteOutcome> EnterAsync(Entry entry)
    {
        if (_late is { } reason)
        {
            Refuse(entry, reason);
            return entry.Done.Task;
        }

        _waiting.Enqueue(entry);
        if (!_isWriting)
        {
            _ = WriteAllAsync();
        }

        return entry.Done.Task;
    }

    private async Task WriteAllAsync()
    {
        _isWriting = true;
        while (_waiting.Count > 0)
        {
            Entry[] turn = [.. _waiting];
            _waiting.Clear();
            await WriteAsync(turn);
        }

        _isWriting = false;
    }

    /// <summary>One turn: everything that waits is written together, each as if those before it were done.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "An unexpected error goes to those who asked for the write, and must not end the writing.")]
    private async Task WriteAsync(IReadOnlyList<Entry> turn)
    {
        try
        {
            Draw(turn);
            var remembered = _unwritten.Count;
            LedgerChange[] changes = [.. _unwritten, .. turn.SelectMany(entry => entry.Changes)];
            WriteOutcome outcome;
            if (changes.Length == 0 && Unwritable is null)
            {
                foreach (var entry in turn)
                {
                    entry.Done.TrySetResult(WriteOutcome.Written.Value);
                }

                return;
            }

            if (_failpoints.Pass(Failpoint.LedgerBeforeWrite) is { } refusal)
            {
                outcome = new WriteOutcome.Unwritable(refusal);
            }
            else
            {
                var began = _time.GetUtcNow();
                var write = _store.WriteAsync(changes);
                await write.AtMostAsync(Patience, _time);
                if (!write.IsCompleted)
                {
                    TurnLate(turn, write, changes, began);
                    return;
                }

                outcome = await write;
            }

            _failpoints.Pass(Failpoint.LedgerWritten);
            if (outcome is WriteOutcome.Unwritable unwritable)
            {
                RefuseAll(turn, unwritable.Reason);
                ShowUnwritable(unwritable.Reason);
                return;
            }

            _unwritten.RemoveRange(0, remembered);
            foreach (var entry in turn)
            {
                Conclude(entry, outcome, entry.Changes);
            }

            if (Unwritable is not null)
            {
                Unwritable = null;
                LogWritable(remembered);
                HealthChanged?.Invoke();
            }
        }
        catch (Exception exception)
        {
            foreach (var entry in turn)
            {
                entry.Done.TrySetException(exception);
            }
        }
    }

    /// <summary>Draws up what each asks for, upon what those before it change.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "A bug in one transition must not reach those beside it.")]
    private void Draw(IReadOnlyList<Entry> turn)
    {
        var tables = turn.Count == 1 ? Tables : Tables.Copy();
        foreach (var entry in turn)
        {
            try
            {
                entry.Changes = [];
                entry.Changes = [.. entry.Transition(tables)];
            }
            catch (Exception exception)
            {
                entry.Done.TrySetException(exception);
            }

            foreach (var change in turn.Count == 1 ? [] : entry.Changes)
            {
                tables.Apply(change);
            }
        }
    }

    private void RefuseAll(IReadOnlyList<Entry> turn, string reason)
    {
        foreach (var entry in turn)
        {
            Refuse(entry, reason);
        }
    }

    /// <summary>A fact is true all the same; it is drawn up anew, since what it was drawn up upon may have been refused.</summary>
    private void Refuse(Entry entry, string reason)
    {
        var outcome = new WriteOutcome.Unwritable(reason);
        if (!entry.IsFact)
        {
            entry.Done.TrySetResult(outcome);
            return;
        }

        Draw([entry]);
        _unwritten.AddRange(entry.Changes);
        Conclude(entry, outcome, entry.Changes);
    }

    [SuppressMessage("Design", "CA1031", Justification = "A bug of those who are told goes to who asked for the write, and must not reach those beside it.")]
    private void Conclude(Entry entry, WriteOutcome outcome, IReadOnlyList<LedgerChange> changes)
    {
        try
        {
            Publish(changes);
            entry.Done.TrySetResult(outcome);
        }
        catch (Exception exception)
        {
            entry.Done.TrySetException(exception);
        }
    }

    /// <summary>
    /// The disk has not answered in time: from now on it refuses, until it does. Nobody knows whether what it holds will be written; so when it has answered, the rows concerned are
    /// written as they are by then.
    /// </summary>
    private void TurnLate(IReadOnlyList<Entry> turn, Task<WriteOutcome> write, IReadOnlyList<LedgerChange> changes, DateTimeOffset since)
    {
        _late = string.Create(CultureInfo.InvariantCulture, $"its disk has not answered since {since:yyyy-MM-dd HH:mm:ss} UTC, when {_store.Location} was to be written");
        _ = AwaitAnswerAsync(write, changes);
        Entry[] waiting = [.. turn, .. _waiting];
        _waiting.Clear();
        RefuseAll(waiting, _late);
        ShowUnwritable(_late);
    }

    [SuppressMessage("Design", "CA1031", Justification = "The store's bug is told; what it was to write is written again either way.")]
    private async Task AwaitAnswerAsync(Task<WriteOutcome> write, IReadOnlyList<LedgerChange> changes)
    {
        try
        {
            LogAnswered(await write is WriteOutcome.Unwritable unwritable ? unwritable.Reason : "written");
        }
        catch (Exception exception)
        {
            LogStoreFailed(exception);
        }

        // Each row once, as it is by now: what the disk took late may be newer than what was remembered before.
        LedgerChange[] rows = [.. _unwritten.Concat(changes).Select(Tables.AsItIs).OfType<LedgerChange>().Distinct()];
        _unwritten.Clear();
        _unwritten.AddRange(rows);
        _late = null;
        Noted?.Invoke();
    }

    private void ShowUnwritable(string reason)
    {
        if (Unwritable != reason)
        {
            Unwritable = reason;
            LogUnwritable(reason);
            HealthChanged?.Invoke();
        }
    }

    private void Publish(IReadOnlyList<LedgerChange> changes)
    {
        foreach (var change in changes)
        {
            Tables.Apply(change);
        }

        Changed?.Invoke(changes);
    }

    [LoggerMessage(EventId = 1101, Level = LogLevel.Error, Message = "The ledger cannot be written: {Reason}. New starts and storage work are refused; guests can still be stopped")]
    private partial void LogUnwritable(string reason);

    [LoggerMessage(EventId = 1102, Level = LogLevel.Warning, Message = "The ledger can be written again; {Count} remembered changes were written")]
    private partial void LogWritable(int count);

    [LoggerMessage(EventId = 1105, Level = LogLevel.Warning, Message = "The disk of the ledger has answered after all: {Answer}. What is remembered is written now")]
    private partial void LogAnswered(string answer);

    [LoggerMessage(EventId = 1106, Level = LogLevel.Error, Message = "A write of the ledger that was late ended by an unexpected error; this is a bug, and what is remembered is written now")]
    private partial void LogStoreFailed(Exception exception);

    /// <summary>A transition on its way to the disk.</summary>
    private sealed record Entry(LedgerTransition Transition, bool IsFact)
    {
        public IReadOnlyList<LedgerChange> Changes { get; set; } = [];

        public TaskCompletionSource<WriteOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>
/// Draws up changes from the rows as they are when its turn comes; none when there is nothing to change any more. It may be called again, upon other rows, when what was written
/// with it was refused.
/// </summary>
internal delegate IEnumerable<LedgerChange> LedgerTransition(LedgerTables tables);
