using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;

namespace Holdfast.Server.AffinityGroups;

/// <summary>The affinitygroup object.</summary>
internal static class AffinityGroupView
{
    /// <summary>Its key.</summary>
    public const string Key = "affinitygroup";

    /// <summary>The object.</summary>
    public static View<AffinityGroupEntry> View { get; } = View<AffinityGroupEntry>.Build(v => v
        .Id("id", "the id of the group", e => e.Group.Id)
        .Text("name", "the name of the group", e => e.Group.Name)
        .Text("type", "what its VMs want of each other", e => AffinityTypes.NameOf(e.Group.Type))
        .Text("description", "the description of the group", e => e.Group.Description)
        .Include(OwnerView.View, e => e.Account)
        .Id("domainid", "the id of the owner's domain", e => e.Domain.Id)
        .Text("domain", "the owner's domain", e => e.Domain.Name)
        .Text("domainpath", "the path of the owner's domain", e => e.Domain.Path)
        .Texts("virtualmachineIds", "the ids of its VMs", e => e.Vms));

    /// <summary>The groups of some accounts, without their VMs.</summary>
    public static IQueryable<AffinityGroupEntry> Entries(StoreConnection db, IQueryable<AccountRow> accounts) =>
        from g in db.AffinityGroups
        join account in accounts on g.AccountId equals account.Id
        join domain in db.Domains on account.DomainId equals domain.Id
        select new AffinityGroupEntry { Group = g, Account = account, Domain = domain };

    /// <summary>The same groups, with their VMs.</summary>
    public static async Task<IReadOnlyList<AffinityGroupEntry>> WithVmsAsync(StoreConnection db, IReadOnlyList<AffinityGroupEntry> entries, CancellationToken cancellationToken)
    {
        var members = await Listing.ChildrenAsync(
            entries.Select(e => e.Group.Id),
            chunk => db.AffinityMembers.Where(m => chunk.Contains(m.GroupId)).OrderBy(m => m.GroupId).ThenBy(m => m.VmId),
            cancellationToken);
        var vmsOf = members.ToLookup(m => m.GroupId, m => m.VmId.ToString());
        return [.. entries.Select(e => e with { Vms = [.. vmsOf[e.Group.Id]] })];
    }
}

/// <summary>A group with the rows its response object is made from.</summary>
internal sealed record AffinityGroupEntry
{
    public required AffinityGroupRow Group { get; init; }

    public required AccountRow Account { get; init; }

    public required DomainRow Domain { get; init; }

    /// <summary>The ids of its VMs.</summary>
    public IReadOnlyList<string> Vms { get; init; } = [];
}
