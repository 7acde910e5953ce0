using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.AffinityGroups;

/// <summary>Which groups a VM is in. A group is that of the VM's own account, whoever puts it in.</summary>
internal sealed class AffinityBook : TurnPart, ITurnPart<AffinityBook>
{
    private AffinityBook(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static AffinityBook Of(Turn turn) => new(turn);

    /// <summary>Finds groups that were named, or says which is not there.</summary>
    /// <param name="account">Whose they must be.</param>
    /// <param name="named">The names or ids.</param>
    /// <param name="command">The command, for the error.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<(IReadOnlyList<AffinityGroupId> Groups, ApiFault? Fault)> FindAsync(AccountId account, GivenAffinity named, string command, CancellationToken cancellationToken)
    {
        if (named.Ids.Count > 0)
        {
            var wanted = named.Ids.Distinct().ToList();
            var found = await Db.AffinityGroups.Where(g => g.AccountId == account && wanted.Contains(g.Id)).Select(g => g.Id).ToListAsync(cancellationToken);
            return wanted.Where(id => !found.Contains(id)).Select(id => (AffinityGroupId?)id).FirstOrDefault() is { } unknown
                ? ([], Faults.NoSuchEntity(command, "affinitygroupids", unknown))
                : (wanted, null);
        }

        if (named.Names.Count == 0)
        {
            return ([], null);
        }

        var names = named.Names.Select(n => n.ToLowerInvariant()).Distinct().ToList();
        var byName = (await Db.AffinityGroups.Where(g => g.AccountId == account && names.Contains(g.Name.ToLower())).Select(g => new { g.Id, Name = g.Name.ToLower() }).ToListAsync(cancellationToken))
            .ToDictionary(g => g.Name, g => g.Id);
        return names.Find(n => !byName.ContainsKey(n)) is { } missing
            ? ([], Faults.Invalid($"Parameter affinitygroupnames of {command}: unable to find group by name {missing}"))
            : ([.. names.Select(n => byName[n])], null);
    }

    /// <summary>Puts a VM that is in no group into groups.</summary>
    public Task AddAsync(VmId vm, IReadOnlyList<AffinityGroupId> groups, CancellationToken cancellationToken) =>
        Db.InsertAllAsync(groups.Select(g => new AffinityMemberRow { GroupId = g, VmId = vm }).ToList(), cancellationToken);

    /// <summary>Takes a VM out of all groups.</summary>
    public Task LeaveAsync(VmId vm, CancellationToken cancellationToken) => Db.AffinityMembers.Where(m => m.VmId == vm).DeleteAsync(cancellationToken);
}

/// <summary>Groups that a call names, in one of two ways.</summary>
internal sealed record GivenAffinity
{
    /// <summary>None.</summary>
    public static GivenAffinity None { get; } = new();

    /// <summary>By their ids.</summary>
    public IReadOnlyList<AffinityGroupId> Ids { get; init; } = [];

    /// <summary>By their names.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];
}
