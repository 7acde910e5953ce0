using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.Transactions;

/// <summary>
/// Writes the <c>jobresult</c> of a job that succeeded. The API implements it. Called once, inside the transaction that completes the job, after the rows of
/// its entity were written; must only read, and only through the given connection.
/// </summary>
internal interface IJobResultRenderer
{
    /// <summary>Renders a result.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="job">The job, already in its final state but for the result.</param>
    /// <param name="cancellationToken">Ends the transaction.</param>
    /// <returns>A JSON object with exactly one key: <c>{"virtualmachine":{...}}</c>, <c>{"success":true}</c>.</returns>
    Task<string> RenderAsync(StoreConnection db, JobRow job, CancellationToken cancellationToken);
}
