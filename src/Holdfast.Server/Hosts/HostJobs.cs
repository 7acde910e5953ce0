using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Hosts;

/// <summary>The kinds of job about hosts.</summary>
internal static class HostJobs
{
    /// <summary>The kinds.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(JobKind.PrepareHostForMaintenance, "MAINT.PREPARE", "org.apache.cloudstack.api.command.admin.host.PrepareForHostMaintenanceCmd"),
        new(JobKind.CancelHostMaintenance, "MAINT.CANCEL", "org.apache.cloudstack.api.command.admin.host.CancelHostMaintenanceCmd"),
    ];
}
