using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Tags;

/// <summary>The kinds of job about tags.</summary>
internal static class TagJobs
{
    /// <summary>Resources have tags.</summary>
    public static JobKind CreateTags { get; } = new(nameof(CreateTags));

    /// <summary>Resources have tags no more.</summary>
    public static JobKind DeleteTags { get; } = new(nameof(DeleteTags));

    /// <summary>The kinds; their result is that they succeeded.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(CreateTags, "CREATE_TAGS", "org.apache.cloudstack.api.command.user.tag.CreateTagsCmd") { EndsObject = true },
        new(DeleteTags, "DELETE_TAGS", "org.apache.cloudstack.api.command.user.tag.DeleteTagsCmd") { EndsObject = true },
    ];
}
