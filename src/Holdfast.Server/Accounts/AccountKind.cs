using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Accounts;

/// <summary>Accounts.</summary>
internal sealed class AccountKind : EntityKind<AccountId>
{
    /// <summary>Made once.</summary>
    public AccountKind()
        : base(ResourceTypes.Account, "listAccounts", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken) =>
        await AccountEntry.FindAsync(db, new AccountId(id), cancellationToken) is { } entry ? AccountCommands.View.ToJson("account", entry, viewer) : null;

    /// <inheritdoc/>
    public override string IconType => "Account";

    /// <inheritdoc/>
    public override IQueryable<Guid> There(StoreConnection db) => db.Accounts.Where(r => r.Removed == null && r.Type != AccountRow.Project).Select(r => StoreSql.Plain(r.Id));

    /// <inheritdoc/>
    protected override IQueryable<AccountId> Find(StoreConnection db, AccountId[] ids, EntityViewer viewer) =>
        viewer.Owners.Where(r => ids.Contains(r.Id) && r.Type != AccountRow.Project).Select(r => r.Id);
}
