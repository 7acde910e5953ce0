using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Worlds.Client;

/// <summary>A call of the API as its client sees it.</summary>
internal sealed class Call(int number, string command)
{
    public int Number { get; } = number;

    public string Command { get; } = command;

    /// <summary>Answered, or known never to be.</summary>
    public bool IsOver { get; private set; }

    /// <summary>The connection broke: whether the server took it is not known.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Why it was refused.</summary>
    public ApiFault? Fault { get; private set; }

    /// <summary>The job it began.</summary>
    public JobId? Job { get; private set; }

    /// <summary>What it is about, or made.</summary>
    public Guid? Entity { get; private set; }

    /// <summary>How the job ended; null while it is pending.</summary>
    public JobState? JobState { get; set; }

    /// <summary>The result or the error of the job.</summary>
    public string? JobResult { get; set; }

    public bool IsAccepted => IsOver && !IsLost && Fault is null;

    /// <summary>Accepted, and its job, if it has one, succeeded.</summary>
    public bool Succeeded => IsAccepted && (Job is null || JobState == Core.States.JobState.Succeeded);

    public bool IsFinished => IsOver && (Job is null || JobState is not null and not Core.States.JobState.Pending);

    /// <summary>Told once it is over.</summary>
    public event Action? Answered;

    public void Lose() => End(() => IsLost = true);

    public void Refuse(ApiFault fault) => End(() => Fault = fault);

    public void Accept(JobId? job, Guid? entity) => End(() => (Job, Entity) = (job, entity));

    private void End(Action how)
    {
        how();
        IsOver = true;
        Answered?.Invoke();
    }

    public override string ToString() => IsLost ? "lost" : Fault is not null ? $"refused: {Fault.Text}" : !IsOver ? "open" : Job is null ? "done" : $"job {JobState}: {JobResult}";
}
