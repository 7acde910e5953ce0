using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.UserData;

/// <inheritdoc/>
internal sealed class UserDataOperations : IUserDataOperations
{
    private const int Named = 10;

    private readonly TurnFactory _turns;

    /// <summary>Made once per node.</summary>
    public UserDataOperations(TurnFactory turns) => _turns = turns;

    /// <inheritdoc/>
    public Task<Outcome<UserDataId>> RegisterAsync(Caller caller, string name, string content, string? variables, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<UserDataId>>(
        async (turn, ct) =>
        {
            var account = await turn.Db.Accounts.SingleAsync(a => a.Id == caller.AccountId, ct);
            if (await caller.WhyNotOwnerAsync(turn.Db, account, ct) is { } ended)
            {
                return new Outcome<UserDataId>.Refused(ended);
            }

            if (await turn.Db.UserData.AnyAsync(u => u.AccountId == account.Id && u.Name == name, ct))
            {
                return new Outcome<UserDataId>.Refused(Faults.Invalid($"A userdata with name {name} already exists for account {account.Name}"));
            }

            var row = new UserDataRow { Id = new UserDataId(turn.NewId()), AccountId = account.Id, Name = name, Content = content, Params = variables, Created = turn.Now };
            await turn.Db.InsertAsync(row, token: ct);
            await TellAsync(turn, caller, EventTypes.UserDataRegister, $"Registered user data {name} ({row.Id}) of account {account.Name}", row.Id, name, ct);
            return new Outcome<UserDataId>.Done(row.Id);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Outcome<Success>> DeleteAsync(Caller caller, UserDataId id, CancellationToken cancellationToken) => _turns.RunAsync<Outcome<Success>>(
        async (turn, ct) =>
        {
            var owners = caller.Accounts(turn.Db);
            var name = await turn.Db.UserData.Where(u => u.Id == id && owners.Any(a => a.Id == u.AccountId)).Select(u => u.Name).FirstOrDefaultAsync(ct);
            if (name is null)
            {
                return new Outcome<Success>.Refused(Faults.NoSuchEntity("deleteUserData", "id", id));
            }

            var users = turn.Db.Vms.Where(v => v.UserDataId == id && v.Removed == null);
            if (await users.CountAsync(ct) is > 0 and var count)
            {
                var named = await users.OrderBy(v => v.Created).ThenBy(v => v.Id).Take(Named).Select(v => new { v.Name, v.Id }).ToListAsync(ct);
                return new Outcome<Success>.Refused(Faults.InUse(
                    $"Userdata {name} ({id}) cannot be removed as it is being used by {count} VMs: {string.Join(", ", named.Select(v => $"{v.Name} ({v.Id})"))}{(count > Named ? ", ..." : string.Empty)}"));
            }

            var templates = turn.Db.Templates.Where(t => t.UserDataId == id && t.Removed == null);
            if (await templates.CountAsync(ct) is > 0 and var links)
            {
                var named = await templates.OrderBy(t => t.Created).ThenBy(t => t.Id).Take(Named).Select(t => new { t.Name, t.Id }).ToListAsync(ct);
                return new Outcome<Success>.Refused(Faults.InUse(
                    $"Userdata {name} ({id}) cannot be removed as it is linked to {links} templates: {string.Join(", ", named.Select(t => $"{t.Name} ({t.Id})"))}{(links > Named ? ", ..." : string.Empty)}"));
            }

            await turn.Db.UserData.Where(u => u.Id == id).DeleteAsync(ct);
            await TellAsync(turn, caller, EventTypes.UserDataDelete, $"Deleted user data {name} ({id})", id, name, ct);
            return new Outcome<Success>.Done(Success.Value);
        },
        cancellationToken);

    private static Task TellAsync(Turn turn, Caller caller, string type, string text, UserDataId id, string name, CancellationToken cancellationToken) =>
        turn.TellAsync(type, EventLevel.Info, EventState.Completed, text, caller.AccountId, caller.UserId, ResourceTypes.UserData, id.Value, name, null, cancellationToken);
}
