namespace Holdfast.Server.Transactions;

/// <summary>Event types: CloudStack's, and ours where it has none.</summary>
internal static class EventTypes
{
    public const string PoolCreate = "STORAGE.POOL.CREATE";
    public const string PoolUpdate = "STORAGE.POOL.UPDATE";
    public const string PoolDelete = "STORAGE.POOL.DELETE";
    public const string PoolGone = "STORAGE.POOL.GONE";
    public const string BindingAbsent = "STORAGE.BINDING.ABSENT";
    public const string BindingAbsolved = "STORAGE.BINDING.ABSOLVED";
    public const string BindingDegraded = "STORAGE.BINDING.DEGRADED";
    public const string BindingRecovered = "STORAGE.BINDING.RECOVERED";
    public const string PoolNotShared = "STORAGE.POOL.NOTSHARED";
    public const string PoolShared = "STORAGE.POOL.SHARED";

    /// <summary>A pool turned out to be the same storage as another one.</summary>
    public const string PoolSame = "STORAGE.POOL.SAME";

    /// <summary>It is not any more.</summary>
    public const string PoolUnique = "STORAGE.POOL.UNIQUE";

    /// <summary>What a pool is at its backend is not what it was: the backend was installed anew, or its address leads to another one.</summary>
    public const string PoolChanged = "STORAGE.POOL.CHANGED";
    public const string DriverUpgraded = "STORAGE.DRIVER.UPGRADED";
    public const string DriverNotUpgraded = "STORAGE.DRIVER.NOTUPGRADED";

    /// <summary>A pool's health goes up and down; single changes are not told until it is steady.</summary>
    public const string PoolFlapping = "STORAGE.POOL.FLAPPING";

    /// <summary>A pool that was flapping has not changed for a while.</summary>
    public const string PoolSteady = "STORAGE.POOL.STEADY";

    /// <summary>I/O of a volume on a host does not go on.</summary>
    public const string IoSuspended = "STORAGE.IO.SUSPENDED";

    /// <summary>It goes on again.</summary>
    public const string IoResumed = "STORAGE.IO.RESUMED";
    public const string ObligationCreated = "OBLIGATION.CREATED";
    public const string ObligationSettled = "OBLIGATION.SETTLED";
    public const string ObligationSuperseded = "OBLIGATION.SUPERSEDED";
    public const string ObligationOrphaned = "OBLIGATION.ORPHANED";
    public const string ObligationForgotten = "OBLIGATION.FORGOTTEN";
    public const string VolumeRecover = "VOLUME.RECOVER";
    public const string VolumeDelete = "VOLUME.DELETE";

    /// <summary>A backend does not know a volume that it had confirmed.</summary>
    public const string VolumeMissing = "VOLUME.MISSING";

    /// <summary>A volume that was missing is there again.</summary>
    public const string VolumeFound = "VOLUME.FOUND";

    /// <summary>A volume that nobody wrote to was lost by its backend and is made again.</summary>
    public const string VolumeMadeAgain = "VOLUME.MADEAGAIN";

    /// <summary>A template's copy on a pool cannot be cloned any more.</summary>
    public const string TemplateCopyLost = "TEMPLATE.COPY.LOST";

    /// <summary>A backend has something of ours that no row names.</summary>
    public const string UnclaimedFound = "STORAGE.UNCLAIMED.FOUND";

    /// <summary>A named person has something deleted that belongs to nobody.</summary>
    public const string UnclaimedDelete = "STORAGE.UNCLAIMED.DELETE";
    public const string TemplateCreate = "TEMPLATE.CREATE";
    public const string TemplateUpdate = "TEMPLATE.UPDATE";
    public const string TemplateReady = "TEMPLATE.DOWNLOAD.SUCCESS";
    public const string TemplateFailed = "TEMPLATE.DOWNLOAD.FAILED";
    public const string EventDelete = "EVENT.DELETE";
    public const string AlertDelete = "ALERT.DELETE";
    public const string ZoneCreate = "ZONE.CREATE";
    public const string ZoneEdit = "ZONE.EDIT";
    public const string ZoneDelete = "ZONE.DELETE";
    public const string PodCreate = "POD.CREATE";
    public const string PodEdit = "POD.EDIT";
    public const string PodDelete = "POD.DELETE";
    public const string ClusterCreate = "CLUSTER.CREATE";
    public const string ClusterEdit = "CLUSTER.EDIT";
    public const string ClusterDelete = "CLUSTER.DELETE";
    public const string HostAdd = "HOST.ADD";
    public const string HostUpdate = "HOST.UPDATE";
    public const string HostJoin = "HOST.JOIN";
    public const string HostUp = "HOST.UP";
    public const string HostLost = "HOST.LOST";

