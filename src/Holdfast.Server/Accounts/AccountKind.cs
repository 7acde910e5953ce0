using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;

namespace Holdfast.Server.Accounts;

/// <summary>Accounts.</summary>
internal sealed class AccountKind : EntityKind<AccountId>
{
    /// <summary>Made once.</summary>
    public AccountKind()
        : base("Account", "listAccounts", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<AccountId> Find(StoreConnection db, AccountId[] ids, EntityViewer viewer) =>
        viewer.Owners.Where(r => ids.Contains(r.Id)).Select(r => r.Id);
}
