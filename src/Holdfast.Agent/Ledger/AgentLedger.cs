using Holdfast.Core.Failpoints;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Ledger;

/// <summary>
/// What the agent knows about itself, in memory and on disk, changed in transactions. Two ways in: <see cref="Commit"/> for what must be durable before an
/// effect (refused when the disk refuses), and <see cref="Record"/> for facts that are true whatever the disk says (a guest is gone). Facts that could not be
/// written are kept in memory, told to the server, and written with the next transaction that succeeds.
/// </summary>
internal sealed partial class AgentLedger
{
    private readonly ILedgerStore _store;
    private readonly ILogger _log;
    private readonly FailpointSet _failpoints;
    private readonly List<LedgerChange> _unwritten = [];

    /// <summary>Opens the ledger over a store.</summary>
    public AgentLedger(ILedgerStore store, ILogger log, FailpointSet? failpoints = null)
    {
        _failpoints = failpoints ?? FailpointSet.None;
        _store = store;
        _log = log;
        foreach (var change in store.Load())
        {
            Tables.Apply(change);
        }
    }

    /// <summary>The rows.</summary>
    public LedgerTables Tables { get; } = new();

    /// <summary>Why the disk refuses, or null when it does not.</summary>
    public string? Unwritable { get; private set; }

    /// <summary>Called after each transition with its changes, on the loop.</summary>
    public event Action<IReadOnlyList<LedgerChange>>? Changed;

    /// <summary>Called when the disk begins or ceases to refuse.</summary>
    public event Action? HealthChanged;

    /// <summary>Makes the changes durable, then visible; or neither.</summary>
    public WriteOutcome Commit(params IReadOnlyList<LedgerChange> changes)
    {
        var outcome = Write(changes);
        if (outcome is WriteOutcome.Written)
        {
            Publish(changes);
        }

        return outcome;
    }

    /// <summary>Makes facts visible whatever the disk says, and durable as soon as it can be.</summary>
    public void Record(params IReadOnlyList<LedgerChange> changes)
    {
        if (Write(changes) is WriteOutcome.Unwritable)
        {
            _unwritten.AddRange(changes);
        }

        Publish(changes);
    }

    /// <summary>Tries to write what could not be written before.</summary>
    public void Flush()
    {
        if (Unwritable is not null)
        {
            _ = Write([]);
        }
    }

    private WriteOutcome Write(IReadOnlyList<LedgerChange> changes)
    {
        var outcome = _failpoints.Pass(Failpoint.LedgerBeforeWrite) is { } refusal
            ? new WriteOutcome.Unwritable(refusal)
            : _store.Write([.. _unwritten, .. changes]);
        _failpoints.Pass(Failpoint.LedgerWritten);
        switch (outcome)
        {
            case WriteOutcome.Written:
                var written = _unwritten.Count;
                _unwritten.Clear();
                if (Unwritable is not null)
                {
                    Unwritable = null;
                    LogWritable(written);
                    HealthChanged?.Invoke();
                }

                break;
            case WriteOutcome.Unwritable refused when Unwritable != refused.Reason:
                Unwritable = refused.Reason;
                LogUnwritable(refused.Reason);
                HealthChanged?.Invoke();
                break;
        }

        return outcome;
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
}
