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
internal sealed record LimitedResources(LimitedResource Resource, string Name, string Field, string What, CountSetting OfAccount, CountSetting OfDomain)
{
    /// <summary>All, by their numbers.</summary>
    public static IReadOnlyList<LimitedResources> All { get; } =
    [
        new(LimitedResource.UserVm, "user_vm", "vm", "VMs", Setting.AccountVms, Setting.DomainVms),
        new(LimitedResource.Volume, "volume", "volume", "volumes", Setting.AccountVolumes, Setting.DomainVolumes),
        new(LimitedResource.Template, "template", "template", "templates", Setting.AccountTemplates, Setting.DomainTemplates),
        new(LimitedResource.Cpu, "cpu", "cpu", "virtual CPUs", Setting.AccountCpus, Setting.DomainCpus),
        new(LimitedResource.Memory, "memory", "memory", "MiB of memory", Setting.AccountMemory, Setting.DomainMemory),
        new(LimitedResource.PrimaryStorage, "primary_storage", "primarystorage", "GiB of volumes", Setting.AccountStorage, Setting.DomainStorage),
    ];

    /// <summary>CloudStack's number of the type.</summary>
    public int Number => (int)Resource;
}
