using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.ResourceDetails;

/// <summary>The kinds of job about details.</summary>
internal static class ResourceDetailJobs
{
    /// <summary>A resource has details.</summary>
    public static JobKind Add { get; } = new("AddResourceDetail");

    /// <summary>A resource has details no more.</summary>
    public static JobKind Remove { get; } = new("RemoveResourceDetail");

    /// <summary>The kinds; their result is that they succeeded.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(Add, "CREATE_RESOURCE_DETAILS", "org.apache.cloudstack.api.command.user.volume.AddResourceDetailCmd") { EndsObject = true },
        new(Remove, "DELETE_RESOURCE_DETAILS", "org.apache.cloudstack.api.command.user.volume.RemoveResourceDetailCmd") { EndsObject = true },
    ];
}
