using Holdfast.Server.Transactions;

namespace Holdfast.Server.Sweeps;

/// <summary>What a sweep has found. The work looks again, in a turn of its own: another node may have been there first.</summary>
/// <param name="What">What it is, for the log.</param>
/// <param name="Work">What is to be done.</param>
internal sealed record SweepFind(string What, Func<Turn, CancellationToken, Task> Work)
{
    /// <summary>What is written down when the work met a bug.</summary>
    public Func<Turn, Exception, CancellationToken, Task>? Failed { get; init; }

    /// <summary>For what takes more than one transaction: does a step instead of <see cref="Work"/>, and says whether there is more to do at once.</summary>
    public Func<Turn, CancellationToken, Task<bool>>? Step { get; init; }

    /// <summary>Something that is done in steps, each in a transaction of its own. Others are looked at in between.</summary>
    /// <param name="what">What it is, for the log.</param>
    /// <param name="step">Does the next step, and says whether there is more to do at once.</param>
    public static SweepFind InSteps(string what, Func<Turn, CancellationToken, Task<bool>> step) => new(what, step) { Step = step };

    /// <summary>Something that only has to be marked.</summary>
    /// <param name="what">What it is, for the log.</param>
    /// <param name="mark">Marks it.</param>
    public static SweepFind Settle(string what, Action<Turn> mark) => new(
        what,
        (turn, _) =>
        {
            mark(turn);
            return Task.CompletedTask;
        });
}
