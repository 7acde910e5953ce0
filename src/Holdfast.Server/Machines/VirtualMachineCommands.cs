using System.Globalization;
using Holdfast.Core.Ids;
using Holdfast.Protocol;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Transactions;
using LinqToDB;
using LinqToDB.Async;
using static Holdfast.Server.Api.Commands.Parameters;

namespace Holdfast.Server.Machines;

/// <summary>Commands about VMs.</summary>
internal static class VirtualMachineCommands
{
    private static readonly ValueParameter<VmId> Vm = Id<VmId>("id", "the id of the VM", required: true);
    private static readonly ValueParameter<bool> Forced = Bool("forced", "whether the guest is not asked first");

    private static readonly ValueParameter<VmId> FilterId = Id<VmId>("id", "the id of the VM");
    private static readonly ListParameter<VmId> FilterIds = Ids<VmId>("ids", "the ids of the VMs; not together with id");
    private static readonly TextParameter FilterName = Text("name", "the exact name of the VM, whatever its case");
    private static readonly TextParameter FilterState = Text("state", "the state of the VM; Present stands for all states but Destroyed and Expunging");
    private static readonly ValueParameter<ZoneId> FilterZone = Id<ZoneId>("zoneid", "the zone of the VM");
    private static readonly ValueParameter<PodId> FilterPod = Id<PodId>("podid", "the pod that the VM runs in");
    private static readonly ValueParameter<ClusterId> FilterCluster = Id<ClusterId>("clusterid", "the cluster that the VM runs in");
    private static readonly ValueParameter<HostId> FilterHost = Id<HostId>("hostid", "the host that the VM runs on");
    private static readonly ValueParameter<PoolId> FilterPool = Id<PoolId>("storageid", "a storage pool that holds a volume of the VM");
    private static readonly ValueParameter<NetworkId> FilterNetwork = Id<NetworkId>("networkid", "a network that the VM is on");
    private static readonly TextParameter FilterHypervisor = Text("hypervisor", "the hypervisor of the VM");
    private static readonly ValueParameter<TemplateId> FilterTemplate = Id<TemplateId>("templateid", "the template of the VM");
    private static readonly ValueParameter<ServiceOfferingId> FilterOffering = Id<ServiceOfferingId>("serviceofferingid", "the service offering of the VM");
    private static readonly ValueParameter<UserId> FilterUser = Id<UserId>("userid", "the user who made the VM");
    private static readonly TextParameter FilterKeyPair = Text("keypair", "the name of an SSH key pair of the VM");
    private static readonly ValueParameter<UserDataId> FilterUserData = Id<UserDataId>("userdataid", "the registered user data of the VM");
    private static readonly ValueParameter<InstanceGroupId> FilterGroup = Id<InstanceGroupId>("groupid", "the group that the VM is in");
    private static readonly ValueParameter<AffinityGroupId> FilterAffinity = Id<AffinityGroupId>("affinitygroupid", "an affinity group that the VM is in");
    private static readonly ListParameter<string> Details = Texts("details", "groups of fields", noEffect: "all are answered");
    private static readonly ValueParameter<bool> CountOnly = Bool("retrieveonlyresourcecount", "whether to answer with the count only");

