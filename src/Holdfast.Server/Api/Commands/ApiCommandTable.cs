using System.Collections.Frozen;
using Holdfast.Server.Api.Accounts;
using Holdfast.Server.Api.Events;
using Holdfast.Server.Api.Infrastructure;
using Holdfast.Server.Api.Jobs;
using Holdfast.Server.Api.Networks;
using Holdfast.Server.Api.Obligations;
using Holdfast.Server.Api.Offerings;
using Holdfast.Server.Api.StoragePools;
using Holdfast.Server.Api.Templates;
using Holdfast.Server.Api.VirtualMachines;
using Holdfast.Server.Api.Volumes;

namespace Holdfast.Server.Api.Commands;

/// <summary>
/// Every command there is. Binding, validation, <c>listApis</c>, <c>docs/api.md</c> and the role tests are drawn from it.
/// </summary>
internal static class ApiCommandTable
{
    private static readonly FrozenDictionary<string, ApiCommand> ByName;

#pragma warning disable CA1810 // All must be there before ByName is made from it; initialisers in two files would hide that.
    static ApiCommandTable()
#pragma warning restore CA1810
    {
        All =
        [
            .. new[]
            {
                DiscoveryCommands.All,
                SessionCommands.All,
                CapabilityCommands.All,
                ConfigurationCommands.All,
                PlaceCommands.All,
                HostCommands.All,
                OsCategoryCommands.All,
                CapacityCommands.All,
                StoragePoolCommands.All,
                BindingCommands.All,
                InventoryCommands.All,
                ObligationCommands.All,
                ServiceOfferingCommands.All,
                DiskOfferingCommands.All,
                TemplateCommands.All,
                VirtualMachineCommands.All,
                VolumeCommands.All,
                NetworkCommands.All,
                JobCommands.All,
                EventCommands.All,
                AlertCommands.All,
                AccountCommands.All,
            }.SelectMany(c => c).OrderBy(c => c.Name, StringComparer.Ordinal),
        ];
        ByName = All.ToFrozenDictionary(c => c.Name, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The commands, by name.</summary>
    public static IReadOnlyList<ApiCommand> All { get; }

    /// <summary>Finds a command whatever the case of its name.</summary>
    public static ApiCommand? Find(string name) => ByName.GetValueOrDefault(name);
}
