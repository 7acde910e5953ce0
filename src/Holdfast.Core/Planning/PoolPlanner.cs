using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>What hosts were told about a pool.</summary>
public enum BindingWish
{
    /// <summary>Serve it.</summary>
    Attached,

    /// <summary>Do not touch its backend.</summary>
    Quiesced,

    /// <summary>End its driver.</summary>
    Absent,
}

/// <summary>A pool on one installation of a host, as far as the pool's own state depends on it.</summary>
public sealed record PoolBindingFacts
{
    /// <summary>The host's name, for texts.</summary>
    public required string HostName { get; init; }

    /// <summary>Whether the host is heard of.</summary>
    public required bool IsHostUp { get; init; }

    /// <summary>What it was told.</summary>
    public required BindingWish Wish { get; init; }

    /// <summary>Whether its latest report answers to what it was told last.</summary>
    public required bool IsCurrent { get; init; }

    /// <summary>Reported: quiesced.</summary>
    public bool IsQuiesced { get; init; }

    /// <summary>Confirmed absent, or absolved.</summary>
    public bool IsAbsent { get; init; }

    /// <summary>Absent because a named person took the host out of the reckoning, not because it confirmed.</summary>
    public bool IsAbsolved { get; init; }

    /// <summary>Reported: attached, with its control plane up.</summary>
    public bool IsServing { get; init; }

    /// <summary>Reported: why only one host can use each volume; null: several can, or it is not told yet.</summary>
    public string? NotShared { get; init; }

    /// <summary>Reported capacity in bytes.</summary>
    public long? CapacityBytes { get; init; }

    /// <summary>What is wrong, in the backend's words; null: nothing said yet.</summary>
    public string? Error { get; init; }

    /// <summary>What is wrong and does not go by waiting, in the words of whoever refuses: the driver does not start, a setting is wrong, the backend says no; null: nothing of the kind.</summary>
    public string? Refusal { get; init; }

    /// <summary>What the host itself says stands in the way, whether or not it is an error; null: nothing.</summary>
    public string? Remark { get; init; }
}

/// <summary>Another pool that is the same storage at the backend, and was known to be it first.</summary>
/// <param name="Id">The pool.</param>
/// <param name="Name">Its name.</param>
/// <param name="Identity">What both are, as their drivers tell.</param>
public sealed record PoolTwin(PoolId Id, string Name, string Identity)
{
    /// <summary>What speaks against new volumes on the later one.</summary>
    public string Objection => $"it is the same storage as storage pool {Name} ({Id}): both are {Identity}";
}

/// <summary>A VM that uses a pool.</summary>
/// <param name="Id">The VM.</param>
/// <param name="Name">Its name.</param>
/// <param name="State">Its state.</param>
public sealed record PoolVmFacts(VmId Id, string Name, VmState State);

/// <summary>Everything that decides what follows for one pool.</summary>
public sealed record PoolStateFacts
{
    /// <summary>The pool.</summary>
    public required PoolId Id { get; init; }

    /// <summary>Its name, for texts.</summary>
    public required string Name { get; init; }

    /// <summary>Its state.</summary>
    public required PoolState State { get; init; }

    /// <summary>Which hosts have it.</summary>
    public required PoolScope Scope { get; init; }

    /// <summary>While it is being added: until when whoever adds it waits for the answer. What refuses before fails the call; afterwards only time, or that every host refuses for good, undoes it.</summary>
    public DateTimeOffset? AnswerBy { get; init; }

    /// <summary>While it is being added: until when a host must serve it.</summary>
    public DateTimeOffset? AddDeadline { get; init; }

    /// <summary>The pool that is the same storage and was first; null: none, or it is not known yet what this one is.</summary>
    public PoolTwin? Twin { get; init; }

    /// <summary>The one that is on record as that.</summary>
    public PoolId? KnownTwin { get; init; }

    /// <summary>Whether everybody was found to have let it go already.</summary>
    public bool IsGone { get; init; }

    /// <summary>Where it is, or is to be; confirmed absent ones included.</summary>
    public IReadOnlyList<PoolBindingFacts> Bindings { get; init; } = [];

    /// <summary>While maintenance is prepared: whether every VM with a volume on it was told to stop.</summary>
    public bool AreVmsTold { get; init; } = true;

    /// <summary>While maintenance is prepared: VMs with a volume on it whose guest is not gone; of those that were told one stands for all, and of a job that is late all are known.</summary>
    public IReadOnlyList<PoolVmFacts> ActiveVms { get; init; } = [];

    /// <summary>
    /// While maintenance is prepared and no guest is left: how many things hosts that reach the backend still owe it or have to do at it, and have had the time for that
    /// maintenance gives. What is owed by others, or for longer, is not in here.
    /// </summary>
    public int BeingSettled { get; init; }

    /// <summary>Whether VMs that its maintenance stopped wait to be started again.</summary>
    public bool HasVmsToStart { get; init; }

    /// <summary>Pending jobs.</summary>
    public IReadOnlyList<JobFacts> Jobs { get; init; } = [];

