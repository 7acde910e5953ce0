using Holdfast.Agent.Ledger;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Obligations;

/// <summary>
/// How attachments become obligations and obligations become final, as ledger changes. Pure. The guard against releasing under a running machine lives here: a
/// volume is taken and what is owed about it made void in the same transaction, so a release is owed only while nobody holds the volume in that mode.
/// </summary>
internal static class ObligationRules
{
    /// <summary>Takes volumes: writes the attachments, in the place of what an inventory found of them, and makes void what is owed about them.</summary>
    public static IEnumerable<LedgerChange> Take(LedgerTables tables, IEnumerable<AttachmentRow> rows)
    {
        foreach (var row in rows)
        {
            foreach (var found in tables.Attachments.Values.Where(found =>
                found.State == AttachmentState.Found && found.Pool == row.Pool && found.Volume == row.Volume && found.Mode == row.Mode))
            {
                yield return new LedgerChange.DropAttachment(found.Key);
            }

            yield return new LedgerChange.PutAttachment(row);
            foreach (var owed in tables.Obligations.Values.Where(owed =>
                owed.IsOpen && owed.Pool == row.Pool && owed.Volume == row.Volume && owed.Mode == row.Mode && owed.Kind == ObligationKind.ReleaseAttachment))
            {
                yield return new LedgerChange.PutObligation(owed with { State = ObligationState.Superseded, NextTryAt = null });
            }
        }
    }

    /// <summary>Lets go of attachments: each becomes an obligation, unless somebody else holds the volume in the same mode and carries the duty on.</summary>
    /// <param name="tables">The ledger.</param>
    /// <param name="rows">The attachments.</param>
    /// <param name="cause">Why, in a sentence.</param>
    /// <param name="now">The time, for people.</param>
    /// <param name="nextId">Makes ids.</param>
    public static IEnumerable<LedgerChange> LetGo(LedgerTables tables, IEnumerable<AttachmentRow> rows, string cause, DateTimeOffset now, Func<Guid> nextId)
    {
        foreach (var row in rows)
        {
            yield return new LedgerChange.DropAttachment(row.Key);
            if (!tables.IsHeldByAnother(row.Volume, row.Mode, row.Owner))
            {
                yield return new LedgerChange.PutObligation(Place(tables, new ObligationRow
                {
                    Id = new ObligationId(nextId()),
                    Kind = row.Mode == AttachMode.MigrateIn ? ObligationKind.ClearTwoPrimaries : ObligationKind.ReleaseAttachment,
                    State = ObligationState.Owed,
                    Pool = row.Pool,
                    PoolName = row.PoolName,
                    Volume = row.Volume,
                    Mode = row.Mode,
                    Machine = row.Machine,
                    IsCut = row.Cut is not null,
                    BackendName = row.BackendName ?? $"hf-{row.Volume}",
                    Address = DiskAddress.Of(row.Source),
                    Generation = row.Generation,
                    Cause = cause,
                    CreatedAt = now,
                    NextTryAt = now,
                }));
            }
        }
    }

    /// <summary>Owes the deletion of a volume.</summary>
    public static ObligationRow OweDeletion(
        LedgerTables tables, ObligationId id, TaskSpec spec, VolumeId volume, Generation generation, TaskId? task, string cause, DateTimeOffset now) =>
        Place(tables, new ObligationRow
        {
            Id = id,
            Kind = ObligationKind.DeleteVolume,
            State = ObligationState.Owed,
            Pool = spec.PoolId,
            PoolName = spec.PoolName,
            Volume = volume,
            Task = task,
            BackendName = $"hf-{volume}",
            Generation = generation,
            Cause = cause,
            CreatedAt = now,
            NextTryAt = now,
        });

    /// <summary>Owes it to a volume that I/O on this host goes on, which a request held back and nobody let go on.</summary>
    public static ObligationRow OweResumption(LedgerTables tables, ObligationId id, PoolId pool, string poolName, WaitingVolume waiting, DateTimeOffset now)
    {
        var held = tables.Attachments.Values.Where(row => row.Pool == pool && row.Volume == waiting.VolumeId).OrderBy(row => row.Mode).FirstOrDefault();
        return new ObligationRow
        {
            Id = id,
            Kind = ObligationKind.ResumeIo,
            State = ObligationState.Owed,
            Pool = pool,
            PoolName = poolName,
            Volume = waiting.VolumeId,
            Machine = held?.Machine,
            BackendName = held?.BackendName ?? $"hf-{waiting.VolumeId}",
            Generation = held?.Generation ?? Generation.First,
            Cause = waiting.Text,
            CreatedAt = now,
            NextTryAt = now,
        };
    }

