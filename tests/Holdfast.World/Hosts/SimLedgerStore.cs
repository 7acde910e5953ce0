using Holdfast.Agent.Ledger;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.Hosts;

/// <summary>A host's ledger as its disk has it: it outlives agents, and an agent can be killed right before and right after each write.</summary>
internal sealed class SimLedgerStore(Recorder recorder, string host) : ILedgerStore
{
    private LedgerTables _tables = new();
    private LedgerDamage? _damage;

    /// <summary>F9: when set, the disk is full.</summary>
    public string? Refuse { get; set; }

    /// <summary>The agent that uses it now.</summary>
    public SimProcess? User { get; set; }

    /// <summary>Asked before and after each write; true: the agent is killed there.</summary>
    public Func<string, bool> KillsAt { get; set; } = static _ => false;

    /// <summary>Told when the agent was killed at a write, with where.</summary>
    public Action<string> Killed { get; init; } = static _ => { };

    /// <summary>What is on the disk.</summary>
    public LedgerTables Tables => _tables;

    public IReadOnlyList<LedgerChange> Load() =>
    [
        .. _tables.Items.Values.Select(row => new LedgerChange.PutItem(row)),
        .. _tables.Machines.Values.Select(row => new LedgerChange.PutMachine(row)),
        .. _tables.Attachments.Values.Select(row => new LedgerChange.PutAttachment(row)),
        .. _tables.Obligations.Values.Select(row => new LedgerChange.PutObligation(row)),
        .. _tables.Tasks.Values.Select(row => new LedgerChange.PutTask(row)),
        .. _tables.Bindings.Values.Select(row => new LedgerChange.PutBinding(row)),
        .. Enum.GetValues<LedgerNumber>().Select(number => new LedgerChange.SetNumber(number, _tables.Number(number))),
    ];

    public WriteOutcome Write(IReadOnlyList<LedgerChange> changes)
    {
        if (User is { IsDead: true })
        {
            throw new ProcessKilledException("ledger");
        }

        if (Refuse is { } reason)
        {
            return new WriteOutcome.Unwritable(reason);
        }

        if (changes.Count == 0)
        {
            return WriteOutcome.Written.Value;
        }

        Kill("before a write of the ledger");
        foreach (var change in changes)
        {
            _tables.Apply(change);
        }

        recorder.Add(new HistoryEntry.LedgerWritten(host, changes));
        Kill("after a write of the ledger");
        return WriteOutcome.Written.Value;
    }

    /// <summary>F26: part of it cannot be read any more; what can was written once, though perhaps not last.</summary>
    public void Damage(Func<LedgerChange, bool> survives)
    {
        var left = Load().Where(change => change is LedgerChange.PutAttachment or LedgerChange.PutObligation or LedgerChange.SetNumber && survives(change)).ToList();
        _damage = new LedgerDamage("database disk image is malformed", "/var/lib/holdfast/ledger.damaged", left);
        _tables = new LedgerTables();
        recorder.Add(new HistoryEntry.LedgerDamaged(host, []));
    }

    /// <summary>F26: the file opens as it was before, and nothing shows that it is not the newest. For an agent that does not run.</summary>
    /// <param name="older">What <see cref="Load"/> gave then.</param>
    public void GoBackTo(IReadOnlyList<LedgerChange> older)
    {
        _tables = new LedgerTables();
        foreach (var change in older)
        {
            _tables.Apply(change);
        }

        recorder.Add(new HistoryEntry.LedgerDamaged(host, older));
    }

    /// <summary>What a starting agent is told of the damage; once.</summary>
    public LedgerDamage? TakeDamage()
    {
        var damage = _damage;
        _damage = null;
        return damage;
    }

    /// <summary>The machine's disk is empty.</summary>
    public void Wipe()
    {
        _tables = new LedgerTables();
        _damage = null;
        Refuse = null;
    }

    public void Dispose()
    {
    }

    private void Kill(string point)
    {
        if (User is { } user && KillsAt(point))
        {
            user.Kill();
            Killed($"killed {point}");
            throw new ProcessKilledException(point);
        }
    }
}