    /// <summary>The time.</summary>
    public required DateTimeOffset Now { get; init; }
}

/// <summary>One thing that follows for a pool. A closed hierarchy.</summary>
public abstract record PoolAction
{
    private protected PoolAction()
    {
    }

    /// <summary>Enters a state.</summary>
    /// <param name="State">The state.</param>
    public sealed record MoveTo(PoolState State) : PoolAction;

    /// <summary>The first host serves a pool that was being added: it is Up.</summary>
    /// <param name="HostName">The host.</param>
    public sealed record Added(string HostName) : PoolAction;

    /// <summary>The pool could not be added: it goes by tombstones, and is not listed.</summary>
    /// <param name="Why">In the backend's words.</param>
    public sealed record Undo(string Why) : PoolAction;

    /// <summary>It turned out to be the same storage as another pool, or is not any more: it takes no new volumes, or takes them again. What is on it goes on.</summary>
    /// <param name="Twin">The other; null: none.</param>
    public sealed record Same(PoolTwin? Twin) : PoolAction;

    /// <summary>Tells every host anew.</summary>
    /// <param name="Wish">What.</param>
    public sealed record Tell(BindingWish Wish) : PoolAction;

    /// <summary>A VM that uses it runs although all were told to stop: they are told anew, from the first on.</summary>
    public sealed record StopVms : PoolAction;

    /// <summary>Begins to start the VMs that its maintenance stopped.</summary>
    public sealed record RestartVms : PoolAction;

    /// <summary>The last host let it go.</summary>
    /// <param name="Confirmed">Hosts that confirmed.</param>
    /// <param name="Absolved">Hosts that were taken out of the reckoning, by name.</param>
    public sealed record Gone(int Confirmed, string Absolved) : PoolAction;

    /// <summary>Ends a job well.</summary>
    /// <param name="Job">The job.</param>
    public sealed record CompleteJob(JobId Job) : PoolAction;

    /// <summary>Ends a job badly.</summary>
    /// <param name="Job">The job.</param>
    /// <param name="Fault">Why.</param>
    public sealed record FailJob(JobId Job, PlanFault Fault) : PoolAction;
}

/// <summary>Decides what follows for a pool. Level-triggered, as <see cref="VmPlanner"/>. Needs no host online to end maintenance or to remove.</summary>
public static class PoolPlanner
{
    /// <summary>How many VMs are named to whoever waits for them.</summary>
    public const int MostNames = 20;

    /// <summary>Decides.</summary>
    /// <param name="facts">The facts.</param>
    /// <returns>What follows, in order; empty: nothing now.</returns>
    public static IReadOnlyList<PoolAction> Plan(PoolStateFacts facts)
    {
        var actions = new List<PoolAction>();
        foreach (var job in facts.Jobs.Where(j => j.Deadline <= facts.Now))
        {
            actions.Add(new PoolAction.FailJob(job.Id, new PlanFault(PlanFaultKind.TimedOut, $"Storage pool {facts.Name} ({facts.Id}) is in state {facts.State}: {WaitingFor(facts)}")));
        }

        if (actions.Count > 0)
        {
            return actions;
        }

        if (facts.State is not (PoolState.Initialized or PoolState.Removed) && facts.Twin?.Id != facts.KnownTwin)
        {
            actions.Add(new PoolAction.Same(facts.Twin));
        }

        switch (facts.State)
        {
            case PoolState.Initialized:
                PlanAdding(actions, facts);
                break;
            case PoolState.PrepareForMaintenance:
                PlanPreparing(actions, facts);
                break;
            case PoolState.CancelMaintenance:
                PlanCancelling(actions, facts);
                break;
            case PoolState.Removed when facts.Jobs.Count > 0:
                // A removal by force does not wait for what was under way.
                actions.AddRange(facts.Jobs.Select(j => new PoolAction.FailJob(j.Id, new PlanFault(PlanFaultKind.Overtaken, $"Storage pool {facts.Name} ({facts.Id}) was deleted meanwhile"))));
                break;
            case PoolState.Removed when !facts.IsGone && facts.Bindings.All(b => b.IsAbsent):
                actions.Add(new PoolAction.Gone(
                    facts.Bindings.Count(b => !b.IsAbsolved),
                    string.Join(", ", facts.Bindings.Where(b => b.IsAbsolved).Select(b => b.HostName))));
                break;
            case PoolState.Up or PoolState.Disabled when facts.HasVmsToStart:
                break;
            case PoolState.Up or PoolState.Disabled:
                Complete(actions, facts, JobKind.CancelStorageMaintenance);
                break;
            case PoolState.Maintenance:
                Complete(actions, facts, JobKind.EnableStorageMaintenance);
                break;
            default:
                break;
        }

        return actions;
    }

