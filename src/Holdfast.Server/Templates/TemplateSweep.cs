using Holdfast.Core.States;
using Holdfast.Server.Sweeps;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Templates;

/// <summary>Copies of templates whose deletion nobody has, and templates that no storage pool has.</summary>
internal sealed class TemplateSweep : ISweep
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<SweepFind>> FindAsync(SweepMoment moment, CancellationToken cancellationToken)
    {
        var finds = new List<SweepFind>();
        var undeleted = await (from c in moment.Db.TemplateCopies
                               from t in moment.Db.Tasks.LeftJoin(t => t.Id == c.TaskId)
                               where c.State == TemplateCopyState.Deleting && c.Removed == null
                                   && (c.TaskId == null || t.State == WorkState.Withdrawn || (t.State == WorkState.Failed && t.Completed <= moment.Retry))
                               orderby c.Created
                               select new { c.Id, c.TaskId }).Take(SweepMoment.Batch).ToListAsync(cancellationToken);
        foreach (var undone in undeleted)
        {
            finds.Add(new SweepFind(
                $"template copy {undone.Id}",
                async (turn, ct) =>
                {
                    var copy = await turn.Db.TemplateCopies.FirstOrDefaultAsync(
                        c => c.Id == undone.Id && c.State == TemplateCopyState.Deleting && c.TaskId == undone.TaskId && c.Removed == null, ct);
                    if (copy is not null)
                    {
                        await turn.Part<TemplateCopies>().DeleteCopyAsync(copy, ct);
                    }
                }));
        }

        if (await moment.Db.Templates.AnyAsync(t => t.State == TemplateState.Pending && t.Removed == null, cancellationToken))
        {
            finds.Add(new SweepFind("templates", (turn, ct) => turn.Part<TemplateCopies>().SeedTemplatesAsync(ct)));
        }

        return finds;
    }
}
