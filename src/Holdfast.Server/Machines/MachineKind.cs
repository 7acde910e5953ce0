using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Security;
using Holdfast.Server.Store;
using Holdfast.Server.Transactions;
using LinqToDB.Async;

namespace Holdfast.Server.Machines;

/// <summary>VMs.</summary>
internal sealed class MachineKind : EntityKind<VmId>
{
    /// <summary>Made once.</summary>
    public MachineKind()
        : base(ResourceTypes.VirtualMachine, "listVirtualMachines", EntityReach.Owner)
    {
    }

    /// <inheritdoc/>
    public override string AnnotationType => "VM";

    /// <inheritdoc/>
    public override async Task<string?> RenderAsync(StoreConnection db, Guid id, Roles viewer, CancellationToken cancellationToken) =>
        await VirtualMachineRows.FindAsync(db, new VmId(id), cancellationToken) is { } entry ? VirtualMachineView.View.ToJson(VirtualMachineView.Key, entry, viewer) : null;

    /// <inheritdoc/>
    public override async Task<(string Field, Secret Value)?> SecretAsync(StoreConnection db, Guid id, JobId job, SecretBox secrets, CancellationToken cancellationToken)
    {
        var vm = new VmId(id);
        return await db.Vms.Where(v => v.Id == vm && v.PasswordJobId == job).Select(v => v.Password).FirstOrDefaultAsync(cancellationToken) is { } text
            ? (VirtualMachineView.Password, secrets.Unseal(SecretPurpose.VmPassword(vm), text))
            : null;
    }

    /// <inheritdoc/>
    public override string TagType => "UserVm";

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, AccountId>> OwnersAsync(StoreConnection db, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        var wanted = ids.Select(id => new VmId(id)).ToList();
        return await db.Vms.Where(r => wanted.Contains(r.Id) && r.Removed == null).ToDictionaryAsync(r => r.Id.Value, r => r.AccountId, cancellationToken);
    }

    /// <inheritdoc/>
    public override string IconType => "UserVm";

    /// <inheritdoc/>
    public override IQueryable<Guid> There(StoreConnection db) => db.Vms.Where(r => r.Removed == null).Select(r => StoreSql.Plain(r.Id));

    /// <inheritdoc/>
    protected override IQueryable<VmId> Find(StoreConnection db, VmId[] ids, EntityViewer viewer)
    {
        var owners = viewer.Owners;
        return db.Vms.Where(r => ids.Contains(r.Id) && owners.Any(a => a.Id == r.AccountId)).Select(r => r.Id);
    }
}
