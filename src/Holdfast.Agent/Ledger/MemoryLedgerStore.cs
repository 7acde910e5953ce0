namespace Holdfast.Agent.Ledger;

/// <summary>A store that survives the agent but not the process: for simulations, where an agent ends at any point and a new one opens the same store.</summary>
internal sealed class MemoryLedgerStore : ILedgerStore
{
    private readonly List<LedgerChange> _changes = [];

    /// <inheritdoc/>
    public string Location => "ledger.db";

    /// <summary>When set, what every write answers: the disk is full.</summary>
    public string? Refuse { get; set; }

    /// <summary>When set, what every write waits for before it is begun: the disk hangs, or is slow.</summary>
    public Func<Task>? Hang { get; set; }

    /// <summary>Called before each write; a simulation ends the agent here.</summary>
    public Action<IReadOnlyList<LedgerChange>>? BeforeWrite { get; set; }

    /// <summary>Called after each write; a simulation ends the agent here.</summary>
    public Action<IReadOnlyList<LedgerChange>>? AfterWrite { get; set; }

    /// <inheritdoc/>
    public IReadOnlyList<LedgerChange> Load() => [.. _changes];

    /// <inheritdoc/>
    public async Task<WriteOutcome> WriteAsync(IReadOnlyList<LedgerChange> changes)
    {
        if (Hang is { } hang)
        {
            await hang();
        }

        return Write(changes);
    }

    /// <summary>Writes at once.</summary>
    public WriteOutcome Write(IReadOnlyList<LedgerChange> changes)
    {
        if (Refuse is { } reason)
        {
            return new WriteOutcome.Unwritable(reason);
        }

        BeforeWrite?.Invoke(changes);
        _changes.AddRange(changes);
        AfterWrite?.Invoke(changes);
        return WriteOutcome.Written.Value;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