    private static void PlanAdding(List<PoolAction> actions, PoolStateFacts facts)
    {
        if (facts.Twin is { } twin)
        {
            actions.Add(new PoolAction.Undo($"storage pool {facts.Name} cannot be added: {twin.Objection}"));
            return;
        }

        foreach (var binding in facts.Bindings.Where(b => b.IsCurrent))
        {
            if (ScopeRule.Objection(facts.Scope, binding.NotShared) is { } objection)
            {
                var scope = facts.Scope.ToString().ToUpperInvariant();
                actions.Add(new PoolAction.Undo($"storage pool {facts.Name} can be added with scope HOST only, not {scope}. Host {binding.HostName} says: {objection}"));
                return;
            }
        }

        if (facts.Bindings.FirstOrDefault(b => b is { IsCurrent: true, IsServing: true, CapacityBytes: > 0 }) is { } first)
        {
            actions.Add(new PoolAction.Added(first.HostName));
            return;
        }

        if (facts.AddDeadline <= facts.Now)
        {
            actions.Add(new PoolAction.Undo("no host served it in time: " + AddingProgress.Describe(facts.Bindings)));
            return;
        }

        // Hosts may be away for a moment, when the server was, say; only a caller that waits is told at once that nobody can serve it.
        var asked = facts.Bindings.Where(b => b.IsHostUp).ToList();
        var isAwaited = facts.AnswerBy > facts.Now;
        if (asked.Count == 0)
        {
            if (isAwaited)
            {
                actions.Add(new PoolAction.Undo("there is no host up in its scope that could serve it"));
            }

            return;
        }

        var refusing = asked.Where(b => b.IsCurrent && ((isAwaited ? b.Error : b.Refusal) is not null || b is { IsServing: true, CapacityBytes: 0 })).ToList();
        if (refusing.Count == asked.Count)
        {
            actions.Add(new PoolAction.Undo(AddingProgress.Describe(asked)));
        }
    }

    private static void PlanPreparing(List<PoolAction> actions, PoolStateFacts facts)
    {
        actions.AddRange(facts.Jobs.Where(j => j.Kind == JobKind.CancelStorageMaintenance).Select(j => new PoolAction.FailJob(
            j.Id, new PlanFault(PlanFaultKind.Overtaken, $"Storage pool {facts.Name} ({facts.Id}) is being prepared for maintenance again"))));
        if (!facts.AreVmsTold)
        {
            return;
        }

        if (facts.ActiveVms.Any(v => v.State is VmState.Running or VmState.Starting))
        {
            actions.Add(new PoolAction.StopVms());
            return;
        }

        if (facts.ActiveVms.Count > 0)
        {
            return;
        }

        var present = facts.Bindings.Where(b => !b.IsAbsent).ToList();
        if (present.Any(b => b.Wish == BindingWish.Attached))
        {
            // Afterwards nobody calls the backend any more: what is released and deleted now is left on it by no removal.
            if (facts.BeingSettled == 0)
            {
                actions.Add(new PoolAction.Tell(BindingWish.Quiesced));
            }

            return;
        }

        // A host that is away reads its item before it does anything else; it cannot hold the others up.
        if (present.All(b => !b.IsHostUp || (b.IsCurrent && b.IsQuiesced)))
        {
            actions.Add(new PoolAction.MoveTo(PoolState.Maintenance));
            Complete(actions, facts, JobKind.EnableStorageMaintenance);
        }
    }

    private static void PlanCancelling(List<PoolAction> actions, PoolStateFacts facts)
    {
        var present = facts.Bindings.Where(b => !b.IsAbsent).ToList();
        if (present.Any(b => b.Wish == BindingWish.Quiesced))
        {
            actions.Add(new PoolAction.Tell(BindingWish.Attached));
            return;
        }

        // Whether the backend is well is another fact; the operator's word is carried out when the hosts took it.
        if (present.All(b => !b.IsHostUp || (b.IsCurrent && !b.IsQuiesced)))
        {
            actions.Add(new PoolAction.MoveTo(PoolState.Up));
            actions.Add(new PoolAction.RestartVms());
        }
    }

    private static void Complete(List<PoolAction> actions, PoolStateFacts facts, JobKind kind) =>
        actions.AddRange(facts.Jobs.Where(j => j.Kind == kind).Select(j => new PoolAction.CompleteJob(j.Id)));

    private static string WaitingFor(PoolStateFacts facts)
    {
        if (facts.ActiveVms.Count > 0)
        {
            return "the guests of these VMs are not gone: " + string.Join(", ", facts.ActiveVms.Take(MostNames).Select(v => $"{v.Name} ({v.Id}), state {v.State}"))
                + (facts.ActiveVms.Count > MostNames ? ", and others" : string.Empty);
        }

        if (facts.BeingSettled > 0)
        {
            return $"{facts.BeingSettled} things that are owed to it are being settled";
        }

        // What does not go by waiting is named: a driver that cannot be killed, say.
        var hosts = facts.Bindings
            .Where(b => !b.IsAbsent && b.IsHostUp && !(b.IsCurrent && (facts.State != PoolState.PrepareForMaintenance || b.IsQuiesced)))
            .Select(b => b is { IsCurrent: true, Remark: { } remark } ? $"{b.HostName} ({remark.TrimEnd('.')})" : b.HostName)
            .ToList();
        return hosts.Count > 0 ? "these hosts did not confirm: " + string.Join(", ", hosts) : "no host confirmed";
    }
}
