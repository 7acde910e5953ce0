using Holdfast.Core.Ids;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.InstanceGroups;

/// <summary>Groups of VMs. Names are unique in an account, whatever their case.</summary>
internal interface IInstanceGroupOperations
{
    /// <summary>createInstanceGroup. 431 a name that will not do, or that a group of the account has; 531 an account that has ended.</summary>
    Task<Outcome<InstanceGroupId>> CreateAsync(Caller caller, string name, CancellationToken cancellationToken);

    /// <summary>updateInstanceGroup; null leaves the name. 431 unknown id, a name that will not do, or that a group of the account has.</summary>
    Task<Outcome<InstanceGroupId>> UpdateAsync(Caller caller, InstanceGroupId id, string? name, CancellationToken cancellationToken);

    /// <summary>deleteInstanceGroup: its VMs stay, in no group. 431 unknown id.</summary>
    Task<Outcome<Success>> DeleteAsync(Caller caller, InstanceGroupId id, CancellationToken cancellationToken);
}
