using Holdfast.Core.States;
using Holdfast.Server.Settings;

namespace Holdfast.Server.Limits;

/// <summary>What the API says of a resource that is limited, and the settings that hold where nobody has set a limit.</summary>
/// <param name="Resource">The resource.</param>
/// <param name="Name">CloudStack's name of the type.</param>
/// <param name="Field">What the fields of accounts and domains begin with.</param>
/// <param name="What">What it is, for descriptions.</param>
/// <param name="OfAccount">The limit of an account that has none of its own.</param>
/// <param name="OfDomain">The limit of a domain that has none of its own; ROOT has none ever.</param>
/// <param name="OfProject">The limit of a project that has none of its own; null: projects have none of it.</param>
internal sealed record LimitedResources(LimitedResource Resource, string Name, string Field, string What, CountSetting OfAccount, CountSetting OfDomain, CountSetting? OfProject)
{
    /// <summary>All, by their numbers.</summary>
    public static IReadOnlyList<LimitedResources> All { get; } =
    [
        new(LimitedResource.UserVm, "user_vm", "vm", "VMs", Setting.AccountVms, Setting.DomainVms, Setting.ProjectVms),
        new(LimitedResource.Volume, "volume", "volume", "volumes", Setting.AccountVolumes, Setting.DomainVolumes, Setting.ProjectVolumes),
        new(LimitedResource.Template, "template", "template", "templates", Setting.AccountTemplates, Setting.DomainTemplates, Setting.ProjectTemplates),
        new(LimitedResource.Project, "project", "project", "projects", Setting.AccountProjects, Setting.DomainProjects, null),
        new(LimitedResource.Cpu, "cpu", "cpu", "virtual CPUs", Setting.AccountCpus, Setting.DomainCpus, Setting.ProjectCpus),
        new(LimitedResource.Memory, "memory", "memory", "MiB of memory", Setting.AccountMemory, Setting.DomainMemory, Setting.ProjectMemory),
        new(LimitedResource.PrimaryStorage, "primary_storage", "primarystorage", "GiB of volumes", Setting.AccountStorage, Setting.DomainStorage, Setting.ProjectStorage),
    ];

    /// <summary>CloudStack's number of the type.</summary>
    public int Number => (int)Resource;
}
