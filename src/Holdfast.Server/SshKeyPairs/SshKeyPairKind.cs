using Holdfast.Core.Ids;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.SshKeyPairs;

/// <summary>SSH key pairs.</summary>
internal sealed class SshKeyPairKind : EntityKind<SshKeyPairId>
{
    /// <summary>Made once.</summary>
    public SshKeyPairKind()
        : base(ResourceTypes.SshKeyPair, "listSSHKeyPairs", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    protected override IQueryable<SshKeyPairId> Find(StoreConnection db, SshKeyPairId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.SshKeyPairs.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
