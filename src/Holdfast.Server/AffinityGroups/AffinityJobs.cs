using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.AffinityGroups;

/// <summary>The kinds of job about affinity groups.</summary>
internal static class AffinityJobs
{
    /// <summary>A group is made.</summary>
    public static JobKind CreateAffinityGroup { get; } = new(nameof(CreateAffinityGroup));

    /// <summary>A group is gone.</summary>
    public static JobKind DeleteAffinityGroup { get; } = new(nameof(DeleteAffinityGroup));

    /// <summary>The kinds.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(CreateAffinityGroup, "AG.CREATE", "org.apache.cloudstack.api.command.user.affinitygroup.CreateAffinityGroupCmd"),
        new(DeleteAffinityGroup, "AG.DELETE", "org.apache.cloudstack.api.command.user.affinitygroup.DeleteAffinityGroupCmd") { EndsObject = true },
    ];
}
