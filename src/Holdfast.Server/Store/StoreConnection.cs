using Holdfast.Server.Store.Rows;
using LinqToDB;
using LinqToDB.Data;

namespace Holdfast.Server.Store;

/// <summary>
/// One connection, for one read or one transaction. Made by <see cref="Database"/> only. Rows are records: read, change with <c>with</c>, write back.
/// Not safe for use by two threads at once.
/// </summary>
internal sealed class StoreConnection : DataConnection
{
    private static readonly BulkCopyOptions InOneStatement = new() { BulkCopyType = BulkCopyType.MultipleRows, UseParameters = true, MaxBatchSize = 1000, MaxParametersForBatch = 30_000 };

    private List<Action>? _afterCommit;

    public StoreConnection(DataOptions options)
        : base(options) => AddInterceptor(Writes);

    /// <summary>Which tables this connection has written to.</summary>
    public WriteWatch Writes { get; } = new();

    public ITable<SettingRow> Settings => this.GetTable<SettingRow>();
    public ITable<CounterRow> Counters => this.GetTable<CounterRow>();
    public ITable<DomainRow> Domains => this.GetTable<DomainRow>();
    public ITable<AccountRow> Accounts => this.GetTable<AccountRow>();
    public ITable<AnnotationRow> Annotations => this.GetTable<AnnotationRow>();
    public ITable<InstanceGroupRow> InstanceGroups => this.GetTable<InstanceGroupRow>();
    public ITable<AffinityGroupRow> AffinityGroups => this.GetTable<AffinityGroupRow>();
    public ITable<AffinityMemberRow> AffinityMembers => this.GetTable<AffinityMemberRow>();
    public ITable<TagRow> Tags => this.GetTable<TagRow>();
    public ITable<ResourceIconRow> ResourceIcons => this.GetTable<ResourceIconRow>();
    public ITable<SshKeyPairRow> SshKeyPairs => this.GetTable<SshKeyPairRow>();
    public ITable<UserDataRow> UserData => this.GetTable<UserDataRow>();
    public ITable<VmUserDataRow> VmUserData => this.GetTable<VmUserDataRow>();
    public ITable<ResourceLimitRow> ResourceLimits => this.GetTable<ResourceLimitRow>();
    public ITable<ProjectMemberRow> ProjectMembers => this.GetTable<ProjectMemberRow>();
    public ITable<RoleRow> Roles => this.GetTable<RoleRow>();
    public ITable<RolePermissionRow> RolePermissions => this.GetTable<RolePermissionRow>();
    public ITable<UserRow> Users => this.GetTable<UserRow>();
    public ITable<UserKeyRow> UserKeys => this.GetTable<UserKeyRow>();
    public ITable<SessionRow> Sessions => this.GetTable<SessionRow>();
    public ITable<ZoneRow> Zones => this.GetTable<ZoneRow>();
    public ITable<PodRow> Pods => this.GetTable<PodRow>();
    public ITable<ClusterRow> Clusters => this.GetTable<ClusterRow>();
    public ITable<HostRow> Hosts => this.GetTable<HostRow>();
    public ITable<IncarnationRow> Incarnations => this.GetTable<IncarnationRow>();
    public ITable<JoinTokenRow> JoinTokens => this.GetTable<JoinTokenRow>();
    public ITable<StoragePoolRow> StoragePools => this.GetTable<StoragePoolRow>();
    public ITable<BindingRow> Bindings => this.GetTable<BindingRow>();
    public ITable<HostItemRow> HostItems => this.GetTable<HostItemRow>();
    public ITable<ServiceOfferingRow> ServiceOfferings => this.GetTable<ServiceOfferingRow>();
    public ITable<DiskOfferingRow> DiskOfferings => this.GetTable<DiskOfferingRow>();
    public ITable<OsTypeRow> OsTypes => this.GetTable<OsTypeRow>();
    public ITable<TemplateRow> Templates => this.GetTable<TemplateRow>();
    public ITable<TemplateCopyRow> TemplateCopies => this.GetTable<TemplateCopyRow>();
    public ITable<NetworkRow> Networks => this.GetTable<NetworkRow>();
    public ITable<VmRow> Vms => this.GetTable<VmRow>();
    public ITable<VmScheduleRow> VmSchedules => this.GetTable<VmScheduleRow>();
    public ITable<VmScheduleRunRow> VmScheduleRuns => this.GetTable<VmScheduleRunRow>();
    public ITable<NicRow> Nics => this.GetTable<NicRow>();
    public ITable<VolumeRow> Volumes => this.GetTable<VolumeRow>();
    public ITable<LeaseRow> Leases => this.GetTable<LeaseRow>();
    public ITable<TaskRow> Tasks => this.GetTable<TaskRow>();
    public ITable<JobRow> Jobs => this.GetTable<JobRow>();
    public ITable<AlertRow> Alerts => this.GetTable<AlertRow>();
    public ITable<EventRow> Events => this.GetTable<EventRow>();
    public ITable<ObligationRow> Obligations => this.GetTable<ObligationRow>();
    public ITable<InventoryRow> Inventories => this.GetTable<InventoryRow>();
    public ITable<SetAsideRow> SetAside => this.GetTable<SetAsideRow>();
    public ITable<UnclaimedVolumeRow> UnclaimedVolumes => this.GetTable<UnclaimedVolumeRow>();

    /// <summary>
    /// Whether this transaction is a step of the server's work (it makes a job, ends one, or tells a host something) and not one that only notes that a host was
    /// heard or a session used. Failpoints alone read it: of all commits these are the ones where a process that dies leaves others waiting.
    /// </summary>
    public bool IsStep { get; set; }

    /// <summary>Inserts rows: one statement for up to a thousand of them.</summary>
    public async Task InsertAllAsync<T>(IReadOnlyCollection<T> rows, CancellationToken cancellationToken)
        where T : class
    {
        if (rows.Count > 0)
        {
            await this.BulkCopyAsync(InOneStatement, rows, cancellationToken);
        }
    }

    /// <summary>Runs an action once this transaction was committed; never when it was rolled back.</summary>
    /// <param name="action">The action. Must not throw and must not wait.</param>
    public void AfterCommit(Action action) => (_afterCommit ??= []).Add(action);

    /// <summary>Runs what waited for the commit.</summary>
    internal void RunAfterCommit()
    {
        var actions = _afterCommit;
        _afterCommit = null;
        foreach (var action in actions ?? [])
        {
            action();
        }
    }
}