    private static readonly ValueParameter<ServiceOfferingId> Offering = Id<ServiceOfferingId>("serviceofferingid", "the service offering", required: true);
    private static readonly ValueParameter<ZoneId> Zone = Id<ZoneId>("zoneid", "the zone", required: true);
    private static readonly ValueParameter<TemplateId> Template = Id<TemplateId>("templateid", "the template that the root disk is cloned from", required: true);
    private static readonly TextParameter Name = Text("name", "the name of the VM, also its host name; made up when not sent", length: 63);
    private static readonly TextParameter DisplayName = Text("displayname", "the display name of the VM");
    private static readonly ValueParameter<HostId> Host = Id<HostId>("hostid", "the host to start on; root administrators only");
    private static readonly ValueParameter<ClusterId> Cluster = Id<ClusterId>("clusterid", "the cluster to start in; root administrators only");
    private static readonly ListParameter<NetworkId> Networks = Ids<NetworkId>("networkids", "the networks; the zone's default network when none is sent");
    private static readonly MapParameter IpToNetworks = Map("iptonetworklist", "the networks, one a row: iptonetworklist[0].networkid=ID, with .mac for a MAC address", rows: true);
    private static readonly TextParameter Mac = Text("macaddress", "the MAC address of the default network interface, with colons, dashes or dots; refused while another interface has it");
    private static readonly ValueParameter<DiskOfferingId> DiskOffering = Id<DiskOfferingId>("diskofferingid", "the disk offering of a data disk");
    private static readonly ValueParameter<long> Size = Long("size", "the size of that data disk in GiB, when its offering is customized");
    private static readonly ValueParameter<long> RootDiskSize = Long("rootdisksize", "the size of the root disk in GiB");
    private static readonly MapParameter DataDisks = Map("datadiskofferinglist", "further data disks, one a row: datadiskofferinglist[0].diskofferingid=ID and .size=GIB", rows: true);
    private static readonly TextParameter Hypervisor = Text("hypervisor", "the hypervisor: KVM");
    private static readonly TextParameter Password = Text("password", "the password of the guest, for templates that take one; made when not sent", secret: true);
    private static readonly TextParameter KeyPair = Text("keypair", "the name of an SSH key pair of the VM's owner");
    private static readonly ListParameter<string> KeyPairs = Texts("keypairs", "the names of SSH key pairs of the VM's owner");
    private static readonly TextParameter Group = Text("group", "the name of a group for the VM; made when it is not there");
    private static readonly ValueParameter<bool> DynamicScaling = Bool("dynamicscalingenabled", "whether it may be given another size while it runs; true when not sent");
    private static readonly ValueParameter<bool> StartVm = Bool("startvm", "whether the VM is started; true when not sent");
    private static readonly MapParameter VmDetails = Map("details", "details of the VM: details[0].KEY=VALUE. cpuNumber, memory (MiB) and cpuSpeed (MHz) are its size, needed for a custom service offering and refused for any other, cpuSpeed also where the offering has bounds; rootdisksize is the parameter of that name; what else would change the guest is refused; the rest is kept and shown");

    private static readonly MapParameter SizeDetails = Map("details", "the size of the VM, for a custom service offering: details[0].cpuNumber=N, .memory=MIB and, where it has no bounds, .cpuSpeed=MHZ");

    private static readonly ValueParameter<VmId> NamedVm = Id<VmId>("virtualmachineid", "the id of the VM", required: true);

    private static readonly View<(VmId Id, string? Content)> UserDataView = View<(VmId Id, string? Content)>.Build(v => v
        .Id("virtualmachineid", "the id of the VM", e => e.Id)
        .Text("userdata", "its user data in Base64; missing when it has none", e => e.Content));

    private static readonly TextParameter OtherName = Text("name", "another name, also its host name; while it is stopped", length: 63);
    private static readonly TextParameter OtherGroup = Text("group", "the name of another group, made when it is not there; empty for none", clearable: true);
    private static readonly MapParameter OtherDetails = Map("details", "all its details, in place of those that it has: details[0].KEY=VALUE; its size, where sent, must be as it is");
    private static readonly ValueParameter<bool> CleanUpDetails = Bool("cleanupdetails", "whether all its details go");
    private static readonly ValueParameter<bool> Scalable = Bool("isdynamicallyscalable", "whether it may be given another size while it runs; a running guest has room for that only when it was started so");
    private static readonly ValueParameter<bool> DeleteProtection = Bool("deleteprotection", "whether it cannot be destroyed, also not with its account");