    /// <summary>Something that a host said could not be taken.</summary>
    public const string HostReportSetAside = "HOST.REPORT.SETASIDE";

    /// <summary>Something that a host said and that was set aside could be taken.</summary>
    public const string HostReportTaken = "HOST.REPORT.TAKEN";
    public const string HostMaintenance = "HOST.MAINTENANCE";
    public const string HostDelete = "HOST.DELETE";
    public const string ObligationForget = "OBLIGATION.FORGET";
    public const string ObligationOld = "OBLIGATION.OLD";
    public const string HostRetired = "HOST.INCARNATION.RETIRED";
    public const string UserLogin = "USER.LOGIN";
    public const string UserUpdate = "USER.UPDATE";
    public const string UserCreate = "USER.CREATE";
    public const string UserDelete = "USER.DELETE";
    public const string UserEnable = "USER.ENABLE";
    public const string UserLock = "USER.LOCK";
    public const string UserMove = "USER.MOVE";
    public const string AccountCreate = "ACCOUNT.CREATE";
    public const string AccountUpdate = "ACCOUNT.UPDATE";
    public const string AccountEnable = "ACCOUNT.ENABLE";
    public const string AccountLock = "ACCOUNT.LOCK";
    public const string DomainCreate = "DOMAIN.CREATE";
    public const string DomainUpdate = "DOMAIN.UPDATE";
    public const string ResourceLimitUpdate = "RESOURCE.LIMIT.UPDATE";
    public const string RoleCreate = "ROLE.CREATE";
    public const string RoleUpdate = "ROLE.UPDATE";
    public const string RoleDelete = "ROLE.DELETE";
    public const string RolePermissionCreate = "ROLE.PERMISSION.CREATE";
    public const string RolePermissionUpdate = "ROLE.PERMISSION.UPDATE";
    public const string RolePermissionDelete = "ROLE.PERMISSION.DELETE";
    public const string UserKeys = "REGISTER.USER.KEY";
    public const string ServiceOfferingCreate = "SERVICE.OFFERING.CREATE";
    public const string DiskOfferingCreate = "DISK.OFFERING.CREATE";
    public const string ServiceOfferingEdit = "SERVICE.OFFERING.EDIT";
    public const string ServiceOfferingDelete = "SERVICE.OFFERING.DELETE";
    public const string DiskOfferingEdit = "DISK.OFFERING.EDIT";
    public const string DiskOfferingDelete = "DISK.OFFERING.DELETE";
    public const string InstanceGroupCreate = "INSTANCE.GROUP.CREATE";
    public const string InstanceGroupUpdate = "INSTANCE.GROUP.UPDATE";
    public const string InstanceGroupDelete = "INSTANCE.GROUP.DELETE";
    public const string VmUpdate = "VM.UPDATE";
    public const string VmUpgrade = "VM.UPGRADE";
    public const string VmMove = "VM.MOVE";
    public const string VmRecover = "VM.RECOVER";

    public const string VmScheduleCreate = "VM.SCHEDULE.CREATE";
    public const string VmScheduleUpdate = "VM.SCHEDULE.UPDATE";
    public const string VmScheduleDelete = "VM.SCHEDULE.DELETE";
    public const string VmScheduleExecute = "VM.SCHEDULE.EXECUTE";

    /// <summary>A schedule was due, and nothing was done.</summary>
    public const string VmScheduleSkipped = "VM.SCHEDULE.SKIPPED";

    /// <summary>A VM is to end, and its QEMU cannot be killed.</summary>
    public const string VmStuck = "VM.STUCK";

    /// <summary>The guest of a running VM stands still.</summary>
    public const string VmPaused = "VM.PAUSED";

    /// <summary>It goes on.</summary>
    public const string VmResumed = "VM.RESUMED";
    public const string SshKeyPairCreate = "CREATE.SSH.KEYPAIR";
    public const string SshKeyPairRegister = "REGISTER.SSH.KEYPAIR";
    public const string SshKeyPairDelete = "DELETE.SSH.KEYPAIR";
    public const string UserDataRegister = "REGISTER.USER.DATA";
    public const string UserDataDelete = "DELETE.USER.DATA";
    public const string ResourceIconUpload = "UPLOAD.RESOURCE.ICON";
    public const string ResourceIconDelete = "DELETE.RESOURCE.ICON";
    public const string VmResetUserData = "VM.RESETUSERDATA";
    public const string ConfigurationEdit = "CONFIGURATION.VALUE.EDIT";
}
