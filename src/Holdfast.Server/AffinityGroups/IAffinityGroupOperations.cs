using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.AffinityGroups;

/// <summary>Groups of VMs that want to be on the same host, or on different ones. Names are unique in an account, whatever their case. Their jobs are done at once.</summary>
internal interface IAffinityGroupOperations
{
    /// <summary>createAffinityGroup. 431 a name that will not do, or that a group of the account has; 531 an account that has ended.</summary>
    Task<JobOutcome> CreateAsync(Caller caller, string name, AffinityType type, string? description, CancellationToken cancellationToken);

    /// <summary>deleteAffinityGroup: its VMs stay where they are, and are in it no more. 431 unknown id.</summary>
    Task<JobOutcome> DeleteAsync(Caller caller, AffinityGroupId id, CancellationToken cancellationToken);

    /// <summary>The same by the name of a group of the caller's account, or of the one that it acts for. 431 unknown name.</summary>
    Task<JobOutcome> DeleteAsync(Caller caller, string name, CancellationToken cancellationToken);
}