    private static readonly ValueParameter<TemplateId> RestoreTemplate = Id<TemplateId>("templateid", "the template of the new root disk; the VM's when not sent");
    private static readonly ValueParameter<long> RestoreDiskSize = Long("rootdisksize", "the size of the new root disk in GiB; that of the present one when not sent, or of the template where that is larger");
    private static readonly ValueParameter<bool> RestoreExpunge = Bool("expunge", "whether the present root disk is deleted at once; else it is destroyed, and can be recovered as a data disk until storage.cleanup.delay is over");
    private static readonly ValueParameter<HostId> StartHost = Id<HostId>("hostid", "the host to start on; root administrators only");
    private static readonly ValueParameter<bool> Expunge = Bool("expunge", "whether the VM is expunged at once");
    private static readonly ListParameter<VolumeId> VolumeIds = Ids<VolumeId>("volumeids", "data volumes to be deleted with the VM; the others are detached");

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        List("listVirtualMachines", "Lists VMs", new(VirtualMachineView.Key, VirtualMachineView.View, IconsOf)),
        List("listVirtualMachinesMetrics", "Lists VMs, with their sizes in words", new(VirtualMachineView.Key, VirtualMachineView.Metrics, IconsOf)),
        new()
        {
            Name = "deployVirtualMachine",
            Description = "Makes a VM and starts it",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters =
            [
                Offering, Zone, Template, Name, DisplayName, Host, Cluster, Networks, IpToNetworks, Mac, DiskOffering, Size, RootDiskSize, DataDisks,
                Hypervisor, .. UserDataParameters.All, Password, KeyPair, KeyPairs, Group, .. AffinityParameters.All, .. BootParameters.All, StartVm, DynamicScaling, VmDetails, .. OwnerParameters.All,
            ],
            Response = VirtualMachineView.Shape,
            Handler = DeployAsync,
        },
        Change("startVirtualMachine", "Starts a VM", [Vm, StartHost], (call, ct) =>
            call.Services.Of<IVirtualMachineOperations>().StartAsync(call.Caller.ForOperations, call.Require(Vm), call.Get(StartHost), ct)),
        Change("stopVirtualMachine", "Stops a VM; it is stopped when the guest is gone, whatever its storage does", [Vm, Forced], (call, ct) =>
            call.Services.Of<IVirtualMachineOperations>().StopAsync(call.Caller.ForOperations, call.Require(Vm), call.Get(Forced) ?? false, ct)),
        Change("rebootVirtualMachine", "Reboots a VM", [Vm, Forced], (call, ct) =>
            call.Services.Of<IVirtualMachineOperations>().RebootAsync(call.Caller.ForOperations, call.Require(Vm), call.Get(Forced) ?? false, ct)),
        new()
        {
            Name = "updateVirtualMachine",
            Description = "Changes what a VM is called, and notes about it",
            Roles = Roles.Authenticated,
            Parameters = [Vm, OtherName, DisplayName, OtherGroup, OtherDetails, CleanUpDetails, DeleteProtection, Scalable, .. UserDataParameters.All],
            Response = VirtualMachineView.Shape,
            Handler = UpdateAsync,
        },
        new()
        {
            Name = "changeServiceForVirtualMachine",
            Description = "Gives a stopped VM another service offering, or another size by a custom one",
            Roles = Roles.Authenticated,
            Parameters = [Vm, Offering, SizeDetails],
            Response = VirtualMachineView.Shape,
            Handler = ChangeServiceAsync,
        },
        new()
        {
            Name = "scaleVirtualMachine",
            Description = "Gives a VM another service offering, or another size by a custom one; a running one more processors and memory, where dynamic scaling is enabled for it",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Vm, Offering, SizeDetails],
            Response = VirtualMachineView.Shape,
            Handler = ScaleAsync,
        },
        new()
        {
            Name = "resetSSHKeyForVirtualMachine",
            Description = "Gives a stopped VM other SSH keys, from its next start on",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Vm, KeyPair, KeyPairs, .. OwnerParameters.All],
            Response = VirtualMachineView.Shape,
            Handler = ResetSshKeyAsync,
        },
        new()
        {
            Name = "resetUserDataForVirtualMachine",
            Description = "Gives a stopped VM other user data, or none, from its next start on",
            Roles = Roles.Authenticated,
            Parameters = [Vm, .. UserDataParameters.All, .. OwnerParameters.All],
            Response = VirtualMachineView.Shape,
            Handler = ResetUserDataAsync,
        },
        Change("resetPasswordForVirtualMachine", "Gives a stopped VM another password, from its next start on; the job answers it", [Vm, Password], (call, ct) =>
            call.Services.Of<IVirtualMachineOperations>().ResetPasswordAsync(call.Caller.ForOperations, call.Require(Vm), PasswordOf(call), ct)),
        new()
        {
            Name = "updateVMAffinityGroup",
            Description = "Puts a stopped VM into affinity groups, in place of those that it is in; an empty list: into none",
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = [Vm, .. AffinityParameters.All],
            Response = VirtualMachineView.Shape,
            Handler = UpdateAffinityAsync,
        },
        new()
        {
            Name = "getVirtualMachineUserData",
            Description = "Answers the user data of a VM",
            Roles = Roles.Authenticated,
            Parameters = [NamedVm],
            Response = ResponseShape.Of("virtualmachineuserdata", UserDataView),
            Handler = UserDataAsync,
        },
        new()
        {
            Name = "assignVirtualMachine",
            Description = "Gives a stopped VM, with its volumes, to another account or to a project; it leaves its groups and key pairs behind",
            Roles = Roles.RootAdmin | Roles.DomainAdmin,
            Parameters = [NamedVm, .. OwnerParameters.All],
            Response = VirtualMachineView.Shape,
            Handler = AssignAsync,
        },
        Change(
            "restoreVirtualMachine",
            "Gives a VM a new root disk from its template, or from another one; a running guest is stopped for it and started again",
            [NamedVm, RestoreTemplate, RestoreDiskSize, RestoreExpunge],
            (call, ct) => call.Services.Of<IVirtualMachineOperations>().RestoreAsync(
                call.Caller.ForOperations,
                new RestoreVirtualMachine
                {
                    Id = call.Require(NamedVm), TemplateId = call.Get(RestoreTemplate), RootDiskGib = call.Get(RestoreDiskSize), Expunge = call.Get(RestoreExpunge) ?? false,
                },
                ct)),
        Change("destroyVirtualMachine", "Destroys a VM, after stopping it when it runs", [Vm, Expunge, VolumeIds, Forced], (call, ct) =>
            call.Services.Of<IVirtualMachineOperations>().DestroyAsync(
                call.Caller.ForOperations,
                call.Require(Vm),
                call.Get(Expunge) ?? false,
                call.Get(VolumeIds) ?? [],
                call.Get(Forced) ?? false,
                ct)),
        Change("expungeVirtualMachine", "Expunges a destroyed VM", [Vm], (call, ct) =>
            call.Services.Of<IVirtualMachineOperations>().ExpungeAsync(call.Caller.ForOperations, call.Require(Vm), ct)) with
        {
            Response = ResponseShape.Success,
        },
        new()
        {
            Name = "recoverVirtualMachine",
            Description = "Recovers a destroyed VM that was not expunged",
            Roles = Roles.Authenticated,
            Parameters = [Vm],
            Response = VirtualMachineView.Shape,
            Handler = RecoverAsync,
        },
    ];

    private static ApiCommand List(string name, string description, IconedList<VirtualMachineEntry> list) => new()
    {
        Name = name,
        Description = description,
        Roles = Roles.Authenticated,
        Parameters =
        [
            FilterId, FilterIds, FilterName, FilterState, FilterZone, FilterPod, FilterCluster, FilterHost, FilterPool, FilterNetwork, FilterHypervisor,
            FilterTemplate, FilterOffering, FilterUser, FilterGroup, FilterAffinity, FilterKeyPair, FilterUserData, Details, CountOnly, IconedList.Show, .. CommonParameters.OwnedList,
        ],
        Response = list.Response,
        Handler = (call, ct) => ListAsync(call, list, ct),
    };

    private static ApiCommand Change(
        string name,
        string description,
        IReadOnlyList<ApiParameter> parameters,
        Func<CommandCall, CancellationToken, Task<JobOutcome>> handle) => new()
        {
            Name = name,
            Description = description,
            Roles = Roles.Authenticated,
            IsAsync = true,
            Parameters = parameters,
            Response = VirtualMachineView.Shape,
            Handler = async (call, ct) => (await handle(call, ct)).ToResult(),
        };

    // A VM without an icon has its template's, as CloudStack has it.
    private static IEnumerable<Guid> IconsOf(VirtualMachineEntry entry) => entry.Template is { } template ? [entry.Vm.Id.Value, template.Id.Value] : [entry.Vm.Id.Value];

    private static async Task<ApiResult> ListAsync(CommandCall call, IconedList<VirtualMachineEntry> list, CancellationToken cancellationToken)
    {
        var id = call.Get(FilterId);
        var ids = call.Get(FilterIds);
        if (id is not null && ids is not null)
        {
            return ApiError.InvalidParameter("Specify either id or ids but not both parameters");
        }

        if (call.Get(FilterHypervisor) is { } hypervisor && !hypervisor.Equals("KVM", StringComparison.OrdinalIgnoreCase))
        {
            return ApiResult.EmptyList();
        }

        var filter = new VirtualMachineFilter
        {
            Ids = id is { } one ? [one] : ids,
            Name = call.Get(FilterName),
            Keyword = call.Get(CommonParameters.Keyword),
            State = call.Get(FilterState),
            ZoneId = call.Get(FilterZone),
            PodId = call.Get(FilterPod),
            ClusterId = call.Get(FilterCluster),
            HostId = call.Get(FilterHost),
            PoolId = call.Get(FilterPool),
            NetworkId = call.Get(FilterNetwork),
            TemplateId = call.Get(FilterTemplate),
            ServiceOfferingId = call.Get(FilterOffering),
            UserId = call.Get(FilterUser),
            GroupId = call.Get(FilterGroup),
            AffinityGroupId = call.Get(FilterAffinity),
            KeyPair = call.Get(FilterKeyPair),
            UserDataId = call.Get(FilterUserData),
            WithUserData = id is not null,
            Tags = call.Get(CommonParameters.Tags)?.Entries,
        };
        var listing = await call.Services.Database.ReadAsync(
            (db, ct) => VirtualMachineRows.ReadAsync(db, Ownership.Asked(db, call, filter.Ids is not null, haveTags: true), filter, call.Page, ct),
            cancellationToken);
        return await list.AnswerAsync(call, call.Get(CountOnly) == true ? listing with { Rows = [] } : listing, cancellationToken);
    }

    private static async Task<ApiResult> DeployAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (maker, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        if (maker is null)
        {
            return notOwner!;
        }

        var (userData, userDataError) = UserDataParameters.Read(call);
        if (userDataError is not null)
        {
            return userDataError;
        }

        var (affinity, affinityError) = AffinityParameters.Read(call);
        if (affinityError is not null)
        {
            return affinityError;
        }

        var (firmware, firmwareError) = BootParameters.Read(call);
        if (firmwareError is not null)
        {
            return firmwareError;
        }

        var details = call.Get(VmDetails)?.Entries ?? new Dictionary<string, string>();
        if (GuestDetails.Check(details) is { } effect)
        {
            return effect;
        }

        var (size, others, sizeError) = GuestDetails.Size(details);
        if (sizeError is not null)
        {
            return sizeError;
        }

        var (rootDiskSize, rootDiskError) = GuestDetails.RootDiskSize(call.Get(RootDiskSize), details);
        if (rootDiskError is not null)
        {
            return rootDiskError;
        }

        var disks = new List<DeployDataDisk>();
        if (call.Get(DiskOffering) is { } diskOffering)
        {
            disks.Add(new DeployDataDisk(diskOffering, call.Get(Size)));
        }
        else if (call.Get(Size) is not null)
        {
            return ApiError.InvalidParameter("Parameter size is the size of a data disk and needs diskofferingid");
        }

        foreach (var row in call.Get(DataDisks)?.Rows ?? [])
        {
            var (disk, error) = await DataDiskAsync(call, row, cancellationToken);
            if (error is not null)
            {
                return error;
            }

            disks.Add(disk!);
        }

        var networks = call.Get(Networks)?.ToList() ?? [];
        var mac = call.Get(Mac);
        foreach (var row in call.Get(IpToNetworks)?.Rows ?? [])
        {
            if (row.GetValueOrDefault("networkid") is not { } text || !Guid.TryParseExact(text, "D", out var network)
                || !await ExistsAsync<NetworkId>(call, network, cancellationToken))
            {
                return call.UnknownEntity(IpToNetworks, row.GetValueOrDefault("networkid") ?? "");
            }

            if (row.ContainsKey("ip") || row.ContainsKey("ipv6"))
            {
                return ApiError.InvalidParameter("Addresses are given by the network itself: iptonetworklist takes networkid and mac only");
            }

            if (row.GetValueOrDefault("mac") is { } rowMac)
            {
                if (networks.Count > 0 || mac is not null)
                {
                    return ApiError.InvalidParameter("A MAC address can be given for the first network only, and once");
                }

                mac = rowMac;
            }

            networks.Add(new NetworkId(network));
        }

        if (networks.Count != networks.Distinct().Count())
        {
            return ApiError.InvalidParameter($"Network {networks.GroupBy(n => n).First(g => g.Count() > 1).Key} was named twice: a VM has one interface on a network");
        }

        var outcome = await call.Services.Of<IVirtualMachineOperations>().DeployAsync(
            maker,
            new DeployVirtualMachine
            {
                Name = call.Get(Name),
                DisplayName = call.Get(DisplayName),
                ServiceOfferingId = call.Require(Offering),
                Size = size,
                ZoneId = call.Require(Zone),
                TemplateId = call.Require(Template),
                DataDisks = disks,
                RootDiskGib = rootDiskSize,
                NetworkIds = networks,
                MacAddress = mac,
                HostId = call.Get(Host),
                ClusterId = call.Get(Cluster),
                StartVm = call.Get(StartVm) ?? true,
                DynamicallyScalable = call.Get(DynamicScaling) ?? true,
                Firmware = firmware,
                Hypervisor = call.Get(Hypervisor),
                Group = call.Get(Group),
                Affinity = affinity ?? GivenAffinity.None,
                KeyPairs = KeyPairsOf(call),
                UserData = userData ?? GivenUserData.None,
                Password = PasswordOf(call),
                Details = others,
            },
            cancellationToken);
        return outcome.ToResult(creates: true);
    }

    private static IReadOnlyList<string> KeyPairsOf(CommandCall call) => [.. call.Get(KeyPairs) ?? [], .. call.Get(KeyPair) is { } one ? [one] : Array.Empty<string>()];

    private static Secret? PasswordOf(CommandCall call) => call.Get(Password) is { } text ? new Secret(text) : null;

    private static async Task<ApiResult> ResetUserDataAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (userData, error) = UserDataParameters.Read(call);
        if (error is not null)
        {
            return error;
        }

        if (OwnerParameters.IsNamed(call) && await OwnerParameters.ResolveAsync(call, cancellationToken) is { Maker: null, Error: { } notOwner })
        {
            return notOwner;
        }

        var outcome = await call.Services.Of<IVirtualMachineOperations>().ResetUserDataAsync(call.Caller.ForOperations, call.Require(Vm), userData ?? GivenUserData.None, cancellationToken);
        return await outcome.ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> UpdateAffinityAsync(CommandCall call, CancellationToken cancellationToken) => AffinityParameters.Read(call) switch
    {
        (_, { } error) => error,
        (null, _) => ApiError.InvalidParameter("affinitygroupids parameter or affinitygroupnames parameter must be given"),
        ({ } affinity, _) => (await call.Services.Of<IVirtualMachineOperations>().UpdateAffinityAsync(call.Caller.ForOperations, call.Require(Vm), affinity, cancellationToken)).ToResult(),
    };

    private static async Task<ApiResult> AssignAsync(CommandCall call, CancellationToken cancellationToken)
    {
        if (!OwnerParameters.IsNamed(call))
        {
            return ApiError.Missing(call.Command.Name, "account");
        }

        var (owner, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
        return owner is null
            ? notOwner!
            : await (await call.Services.Of<IVirtualMachineOperations>().AssignAsync(call.Caller.ForOperations, call.Require(NamedVm), owner.AccountId, cancellationToken))
                .ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> UserDataAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var id = call.Require(NamedVm);
        var content = await call.Services.Database.ReadAsync((db, ct) => db.VmUserData.Where(u => u.VmId == id).Select(u => u.Content).FirstOrDefaultAsync(ct), cancellationToken);
        return ApiResult.Object("virtualmachineuserdata", UserDataView, (id, content));
    }

    private static async Task<ApiResult> ResetSshKeyAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var names = KeyPairsOf(call);
        if (names.Count == 0)
        {
            return ApiError.InvalidParameter($"Either keypair or keypairs of {call.Command.Name} must be sent");
        }

        AccountId? owner = null;
        if (OwnerParameters.IsNamed(call))
        {
            var (named, notOwner) = await OwnerParameters.ResolveAsync(call, cancellationToken);
            if (named is null)
            {
                return notOwner!;
            }

            owner = named.AccountId;
        }

        return (await call.Services.Of<IVirtualMachineOperations>().ResetSshKeyAsync(call.Caller.ForOperations, call.Require(Vm), names, owner, cancellationToken)).ToResult();
    }

    private static async Task<(DeployDataDisk? Disk, ApiError? Error)> DataDiskAsync(
        CommandCall call,
        IReadOnlyDictionary<string, string> row,
        CancellationToken cancellationToken)
    {
        var text = row.GetValueOrDefault("diskofferingid") ?? row.GetValueOrDefault("diskoffering") ?? "";
        if (!Guid.TryParseExact(text, "D", out var offering) || !await ExistsAsync<DiskOfferingId>(call, offering, cancellationToken))
        {
            return (null, call.UnknownEntity(DataDisks, text));
        }

        var sizeText = row.GetValueOrDefault("size") ?? row.GetValueOrDefault("disk");
        if (sizeText is null)
        {
            return (new DeployDataDisk(new DiskOfferingId(offering), null), null);
        }

        return long.TryParse(sizeText, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            ? (new DeployDataDisk(new DiskOfferingId(offering), size), null)
            : (null, ApiError.Invalid(call.Command.Name, $"Unable to parse value {sizeText} for parameter {DataDisks.Name}: size must be a whole number of GiB"));
    }

    private static async Task<bool> ExistsAsync<TId>(CommandCall call, Guid id, CancellationToken cancellationToken) =>
        (await call.Services.Entities.FindAsync(new EntityReference(typeof(TId), IsToChange: false), [id], call.Caller, cancellationToken)).Contains(id);

    private static async Task<ApiResult> ChangeServiceAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (size, error) = SizeOf(call);
        return error is not null
            ? error
            : await (await call.Services.Of<IVirtualMachineOperations>().ChangeServiceAsync(call.Caller.ForOperations, call.Require(Vm), call.Require(Offering), size, cancellationToken))
                .ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> ScaleAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var (size, error) = SizeOf(call);
        return error is not null
            ? error
            : (await call.Services.Of<IVirtualMachineOperations>().ScaleAsync(call.Caller.ForOperations, call.Require(Vm), call.Require(Offering), size, cancellationToken)).ToResult();
    }

    private static (GivenSize Size, ApiError? Error) SizeOf(CommandCall call)
    {
        var (size, others, error) = GuestDetails.Size(call.Get(SizeDetails)?.Entries ?? new Dictionary<string, string>());
        return error is null && others.Keys.FirstOrDefault() is { } other
            ? (size, ApiError.InvalidParameter($"Detail {other} is not one of {call.Command.Name}: those are {string.Join(", ", GivenSize.None.Parts.Select(p => p.Detail))}"))
            : (size, error);
    }

    private static async Task<ApiResult> RecoverAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var outcome = await call.Services.Of<IVirtualMachineOperations>().RecoverAsync(call.Caller.ForOperations, call.Require(Vm), cancellationToken);
        return await outcome.ToResultAsync(vm => ShowAsync(call, vm.Id, cancellationToken));
    }

    private static async Task<ApiResult> UpdateAsync(CommandCall call, CancellationToken cancellationToken)
    {
        var details = call.Get(OtherDetails)?.Entries;
        if (details is not null && call.Get(CleanUpDetails) == true)
        {
            return ApiError.InvalidParameter("Send either details or cleanupdetails=true");
        }

        if (details is not null && GuestDetails.Check(details) is { } effect)
        {
            return effect;
        }

        if (details?.Keys.FirstOrDefault(GuestDetails.IsRootDiskSize) is { } size)
        {
            return GuestDetails.WhyNotNote(size)!.ToError();
        }

        var (given, others, sizeError) = GuestDetails.Size(details ?? new Dictionary<string, string>());
        if (sizeError is not null)
        {
            return sizeError;
        }

        var (userData, userDataError) = UserDataParameters.Read(call);
        if (userDataError is not null)
        {
            return userDataError;
        }

        var outcome = await call.Services.Of<IVirtualMachineOperations>().UpdateAsync(
            call.Caller.ForOperations,
            new UpdateVirtualMachine
            {
                Id = call.Require(Vm),
                Name = call.Get(OtherName),
                DisplayName = call.Get(DisplayName),
                Group = call.Get(OtherGroup),
                Size = given,
                Details = call.Get(CleanUpDetails) == true || details is not null ? others : null,
                DeleteProtection = call.Get(DeleteProtection),
                DynamicallyScalable = call.Get(Scalable),
                UserData = userData,
            },
            cancellationToken);
        return await outcome.ToResultAsync(id => ShowAsync(call, id, cancellationToken));
    }

    private static async Task<ApiResult> ShowAsync(CommandCall call, VmId id, CancellationToken cancellationToken)
    {
        var entry = await call.Services.Database.ReadAsync((db, ct) => VirtualMachineRows.FindAsync(db, id, ct), cancellationToken);
        return entry is null ? call.UnknownEntity(Vm, id) : ApiResult.Object(VirtualMachineView.Key, VirtualMachineView.View, entry);
    }
}
