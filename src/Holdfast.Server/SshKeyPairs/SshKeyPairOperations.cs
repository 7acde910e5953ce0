using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.SshKeyPairs;

/// <inheritdoc/>
internal sealed class SshKeyPairOperations : ISshKeyPairOperations
{
    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public SshKeyPairOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<SshKeyPairRow>> AddAsync(Caller caller, string name, SshPublicKey key, bool isGiven, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<SshKeyPairRow>>(
        async (turn, ct) =>
        {
            var account = await turn.Db.Accounts.SingleAsync(a => a.Id == caller.AccountId, ct);
            if (await caller.WhyNotOwnerAsync(turn.Db, account, ct) is { } ended)
            {
                return new Outcome<SshKeyPairRow>.Refused(ended);
            }

            var own = turn.Db.SshKeyPairs.Where(k => k.AccountId == account.Id);
            if (await own.AnyAsync(k => k.Name == name, ct))
            {
                return new Outcome<SshKeyPairRow>.Refused(Faults.Invalid($"A key pair with name '{name}' already exists for account {account.Name}"));
            }

            if (isGiven && await own.FirstOrDefaultAsync(k => k.PublicKey == key.Text, ct) is { } same)
            {
                return new Outcome<SshKeyPairRow>.Refused(Faults.Invalid($"A key pair with key '{key.Text}' already exists for account {account.Name}: {same.Name}"));
            }

            var row = new SshKeyPairRow { Id = new SshKeyPairId(turn.NewId()), AccountId = account.Id, Name = name, PublicKey = key.Text, Fingerprint = key.Fingerprint, Created = turn.Now };
            await turn.Db.InsertAsync(row, token: ct);
            await TellAsync(turn, caller, isGiven ? EventTypes.SshKeyPairRegister : EventTypes.SshKeyPairCreate, $"{(isGiven ? "Registered" : "Created")} SSH key pair {name} ({row.Id}) of account {account.Name}", row, ct);
            return new Outcome<SshKeyPairRow>.Done(row);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, string name, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            if (await caller.WhyNotActForAsync(turn.Db, ct) is { } others)
            {
                return new Outcome<Success>.Refused(others);
            }

            if (await turn.Db.SshKeyPairs.FirstOrDefaultAsync(k => k.AccountId == caller.AccountId && k.Name == name, ct) is not { } row)
            {
                var account = await turn.Db.Accounts.SingleAsync(a => a.Id == caller.AccountId, ct);
                return new Outcome<Success>.Refused(Faults.Invalid($"A key pair with name '{name}' does not exist for account {account.Name} in specified domain id"));
            }

            await turn.Db.SshKeyPairs.Where(k => k.Id == row.Id).DeleteAsync(ct);
            await TellAsync(turn, caller, EventTypes.SshKeyPairDelete, $"Deleted SSH key pair {name} ({row.Id})", row, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, SshKeyPairRow row, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.SshKeyPair, row.Id.Value, row.Name, null, cancellationToken);
}
