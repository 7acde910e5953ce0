using Holdfast.Server.Accounts;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.Annotations;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Events;
using Holdfast.Server.Hosts;
using Holdfast.Server.InstanceGroups;
using Holdfast.Server.Inventories;
using Holdfast.Server.Jobs;
using Holdfast.Server.Limits;
using Holdfast.Server.Machines;
using Holdfast.Server.Networks;
using Holdfast.Server.Obligations;
using Holdfast.Server.Offerings;
using Holdfast.Server.Placement;
using Holdfast.Server.Pools;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Settings;
using Holdfast.Server.SshKeyPairs;
using Holdfast.Server.Tags;
using Holdfast.Server.Templates;
using Holdfast.Server.UserData;
using Holdfast.Server.VmSchedules;
using Holdfast.Server.Volumes;
using Holdfast.Server.Zones;

namespace Holdfast.Server.Startup;

/// <summary>The commands that come with the server.</summary>
internal static class ServerCommands
{
    /// <summary>The commands, kind by kind.</summary>
    public static IReadOnlyList<ApiCommandGroup> Groups { get; } =
    [
        new(DiscoveryCommands.All),
        new(SessionCommands.All),
        new(CapabilityCommands.All),
        new(ManagementServerCommands.All),
        new(ConfigurationCommands.All),
        new(ZoneCommands.All),
        new(PodCommands.All),
        new(ClusterCommands.All),
        new(HostCommands.All),
        new(HostChangeCommands.All),
        new(OsCategoryCommands.All),
        new(CapacityCommands.All),
        new(InfrastructureCommands.All),
        new(StoragePoolCommands.All),
        new(BindingCommands.All),
        new(InventoryCommands.All),
        new(ObligationCommands.All),
        new(ServiceOfferingCommands.All),
        new(DiskOfferingCommands.All),
        new(TemplateCommands.All),
        new(VirtualMachineCommands.All),
        new(InstanceGroupCommands.All),
        new(AffinityGroupCommands.All),
        new(VmScheduleCommands.All),
        new(VolumeCommands.All),
        new(NetworkCommands.All),
        new(JobCommands.All),
        new(EventCommands.All),
        new(AlertCommands.All),
        new(DomainCommands.All),
        new(AccountCommands.All),
        new(ProjectCommands.All),
        new(ProjectMemberCommands.All),
        new(UserCommands.All),
        new(UserKeyCommands.All),
        new(SecondFactorCommands.All),
        new(RoleCommands.All),
        new(LimitCommands.All),
        new(TagCommands.All),
        new(ResourceDetailCommands.All),
        new(ResourceIconCommands.All),
        new(AnnotationCommands.All),
        new(SshKeyPairCommands.All),
        new(UserDataCommands.All),
    ];

    /// <summary>The table of them alone.</summary>
    public static ApiCommandTable Table { get; } = new(Groups);
}
