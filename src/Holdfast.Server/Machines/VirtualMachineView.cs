using Holdfast.Core.States;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;

namespace Holdfast.Server.Machines;

/// <summary>The virtualmachine object.</summary>
internal static class VirtualMachineView
{
    /// <summary>Its key.</summary>
    public const string Key = "virtualmachine";

    /// <summary>The field that a job's answer has besides: <see cref="MachineKind.SecretAsync"/>.</summary>
    public const string Password = "password";

    private static readonly View<NicEntry> Nic = View<NicEntry>.Build(v => v
        .Id("id", "the id of the network interface", n => n.Nic.Id)
        .Id("networkid", "the id of its network", n => n.Network.Id)
        .Text("networkname", "the name of its network", n => n.Network.Name)
        .Text("macaddress", "its MAC address", n => n.Nic.Mac)
        .Text("type", "the type of its network", n => n.Network.Type)
        .Text("traffictype", "the traffic type of its network", n => n.Network.TrafficType)
        .Bool("isdefault", "true for the VM's default interface", n => n.Nic.IsDefault)
        .Text("deviceid", "its position, from 0", n => n.Nic.DeviceId.ToString())
        .EmptyList("secondaryip", "always empty: there are no secondary addresses"));

    private static readonly View<AffinityGroupRow> Affinity = View<AffinityGroupRow>.Build(v => v
        .Id("id", "the id of the affinity group", g => g.Id)
        .Text("name", "the name of the affinity group", g => g.Name)
        .Text("type", "what its VMs want of each other", g => AffinityTypes.NameOf(g.Type))
        .Text("description", "the description of the affinity group", g => g.Description));

