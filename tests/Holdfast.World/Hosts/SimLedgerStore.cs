using Holdfast.Agent.Ledger;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Simulation;

namespace Holdfast.Worlds.Hosts;

/// <summary>A host's ledger as its disk has it: it outlives agents, and an agent can be killed right before and right after each write.</summary>
internal sealed class SimLedgerStore(Simulator simulator, Recorder recorder, string host) : ILedgerStore
{
    private LedgerTables _tables = new();
    private LedgerDamage? _damage;
    private (SimProcess? By, IReadOnlyList<LedgerChange> Changes, TaskCompletionSource<WriteOutcome> Done)? _atTheDisk;

    /// <summary>F9: when set, the disk is full.</summary>
    public string? Refuse { get; set; }

    /// <summary>The disk hangs: a write is neither done nor refused until it does not any more.</summary>
    public bool Hangs { get; private set; }

    /// <summary>How long a write takes; a slow disk takes up to this.</summary>
    public TimeSpan Slowness { get; set; }

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

    public string Location => $"/var/lib/holdfast/{host}/ledger.db";

    /// <summary>The disk begins, or ceases, to hang. What it was given meanwhile is done then: of an agent that has died since, too.</summary>
    public void Hang(bool on)
    {
        Hangs = on;
        if (!on)
        {
            Land();
        }
    }

    /// <summary>A new agent reads it. What the one before had at the disk is done, or will never be.</summary>
    public void Open(SimProcess user)
    {
        User = user;
        if (_atTheDisk is not null && simulator.Chance(0.5))
        {
            Land();
        }

        _atTheDisk = null;
    }

    public async Task<WriteOutcome> WriteAsync(IReadOnlyList<LedgerChange> changes)
    {
        if (!Hangs && Slowness == TimeSpan.Zero)
        {
            return Write(changes);
        }

        if (_atTheDisk is { By: var by } && by == User)
        {
            throw new InvalidOperationException("Two writes of the ledger at once.");
        }

        var done = new TaskCompletionSource<WriteOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        _atTheDisk = (User, changes, done);
        if (!Hangs)
        {
            simulator.After(simulator.Between(TimeSpan.Zero, Slowness), () =>
            {
                if (!Hangs && _atTheDisk?.Done == done)
                {
                    Land();
                }
            });
        }

        return await done.Task;
    }

    private void Land()
    {
        if (_atTheDisk is not var (by, changes, done))
        {
            return;
        }

        _atTheDisk = null;
        if (by is { IsDead: true } || by != User)
        {
            // Nobody is left to be told.
            Apply(changes);
            return;
        }

        try
        {
            done.TrySetResult(Write(changes));
        }
        catch (ProcessKilledException)
        {
            // It ended with this write.
        }
    }

    private void Apply(IReadOnlyList<LedgerChange> changes)
    {
        foreach (var change in changes)
        {
            _tables.Apply(change);
        }

        recorder.Add(new HistoryEntry.LedgerWritten(host, changes));
    }

    private WriteOutcome Write(IReadOnlyList<LedgerChange> changes)
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
        Apply(changes);
        Kill("after a write of the ledger");
        return WriteOutcome.Written.Value;
    }

    /// <summary>F26: part of it cannot be read any more; what can was written once, though perhaps not last.</summary>
    public void Damage(Func<LedgerChange, bool> survives)
    {
        var left = Load().Where(change => change is LedgerChange.PutAttachment or LedgerChange.PutObligation or LedgerChange.SetNumber && survives(change)).ToList();
        _atTheDisk = null;
        _damage = new LedgerDamage("database disk image is malformed", "/var/lib/holdfast/ledger.damaged", left);
        _tables = new LedgerTables();
        recorder.Add(new HistoryEntry.LedgerDamaged(host, []));
    }

    /// <summary>F26: the file opens as it was before, and nothing shows that it is not the newest. For an agent that does not run.</summary>
    /// <param name="older">What <see cref="Load"/> gave then.</param>
    public void GoBackTo(IReadOnlyList<LedgerChange> older)
    {
        _atTheDisk = null;
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
        _atTheDisk = null;
        (Refuse, Hangs, Slowness) = (null, false, TimeSpan.Zero);
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
