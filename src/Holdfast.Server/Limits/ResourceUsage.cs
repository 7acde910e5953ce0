using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.Limits;

/// <summary>
/// What accounts have, added up from the rows themselves: there is no counter that a crash or a forgotten way out could leave wrong. A VM counts until it is destroyed, and not
/// when its deployment failed; a volume counts until its deletion is asked for, whatever is still owed for it; a project counts for each who owns it. Each method is one statement.
/// </summary>
internal static class ResourceUsage
{
    /// <summary>What some accounts have together, of what is asked about.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="accounts">The accounts.</param>
    /// <param name="asked">What is asked about: all of which it has anything.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<ResourceAmounts> OfAsync(StoreConnection db, IQueryable<AccountRow> accounts, ResourceAmounts asked, CancellationToken cancellationToken)
    {
        List<IQueryable<Part>> kinds = [];
        if (asked.Vms + asked.Cpus + asked.MemoryMib > 0)
        {
            kinds.Add(Vms(db));
        }

        if (asked.Volumes + asked.StorageBytes > 0)
        {
            kinds.Add(Volumes(db));
        }

        if (asked.Templates > 0)
        {
            kinds.Add(Templates(db));
        }

        if (asked.Projects > 0)
        {
            kinds.Add(Projects(db));
        }

        var parts = kinds.Aggregate((one, other) => one.Concat(other));
        return await Sums(from p in parts join a in accounts on p.Account equals a.Id select new Keyed<int> { Key = 0, Part = p }).Select(s => s.Amounts).FirstOrDefaultAsync(cancellationToken)
            ?? new ResourceAmounts();
    }

    /// <summary>What each of some accounts has; one that has nothing is left out.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="ids">The accounts; few enough for one statement.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task<Dictionary<AccountId, ResourceAmounts>> ByAccountAsync(StoreConnection db, IReadOnlyCollection<AccountId> ids, CancellationToken cancellationToken) =>
        Sums(from p in All(db) where ids.Contains(p.Account) select new Keyed<AccountId> { Key = p.Account, Part = p }).ToDictionaryAsync(s => s.Key, s => s.Amounts, cancellationToken);

    /// <summary>What each of some domains has, with all below it; one that has nothing is left out.</summary>
    /// <param name="db">The transaction.</param>
    /// <param name="ids">The domains; few enough for one statement.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task<Dictionary<DomainId, ResourceAmounts>> ByDomainAsync(StoreConnection db, IReadOnlyCollection<DomainId> ids, CancellationToken cancellationToken) => Sums(
        from p in All(db)
        join a in db.Accounts on p.Account equals a.Id
        join d in db.Domains on a.DomainId equals d.Id
        from top in db.Domains
        where ids.Contains(top.Id) && d.Removed == null && (d.Path == top.Path || d.Path.StartsWith(top.Path + "/"))
        select new Keyed<DomainId> { Key = top.Id, Part = p }).ToDictionaryAsync(s => s.Key, s => s.Amounts, cancellationToken);

    private static IQueryable<Summed<TKey>> Sums<TKey>(IQueryable<Keyed<TKey>> parts) =>
        from k in parts
        group k by k.Key into g
        select new Summed<TKey>
        {
            Key = g.Key,
            Amounts = new ResourceAmounts
            {
                Vms = g.Sum(k => k.Part.Vms),
                Running = g.Sum(k => k.Part.Running),
                Cpus = g.Sum(k => k.Part.Cpus),
                MemoryMib = g.Sum(k => k.Part.MemoryMib),
                Volumes = g.Sum(k => k.Part.Volumes),
                StorageBytes = g.Sum(k => k.Part.StorageBytes),
                Templates = g.Sum(k => k.Part.Templates),
                Projects = g.Sum(k => k.Part.Projects),
            },
        };

    private static IQueryable<Part> All(StoreConnection db) => Vms(db).Concat(Volumes(db)).Concat(Templates(db)).Concat(Projects(db));

    private static IQueryable<Part> Vms(StoreConnection db) =>
        from v in db.Vms
        where v.Removed == null && v.State != VmState.Destroyed && v.State != VmState.Expunging && v.State != VmState.Error
        select new Part
        {
            Account = v.AccountId,
            Vms = 1,
            Running = v.State == VmState.Running || v.State == VmState.Starting ? 1 : 0,
            Cpus = v.Cpus,
            MemoryMib = v.MemoryMib,
            Volumes = 0,
            StorageBytes = 0,
            Templates = 0,
            Projects = 0,
        };

    private static IQueryable<Part> Volumes(StoreConnection db) =>
        from v in db.Volumes
        where v.Removed == null && v.State != VolumeState.Destroy && v.State != VolumeState.Expunging && !db.Vms.Any(vm => vm.Id == v.VmId && vm.State == VmState.Error)
        select new Part
        {
            Account = v.AccountId,
            Vms = 0,
            Running = 0,
            Cpus = 0,
            MemoryMib = 0,
            Volumes = 1,
            StorageBytes = v.WantedSizeBytes ?? v.SizeBytes,
            Templates = 0,
            Projects = 0,
        };

    private static IQueryable<Part> Templates(StoreConnection db) =>
        from t in db.Templates
        where t.Removed == null
        select new Part
        {
            Account = t.AccountId,
            Vms = 0,
            Running = 0,
            Cpus = 0,
            MemoryMib = 0,
            Volumes = 0,
            StorageBytes = 0,
            Templates = 1,
            Projects = 0,
        };

    // Of one that is being deleted nobody has anything any more but that it ends.
    private static IQueryable<Part> Projects(StoreConnection db) =>
        from m in db.ProjectMembers
        join p in db.Accounts on m.ProjectId equals p.Id
        where m.Owns && p.Deleted == null
        select new Part
        {
            Account = m.AccountId,
            Vms = 0,
            Running = 0,
            Cpus = 0,
            MemoryMib = 0,
            Volumes = 0,
            StorageBytes = 0,
            Templates = 0,
            Projects = 1,
        };

    // One row's part.
    private sealed record Part
    {
        public required AccountId Account { get; init; }

        public required long Vms { get; init; }

        public required long Running { get; init; }

        public required long Cpus { get; init; }

        public required long MemoryMib { get; init; }

        public required long Volumes { get; init; }

        public required long StorageBytes { get; init; }

        public required long Templates { get; init; }

        public required long Projects { get; init; }
    }

    private sealed record Keyed<TKey>
    {
        public required TKey Key { get; init; }

        public required Part Part { get; init; }
    }

    private sealed record Summed<TKey>
    {
        public required TKey Key { get; init; }

        public required ResourceAmounts Amounts { get; init; }
    }
}
