using Holdfast.Core.States;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Pools;

/// <summary>The kinds of job about storage pools.</summary>
internal static class PoolJobs
{
    /// <summary>The kinds.</summary>
    public static IReadOnlyList<JobType> All { get; } =
    [
        new(JobKind.EnableStorageMaintenance, "MAINT.PREPARE.PS", "org.apache.cloudstack.api.command.admin.storage.PreparePrimaryStorageForMaintenanceCmd"),
        new(JobKind.CancelStorageMaintenance, "MAINT.CANCEL.PS", "org.apache.cloudstack.api.command.admin.storage.CancelPrimaryStorageMaintenanceCmd"),
    ];
}
