using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Tasks;

/// <summary>A part of a turn that has to do with what a task brought about. Each is asked about every task, and looks at those of its own.</summary>
internal interface ITaskFollower
{
    /// <summary>A task has another state than before; its row is written.</summary>
    /// <param name="task">The row as it was before.</param>
    /// <param name="state">How it is now.</param>
    /// <param name="error">Why it is not done; null: nothing is wrong.</param>
    /// <param name="status">What its host says of it; null: nothing, it was withdrawn.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task TaskChangedAsync(TaskRow task, WorkState state, string? error, TaskStatus? status, CancellationToken cancellationToken);
}
