using Holdfast.Server.Accounts;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.Annotations;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Events;
using Holdfast.Server.Hosts;
using Holdfast.Server.InstanceGroups;
using Holdfast.Server.Jobs;
using Holdfast.Server.Machines;
using Holdfast.Server.Networks;
using Holdfast.Server.Obligations;
using Holdfast.Server.Offerings;
using Holdfast.Server.Pools;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.SshKeyPairs;
using Holdfast.Server.Tags;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using Holdfast.Server.UserData;
using Holdfast.Server.VmSchedules;
using Holdfast.Server.Volumes;
using Holdfast.Server.Zones;

namespace Holdfast.Server.Startup;

/// <summary>The kinds of entity and of job that come with the server.</summary>
internal static class ServerKinds
{
    /// <summary>The kinds of entity.</summary>
    public static IReadOnlyList<EntityKind> All { get; } =
    [
        new ZoneKind(),
        new PodKind(),
        new ClusterKind(),
        new OsTypeKind(),
        new HostKind(),
        new PoolKind(),
        new ServiceOfferingKind(),
        new DiskOfferingKind(),
        new NetworkKind(),
        new ObligationEntityKind(),
        new MachineKind(),
        new InstanceGroupKind(),
        new AffinityGroupKind(),
        new VmScheduleKind(),
        new VolumeKind(),
        new JobEntityKind(),
        new EventKind(),
        new AlertKind(),
        new AnnotationKind(),
        new TemplateKind(),
        new AccountKind(),
        new ProjectKind(),
        new UserKind(),
        new UserKeyKind(),
        new DomainKind(),
        new RoleKind(),
        new RolePermissionKind(),
        new SshKeyPairKind(),
        new UserDataKind(),
    ];

    /// <summary>The kinds of entity with details.</summary>
    public static IReadOnlyList<DetailedKind> Detailed { get; } =
    [
        new MachineDetails(),
        new VolumeDetails(),
        new TemplateDetails(),
        new NetworkDetails(),
        new ServiceOfferingDetails(),
        new DiskOfferingDetails(),
        new ZoneDetails(),
        new PoolDetails(),
        new UserDetails(),
        new OsTypeDetails(),
    ];

    /// <summary>The kinds of job.</summary>
    public static IReadOnlyList<JobType> Jobs { get; } = [.. MachineJobs.All, .. VolumeJobs.All, .. TemplateJobs.All, .. PoolJobs.All, .. HostJobs.All, .. AccountJobs.All, .. TagJobs.All, .. ResourceDetailJobs.All, .. AffinityJobs.All];
}