    /// <summary>The object.</summary>
    public static View<VirtualMachineEntry> View { get; } = View<VirtualMachineEntry>.Build(v => v
        .Id("id", "the id of the VM", e => e.Vm.Id)
        .Text("name", "the name of the VM", e => e.Vm.Name)
        .Text("displayname", "the display name of the VM", e => e.Vm.DisplayName)
        .Include(OwnerView.View, e => e.Account)
        .Id("userid", "the id of the user who made the VM", e => e.Vm.UserId)
        .Text("username", "the name of the user who made the VM", e => e.User?.Username)
        .Id("domainid", "the id of the owner's domain", e => e.Domain.Id)
        .Text("domain", "the owner's domain", e => e.Domain.Path)
        .Date("created", "when the VM was made", e => e.Vm.Created)
        .Date("lastupdated", "when its state last changed", e => e.Vm.StateSince)
        .Text("state", "the state of the VM", e => e.Vm.State.ToString())
        .Text("condition", "what stands in the way, if anything does, also that the guest of a Running VM is paused, and why; while its host does not report, since when nothing is known", e => e.Condition)
        .Bool("haenable", "always false: no VM is restarted elsewhere by itself", _ => false)
        .Text("group", "the name of the group that the VM is in", e => e.GroupName)
        .OptionalId("groupid", "the id of the group that the VM is in", e => e.Vm.GroupId)
        .Id("zoneid", "the id of the VM's zone", e => e.Vm.ZoneId)
        .Text("zonename", "the name of the VM's zone", e => e.Zone.Name)
        .Only(Roles.RootAdmin, admin => admin
            .OptionalId("hostid", "the id of the host that the VM runs on", e => e.Vm.HostId)
            .Text("hostname", "the name of the host that the VM runs on", e => e.Host?.Name)
            .Text("hostcontrolstate", "whether the host can be reached", e => e.Host is null ? null : e.Host.State == HostState.Up ? "Enabled" : "Offline")
            .Text("instancename", "the name of the VM's libvirt domain", e => e.Vm.InstanceName))
        .OptionalId("templateid", "the id of the VM's template", e => e.Vm.TemplateId)
        .Text("templatename", "the name of the VM's template", e => e.Template?.Name)
        .Text("templatedisplaytext", "the display text of the VM's template", e => e.Template?.DisplayText)
        .Text("templateformat", "the format of the VM's template", e => e.Template?.Format.ToUpperInvariant())
        .Bool("passwordenabled", "true if the template takes a password", e => e.Template?.PasswordEnabled ?? false)
        .Id("serviceofferingid", "the id of the VM's service offering", e => e.Vm.ServiceOfferingId)
        .Text("serviceofferingname", "the name of the VM's service offering", e => e.Offering?.Name)
        .OptionalId("diskofferingid", "the id of the disk offering of its first data disk", e => e.DiskOfferingId)
        .Text("diskofferingname", "the name of the disk offering of its first data disk", e => e.DiskOfferingName)
        .Int("cpunumber", "its number of CPUs", e => e.Vm.Cpus)
        .Int("cpuspeed", "the speed of a CPU in MHz", e => e.Vm.CpuMhz)
        .Int("memory", "its memory in MiB", e => e.Vm.MemoryMib)
        .OptionalId("guestosid", "the id of the VM's guest operating system type", e => e.OsType?.Id)
        .OptionalId("ostypeid", "the id of the VM's guest operating system type", e => e.OsType?.Id)
        .Text("osdisplayname", "the VM's guest operating system", e => e.OsType?.Description)
        .Long("rootdeviceid", "the device id of the root disk", _ => 0)
        .Text("rootdevicetype", "the kind of the root device", _ => "ROOT")
        .Text("pooltype", "the type of the storage pool that holds the root disk", e => e.RootPoolType)
        .Text("hypervisor", "the hypervisor", _ => "KVM")
        .List("nic", "the VM's network interfaces", Nic, e => e.Nics)
        .List("affinitygroup", "the affinity groups that the VM is in", Affinity, e => e.AffinityGroups)
        .EmptyList("securitygroup", "always empty: there are no security groups")
        .List("tags", "its tags", TagView.View, e => e.Tags)
        .Text("keypairs", "the names of its SSH key pairs, separated by commas", e => StoredJson.Map(e.Vm.SshKeys) is { Count: > 0 } keys ? string.Join(",", keys.Keys) : null)
        .OptionalId("userdataid", "the id of the registered user data that its own is a copy of", e => e.Vm.UserDataId)
        .Text("userdataname", "the name of that user data", e => e.UserDataName)
        .Text("userdatadetails", "the values of variables of its user data", e => StoredJson.Map(e.Vm.UserDataDetails) is { Count: > 0 } values ? $"{{{string.Join(", ", values.Select(v => $"{v.Key}={v.Value}"))}}}" : null)
        .Text("userdatapolicy", "what becomes of its template's user data when it is given its own: ALLOWOVERRIDE, APPEND or DENYOVERRIDE, where the template has some", e => e.Template is { UserDataId: not null } t ? t.UserDataPolicy?.ToString().ToUpperInvariant() : null)
        .Text("userdata", "its user data in Base64, where one VM is asked for by id", e => e.UserData)
        .Text(Password, "the password of the guest, in the result of deployVirtualMachine and resetPasswordForVirtualMachine, for the user who asked for it alone", _ => null)
        .Map("details", "the VM's details", e => StoredJson.Map(e.Vm.Details))
        .Text("boottype", "what it boots by: BIOS or UEFI", e => e.Vm.Firmware == MachineFirmware.Bios ? "BIOS" : "UEFI")
        .Text("bootmode", "LEGACY, or SECURE when it boots only what is signed", e => e.Vm.Firmware == MachineFirmware.SecureBoot ? "SECURE" : "LEGACY")
        .Bool("displayvm", "always true", _ => true)
        .Bool("isdynamicallyscalable", "true if it allows that it is given another size while it runs; its template, its service offering and the setting enable.dynamic.scale.vm have to, too", e => e.Vm.DynamicallyScalable)
        .Bool("deleteprotection", "true if it cannot be destroyed, also not with its account", e => e.Vm.DeleteProtection)
        .Text("vmtype", "the kind of the VM", _ => "User"));

    /// <summary>What commands about VMs answer.</summary>
    public static ResponseShape Shape { get; } = ResponseShape.Of(Key, View);

    /// <summary>The object with metrics.</summary>
    public static View<VirtualMachineEntry> Metrics { get; } = View<VirtualMachineEntry>.Build(v => v
        .Include(View, e => e)
        .Text("cputotal", "its CPU", e => MetricText.Ghz((long)e.Vm.Cpus * e.Vm.CpuMhz))
        .Text("memorytotal", "its memory", e => MetricText.Gb((long)e.Vm.MemoryMib << 20)));
}
