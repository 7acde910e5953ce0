using Holdfast.Core.States;

namespace Holdfast.Server.Transactions;

/// <summary>How long things may take, and how much at once. One record, so that a test can shorten it. What operators may change is a setting, whose default is here.</summary>
internal sealed record ReconcileTimings
{
    /// <summary>Deadlines of jobs.</summary>
    public TimeSpan DeployDeadline { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Of a start: nothing is imported, but a volume may be made.</summary>
    public TimeSpan StartDeadline { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Of a stop, beyond the guest's grace.</summary>
    public TimeSpan StopDeadline { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Of attach, detach, reboot and scaling.</summary>
    public TimeSpan ChangeDeadline { get; init; } = TimeSpan.FromMinutes(4);

    /// <summary>Of reconnectHost: an agent comes back within seconds.</summary>
    public TimeSpan ReconnectDeadline { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Of resize.</summary>
    public TimeSpan ResizeDeadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Of expunge.</summary>
    public TimeSpan ExpungeDeadline { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Of storage maintenance; long, because guests are stopped first.</summary>
    public TimeSpan MaintenanceDeadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Of what ends all that an account or a domain has; long, because guests end first. What is not done then is done all the same.</summary>
    public TimeSpan AccountDeadline { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The default of the setting <c>MaintenanceSettle</c>.</summary>
    public TimeSpan MaintenanceSettle { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Of a template import.</summary>
    public TimeSpan ImportDeadline { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The default of the setting <c>PoolAddWait</c>; clients give up at 10 s.</summary>
    public TimeSpan AddPoolWait { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>The default of the setting <c>PoolAddTimeout</c>.</summary>
    public TimeSpan AddPool { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The default of the setting <c>ExpungeDelay</c>.</summary>
    public TimeSpan ExpungeDelay { get; init; } = TimeSpan.FromDays(1);

    /// <summary>The default of the setting <c>JobExpire</c>.</summary>
    public TimeSpan KeepJobs { get; init; } = TimeSpan.FromDays(1);

    /// <summary>The default of the setting <c>EventPurge</c>; CloudStack's.</summary>
    public TimeSpan KeepEvents { get; init; } = TimeSpan.FromDays(15);

    /// <summary>The default of the setting <c>AlertPurge</c>.</summary>
    public TimeSpan KeepAlerts { get; init; } = TimeSpan.FromDays(90);

    /// <summary>The default of the setting <c>StorageHistoryPurge</c>.</summary>
    public TimeSpan KeepStorageHistory { get; init; } = TimeSpan.FromDays(30);

    /// <summary>The default of the setting <c>ObligationAlertAge</c>.</summary>
    public TimeSpan ObligationAlertAge { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The default of the setting <c>InventoryInterval</c>.</summary>
    public TimeSpan InventoryInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The default of the setting <c>PausedResumeInterval</c>.</summary>
    public TimeSpan PausedResumeInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How late a time of a schedule may be found and done still; one that is older was missed.</summary>
    public TimeSpan ScheduleTolerance { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Pause between sweeps.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How many VMs one transaction looks at to stop them for the maintenance of a storage pool: others write in between.</summary>
    public int StopsAtOnce { get; init; } = 100;

    /// <summary>How many VMs one transaction starts after the maintenance of a storage pool; fewer, because a place is looked for each of them, and its host must not report meanwhile.</summary>
    public int StartsAtOnce { get; init; } = 20;

    /// <summary>How many objects one transaction looks at before it counts as one that does not settle.</summary>
    public int MostSteps { get; init; } = 10_000;

    /// <summary>Pause before a failed deletion or import is tried again.</summary>
    public TimeSpan RetryPause { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The deadline of a kind of job, from its acceptance.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="graceSeconds">What the guest gets to shut down.</param>
    /// <returns>The time it may take.</returns>
    public TimeSpan Of(JobKind kind, int graceSeconds = 0) => kind switch
    {
        _ when kind == JobKind.DeployVm || kind == JobKind.RestoreVm => DeployDeadline,
        _ when kind == JobKind.StartVm => StartDeadline,
        _ when kind == JobKind.StopVm || kind == JobKind.DestroyVm => StopDeadline + TimeSpan.FromSeconds(graceSeconds),
        _ when kind == JobKind.ExpungeVm => ExpungeDeadline,
        _ when kind == JobKind.ScaleVm => ChangeDeadline,
        _ when kind == JobKind.ResizeVolume => ResizeDeadline,
        _ when kind == JobKind.EnableStorageMaintenance || kind == JobKind.CancelStorageMaintenance => MaintenanceDeadline,
        _ => ChangeDeadline + TimeSpan.FromSeconds(graceSeconds),
    };
}
