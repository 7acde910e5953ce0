using Holdfast.Core.Ids;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;

namespace Holdfast.Server.InstanceGroups;

/// <summary>Groups of VMs by name: a VM that names one which is not there makes it.</summary>
internal sealed class InstanceGroupBook : TurnPart, ITurnPart<InstanceGroupBook>
{
    private const int Longest = 255;

    private InstanceGroupBook(Turn turn)
        : base(turn)
    {
    }

    /// <inheritdoc/>
    public static InstanceGroupBook Of(Turn turn) => new(turn);

    /// <summary>Why a name will not do; null: it will.</summary>
    public static ApiFault? NameFault(string name) => string.IsNullOrWhiteSpace(name) || name.Length > Longest || name.Any(char.IsControl)
        ? Faults.Invalid($"The name of a group must have 1 to {Longest} printable characters")
        : null;

    /// <summary>The group of an account with a name; null: there is none.</summary>
    public Task<InstanceGroupRow?> FindAsync(AccountId account, string name, CancellationToken cancellationToken)
    {
        var lower = name.Trim().ToLowerInvariant();
        return Db.InstanceGroups.Where(g => g.AccountId == account && g.Name.ToLower() == lower).OrderBy(g => g.Created).ThenBy(g => g.Id).FirstOrDefaultAsync(cancellationToken);
    }

    /// <summary>Makes a group.</summary>
    public async Task<InstanceGroupRow> AddAsync(AccountId account, string name, CancellationToken cancellationToken)
    {
        var row = new InstanceGroupRow { Id = new InstanceGroupId(Turn.NewId()), AccountId = account, Name = name.Trim(), Created = Now };
        await Db.InsertAsync(row, token: cancellationToken);
        return row;
    }

    /// <summary>The group that a VM is to be in, made when it is not there.</summary>
    /// <param name="account">The VM's account.</param>
    /// <param name="name">Its name; empty: none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<InstanceGroupId?> GiveAsync(AccountId account, string name, CancellationToken cancellationToken) =>
        name.Length == 0 ? null : (await FindAsync(account, name, cancellationToken) ?? await AddAsync(account, name, cancellationToken)).Id;
}
