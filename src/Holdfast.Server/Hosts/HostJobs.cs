using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Hosts;

/// <summary>The kinds of job about hosts.</summary>
internal static class HostJobs
{
    /// <summary>A host has connected anew.</summary>
    public static JobKind ReconnectHost { get; } = new(nameof(ReconnectHost));

    /// <summary>The kinds.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(JobKind.PrepareHostForMaintenance, "MAINT.PREPARE", "org.apache.cloudstack.api.command.admin.host.PrepareForHostMaintenanceCmd"),
        new(JobKind.CancelHostMaintenance, "MAINT.CANCEL", "org.apache.cloudstack.api.command.admin.host.CancelHostMaintenanceCmd"),
        new(ReconnectHost, "HOST.RECONNECT", "org.apache.cloudstack.api.command.admin.host.ReconnectHostCmd"),
    ];
}
