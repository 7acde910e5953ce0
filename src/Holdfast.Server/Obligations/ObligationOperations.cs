using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Protocol.Host;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tasks;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Obligations;

/// <inheritdoc/>
internal sealed class ObligationOperations : IObligationOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public ObligationOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<ObligationRow>> RetryAsync(Caller caller, ObligationId obligationId, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<ObligationRow>>(
        async (turn, ct) =>
        {
            var row = await turn.Db.Obligations.FirstOrDefaultAsync(o => o.Id == obligationId, ct);
            if (row is null)
            {
                return new Outcome<ObligationRow>.Refused(Faults.NoSuchEntity("retryObligation", "id", obligationId));
            }

            if (row.State != ObligationState.Owed)
            {
                return new Outcome<ObligationRow>.Refused(Faults.Invalid($"Obligation {row.Id} is not owed any more, its state is {row.State}"));
            }

            if (!await turn.IsActiveAsync(row.IncarnationId, ct))
            {
                return new Outcome<ObligationRow>.Refused(Faults.Invalid($"Obligation {row.Id} belongs to an installation that was retired; nobody can try it, it can only be forgotten"));
            }

            await turn.Part<TaskDesk>().AddTaskAsync(
                row.IncarnationId,
                WorkKind.RetryObligation,
                null,
                new TaskSpec.RetryObligation { PoolId = row.PoolId, PoolName = row.PoolName, ObligationId = row.Id },
                turn.Now + turn.Timings.ChangeDeadline,
                ct,
                row.Id);
            return new Outcome<ObligationRow>.Done(row);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<ObligationRow>> ForgetAsync(Caller caller, ObligationId obligationId, string reason, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<ObligationRow>>(
        async (turn, ct) =>
        {
            var row = await turn.Db.Obligations.FirstOrDefaultAsync(o => o.Id == obligationId, ct);
            if (row is null)
            {
                return new Outcome<ObligationRow>.Refused(Faults.NoSuchEntity("forgetObligation", "id", obligationId));
            }

            if (string.IsNullOrWhiteSpace(reason))
            {
                return new Outcome<ObligationRow>.Refused(Faults.Missing("forgetObligation", "reason"));
            }

            if (row.State is not (ObligationState.Owed or ObligationState.Orphaned))
            {
                return new Outcome<ObligationRow>.Refused(Faults.Invalid($"Obligation {row.Id} is not owed any more, its state is {row.State}"));
            }

            var forgotten = row with { ForgottenBy = caller.UserName, Reason = reason.Trim(), Updated = turn.Now };
            if (row.State == ObligationState.Owed && await turn.IsActiveAsync(row.IncarnationId, ct))
            {
                // The host's ledger is the truth: the row becomes Forgotten when it says so.
                await turn.Part<TaskDesk>().AddTaskAsync(
                    row.IncarnationId,
                    WorkKind.ForgetObligation,
                    null,
                    new TaskSpec.ForgetObligation { PoolId = row.PoolId, PoolName = row.PoolName, ObligationId = row.Id, Reason = forgotten.Reason, By = caller.UserName },
                    null,
                    ct,
                    row.Id);
                await turn.Db.UpdateAsync(forgotten, token: ct);
                await AuditAsync(turn, caller, EventTypes.ObligationForget, $"{caller.UserName} told its host to write off", forgotten, ct);
                return new Outcome<ObligationRow>.Done(forgotten);
            }

            forgotten = forgotten with { State = ObligationState.Forgotten, Settled = turn.Now, NextTry = null };
            await turn.Db.UpdateAsync(forgotten, token: ct);
            await AuditAsync(turn, caller, EventTypes.ObligationForgotten, $"{caller.UserName} wrote off", forgotten, ct);
            return new Outcome<ObligationRow>.Done(forgotten);
        },
        cancellationToken);

    private static Task AuditAsync(Turn turn, Caller caller, string type, string who, ObligationRow row, CancellationToken cancellationToken) => turn.TellAsync(
        type,
        EventLevel.Warn,
        EventState.Completed,
        $"{who} obligation {row.Id} ({row.Kind} of volume {row.VolumeId}, {row.BackendName}, on storage pool {row.PoolName} ({row.PoolId})): {row.Reason}",
        caller.AccountId,
        caller.UserId,
        ResourceTypes.Obligation,
        row.Id.Value,
        null,
        null,
        cancellationToken);
}
