using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Templates;

/// <summary>The kinds of job about templates.</summary>
internal static class TemplateJobs
{
    /// <summary>The kinds.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(JobKind.DeleteTemplate, "TEMPLATE.DELETE", "org.apache.cloudstack.api.command.user.template.DeleteTemplateCmd") { EndsObject = true },
    ];
}