    /// <summary>A volume is wanted: makes void what is owed to delete it.</summary>
    public static IEnumerable<LedgerChange> Want(LedgerTables tables, PoolId pool, VolumeId volume) =>
        tables.Obligations.Values
            .Where(owed => owed.IsOpen && owed.Pool == pool && owed.Volume == volume && owed.Kind == ObligationKind.DeleteVolume)
            .SelectMany(owed => End(tables, owed, ObligationState.Superseded, "a newer task wants the volume"));

    /// <summary>The backend confirmed.</summary>
    public static IEnumerable<LedgerChange> Settle(LedgerTables tables, ObligationRow row) => End(tables, row, ObligationState.Settled, null);

    /// <summary>The backend has a newer wish about the volume than the one that this was owed for.</summary>
    public static IEnumerable<LedgerChange> Supersede(LedgerTables tables, ObligationRow row, Generation newer) =>
        End(tables, row, ObligationState.Superseded, $"the backend has the volume with generation {newer}, which is newer than {row.Generation}");

    /// <summary>A named person writes it off.</summary>
    public static IEnumerable<LedgerChange> Forget(LedgerTables tables, ObligationRow row, string by, string reason) =>
        End(tables, row, ObligationState.Forgotten, $"written off by {by}: {reason}");

    /// <summary>Nobody will try again: the pool is gone from this host.</summary>
    public static IEnumerable<LedgerChange> Orphan(LedgerTables tables, IEnumerable<ObligationRow> rows, string why) =>
        rows.SelectMany(row => End(tables, row, ObligationState.Orphaned, why));

    /// <summary>Whether a try would be unsafe or pointless now, because something else has to happen first.</summary>
    public static bool MustWait(LedgerTables tables, ObligationRow row) => row.Kind switch
    {
        ObligationKind.DeleteVolume =>
            tables.Attachments.Values.Any(held => held.Pool == row.Pool && held.Volume == row.Volume)
            || tables.Obligations.Values.Any(owed =>
                owed.IsOpen && owed.Id != row.Id && owed.Pool == row.Pool && owed.Volume == row.Volume && owed.Kind is not (ObligationKind.DeleteVolume or ObligationKind.ResumeIo)),
        ObligationKind.ResumeIo => false,
        _ => tables.Attachments.Values.Any(held => held.Pool == row.Pool && held.Volume == row.Volume && held.Mode == row.Mode),
    };

    private static IEnumerable<LedgerChange> End(LedgerTables tables, ObligationRow row, ObligationState state, string? why)
    {
        var words = (why, row.LastError) switch
        {
            (null, _) => row.LastError,
            (_, null) => why,
            _ when state == ObligationState.Orphaned => $"{why}; the last failure was: {row.LastError}",
            _ => why,
        };
        yield return new LedgerChange.PutObligation(row with { State = state, LastError = words, NextTryAt = null });
        if (row.Task is { } task && tables.Tasks.GetValueOrDefault(task) is { State: TaskState.Owed } waiting)
        {
            yield return new LedgerChange.PutTask(waiting with
            {
                State = state == ObligationState.Settled ? TaskState.Done : TaskState.Failed,
                Conditions = state == ObligationState.Settled ? [] :
                [
                    new Condition
                    {
                        Type = ConditionType.Failed,
                        PoolId = row.Pool,
                        Text = $"Volume {row.Volume} ({row.BackendName}) was not confirmed to be deleted from storage pool '{row.PoolName}': {words}",
                    },
                ],
            });
        }
    }

    /// <summary>What is owed to a pool that is already gone from this host is an orphan from the first moment.</summary>
    private static ObligationRow Place(LedgerTables tables, ObligationRow row)
    {
        var isKnown = tables.Item(ItemKind.Binding, row.Pool.Value) is not null || tables.SetAside.ContainsKey((ItemKind.Binding, row.Pool.Value));
        var isServed = isKnown && !tables.Bindings.ContainsKey(row.Pool);
        return isServed ? row : row with
        {
            State = ObligationState.Orphaned,
            NextTryAt = null,
            LastError = $"storage pool '{row.PoolName}' is not on this host any more",
        };
    }
}
