namespace Holdfast.Server.Api.Commands;

/// <summary>
/// What CloudStack's commands take and ours do not, and what is done with it. The tests hold this table against CloudStack's own list of parameters
/// (tests/Holdfast.Server.Tests/Api/cloudstack-parameters.json): each parameter is honoured, refused, or here with the reason why it cannot matter.
/// </summary>
internal static class ForeignParameters
{
    private static readonly Dictionary<string, IReadOnlyList<ForeignParameter>> Table = new(StringComparer.Ordinal)
    {
        ["addAccountToProject"] =
        [
            new("email", ParameterTreatment.Refused, "nobody is invited; who is added is in the project at once"),
            new("projectroleid", ParameterTreatment.Refused, "projects have no roles with rules"),
        ],
        ["addCluster"] =
        [
            new("arch", ParameterTreatment.Refused, "all is x86-64", "x86_64"),
            .. Each(ParameterTreatment.Refused, "a cluster is of this server's own hosts, which join by themselves", ["password", "url", "username"], []),
            .. Each(ParameterTreatment.Refused, "switches are those of another hypervisor", ["guestvswitchname", "guestvswitchtype", "publicvswitchname", "publicvswitchtype", "vsmipaddress", "vsmpassword", "vsmusername"], []),
            .. Each(ParameterTreatment.Refused, "the hypervisor is KVM", ["ovm3cluster", "ovm3pool", "ovm3vip"], []),
            .. Each(ParameterTreatment.Refused, "there are no extensions", ["extensionid", "externaldetails"], []),
            new("storageaccessgroups", ParameterTreatment.Refused, "hosts have no storage access groups"),
        ],
        ["addHost"] =
        [
            new("externaldetails", ParameterTreatment.Refused, "there are no extensions"),
            new("storageaccessgroups", ParameterTreatment.Refused, "hosts have no storage access groups"),
        ],
        ["addUserToProject"] =
        [
            new("email", ParameterTreatment.Refused, "nobody is invited; who is added is in the project at once"),
            new("projectroleid", ParameterTreatment.Refused, "projects have no roles with rules"),
        ],
        ["assignVirtualMachine"] =
        [
            new("networkids", ParameterTreatment.Refused, "the VM stays on its networks"),
            new("securitygroupids", ParameterTreatment.Refused, "there are no security groups"),
        ],
        ["createAccount"] =
        [
            new("accountdetails", ParameterTreatment.Refused, "accounts have no details"),
            .. Each(ParameterTreatment.Refused, "ids are given by the server", ["accountid", "userid"], []),
        ],
        ["createDiskOffering"] =
        [
            .. Each(ParameterTreatment.Refused, "the rate of disks is not limited", ["bytesreadrate", "bytesreadratemax", "bytesreadratemaxlength", "byteswriterate", "byteswriteratemax", "byteswriteratemaxlength", "iopsreadrate", "iopsreadratemax", "iopsreadratemaxlength", "iopswriterate", "iopswriteratemax", "iopswriteratemaxlength"], ["0"]),
            new("customizediops", ParameterTreatment.Refused, "operations a second are neither promised nor limited", "false"),
            .. Each(ParameterTreatment.Refused, "operations a second are neither promised nor limited", ["maxiops", "miniops"], ["0"]),
            new("hypervisorsnapshotreserve", ParameterTreatment.Refused, "no snapshot reserve is set aside", "0"),
            .. Each(ParameterTreatment.Refused, "an offering is for everybody and for all zones", ["domainid", "zoneid"], ["-1"]),
            new("storagepolicy", ParameterTreatment.Refused, "storage policies are those of another hypervisor"),
            new("disksizestrictness", ParameterTreatment.Refused, "a customized size may be any", "false"),
        ],
        ["createDomain"] =
        [
            new("domainid", ParameterTreatment.Refused, "ids are given by the server"),
        ],
        ["createPod"] =
        [
            new("storageaccessgroups", ParameterTreatment.Refused, "hosts have no storage access groups"),
        ],
        ["createServiceOffering"] =
        [
            .. Each(ParameterTreatment.Refused, "the rate of disks is not limited", ["bytesreadrate", "bytesreadratemax", "bytesreadratemaxlength", "byteswriterate", "byteswriteratemax", "byteswriteratemaxlength", "iopsreadrate", "iopsreadratemax", "iopsreadratemaxlength", "iopswriterate", "iopswriteratemax", "iopswriteratemaxlength"], ["0"]),
            new("customizediops", ParameterTreatment.Refused, "operations a second are neither promised nor limited", "false"),
            .. Each(ParameterTreatment.Refused, "operations a second are neither promised nor limited", ["maxiops", "miniops"], ["0"]),
            new("hypervisorsnapshotreserve", ParameterTreatment.Refused, "no snapshot reserve is set aside", "0"),
            .. Each(ParameterTreatment.Refused, "an offering is for everybody and for all zones", ["domainid", "zoneid"], ["-1"]),
            new("storagepolicy", ParameterTreatment.Refused, "storage policies are those of another hypervisor"),
            new("deploymentplanner", ParameterTreatment.Refused, "the host is chosen by its tags and its room"),
            new("diskofferingid", ParameterTreatment.Refused, "a root disk has no disk offering of its own"),
            new("diskofferingstrictness", ParameterTreatment.Refused, "a root disk has no disk offering of its own", "false"),
            new("encryptroot", ParameterTreatment.Refused, "volumes are not encrypted", "false"),
            new("externaldetails", ParameterTreatment.Refused, "there are no extensions"),
            .. Each(ParameterTreatment.Refused, "devices of hosts are not handed to guests", ["gpucount", "gpudisplay", "vgpuprofileid"], ["0", "false"]),
            new("issystem", ParameterTreatment.Refused, "there are no system VMs", "false"),
            new("systemvmtype", ParameterTreatment.Refused, "there are no system VMs"),
            new("leaseduration", ParameterTreatment.Refused, "VMs have no lease that ends", "-1"),
            new("leaseexpiryaction", ParameterTreatment.Refused, "VMs have no lease that ends"),
            new("networkrate", ParameterTreatment.Refused, "network rates are not limited", "-1", "0"),
            new("purgeresources", ParameterTreatment.Refused, "rows of expunged VMs are kept", "false"),
        ],
        ["createStoragePool"] =
        [
            new("capacityiops", ParameterTreatment.Refused, "operations a second are neither promised nor limited", "0"),
            new("istagarule", ParameterTreatment.Refused, "tags are tags", "false"),
            new("storageaccessgroups", ParameterTreatment.Refused, "hosts have no storage access groups"),
        ],
        ["createUser"] =
        [
            new("userid", ParameterTreatment.Refused, "ids are given by the server"),
            new("passwordchangerequired", ParameterTreatment.Refused, "nobody is made to change a password", "false"),
        ],
        ["createVolume"] =
        [
            new("customid", ParameterTreatment.Refused, "ids are given by the server"),
            new("displayvolume", ParameterTreatment.Refused, "every volume is shown", "true"),
            .. Each(ParameterTreatment.Refused, "operations a second are neither promised nor limited", ["maxiops", "miniops"], ["0"]),
            new("snapshotid", ParameterTreatment.Refused, "there are no snapshots", "-1"),
            new("storageid", ParameterTreatment.Refused, "the storage pool is chosen when the volume is attached first; use tags", "-1"),
        ],
        ["createZone"] =
        [
            new("domainid", ParameterTreatment.Refused, "every zone is for all domains"),
            new("isedge", ParameterTreatment.Refused, "every zone is a core zone", "false"),
            new("securitygroupenabled", ParameterTreatment.Refused, "there are no security groups", "false"),
            new("storageaccessgroups", ParameterTreatment.Refused, "hosts have no storage access groups"),
        ],
        ["deleteTemplate"] =
        [
            new("issystem", ParameterTreatment.Refused, "there are no system templates", "false"),
        ],
        ["deployVirtualMachine"] =
        [
            new("bootintosetup", ParameterTreatment.Refused, "a guest does not boot into its firmware's set-up", "false"),
            new("copyimagetags", ParameterTreatment.Refused, "there are no tags", "false"),
            new("customid", ParameterTreatment.Refused, "ids are given by the server"),
            new("datadisksdetails", ParameterTreatment.Refused, "data disks are given by datadiskofferinglist"),
            new("deploymentplanner", ParameterTreatment.Refused, "the host is chosen by its tags and its room"),
            .. Each(ParameterTreatment.Refused, "addresses are given by the network itself", ["dhcpoptionsnetworklist", "ip6address", "ipaddress"], []),
            new("displayvm", ParameterTreatment.Refused, "every VM is shown", "true"),
            new("externaldetails", ParameterTreatment.Refused, "there are no extensions"),
            new("extraconfig", ParameterTreatment.Refused, "a guest's definition is made by its host alone"),
            .. Each(ParameterTreatment.Refused, "how a guest's disks and interfaces are served is not chosen", ["iodriverpolicy", "nicmultiqueuenumber"], []),
            .. Each(ParameterTreatment.Refused, "how a guest's disks and interfaces are served is not chosen", ["iothreadsenabled", "nicpackedvirtqueuesenabled"], ["false"]),
            new("keyboard", ParameterTreatment.Refused, "a guest's console has the standard keyboard", "us"),
            new("leaseduration", ParameterTreatment.Refused, "VMs have no lease that ends", "-1"),
            new("leaseexpiryaction", ParameterTreatment.Refused, "VMs have no lease that ends"),
            new("nicnetworklist", ParameterTreatment.Refused, "networks are given by networkids or iptonetworklist"),
            new("overridediskofferingid", ParameterTreatment.Refused, "a root disk has no disk offering of its own"),
            new("podid", ParameterTreatment.Refused, "VMs are placed in a cluster or on a host: clusterid, hostid"),
            new("properties", ParameterTreatment.Refused, "there are no OVF properties"),
            .. Each(ParameterTreatment.Refused, "there are no security groups", ["securitygroupids", "securitygroupnames"], []),
            .. Each(ParameterTreatment.Refused, "a root disk is made from a template", ["snapshotid", "volumeid"], []),
        ],
        ["linkUserDataToTemplate"] =
        [
            new("isoid", ParameterTreatment.Refused, "there are no ISOs"),
        ],
        ["listAccounts"] =
        [
            new("tag", ParameterTreatment.Refused, "limits have no tags"),
            new("apikeyaccess", ParameterTreatment.FindsNothing, "access by API key is not switched off", "enabled", "inherit"),
            new("iscleanuprequired", ParameterTreatment.Refused, "accounts that are being deleted are listed with the others"),
        ],
        ["listAsyncJobs"] =
        [
            new("managementserverid", ParameterTreatment.Refused, "any server does any job"),
        ],
        ["listCapacity"] =
        [
            .. Each(ParameterTreatment.Refused, "capacity is told for zones", ["clusterid", "podid", "sortby", "tag"], []),
        ],
        ["listClusters"] =
        [
            new("arch", ParameterTreatment.FindsNothing, "all is x86-64", "x86_64"),
            new("storageaccessgroup", ParameterTreatment.FindsNothing, "there are no storage access groups"),
        ],
        ["listDiskOfferings"] =
        [
            .. Each(ParameterTreatment.Refused, "offerings are not told by where they could be used", ["storageid", "virtualmachineid", "volumeid"], []),
        ],
        ["listDomains"] =
        [
            new("tag", ParameterTreatment.Refused, "limits have no tags"),
        ],
        ["listEvents"] =
        [
            .. Each(ParameterTreatment.Refused, "events are told by startdate and enddate", ["duration", "entrytime"], []),
        ],
        ["listHosts"] =
        [
            new("arch", ParameterTreatment.FindsNothing, "all is x86-64", "x86_64"),
            new("storageaccessgroup", ParameterTreatment.FindsNothing, "there are no storage access groups"),
            new("hahost", ParameterTreatment.FindsNothing, "no host is kept for restarts", "false"),
            new("managementserverid", ParameterTreatment.Refused, "any server speaks to any host"),
            new("outofbandmanagementenabled", ParameterTreatment.FindsNothing, "hosts are not switched on and off", "false"),
            new("outofbandmanagementpowerstate", ParameterTreatment.FindsNothing, "hosts are not switched on and off"),
            .. Each(ParameterTreatment.Refused, "hosts are not told by version or by VM", ["version", "virtualmachineid"], []),
        ],
        ["listIpForwardingRules"] =
        [
            .. Each(ParameterTreatment.WithoutEffect, "the list is empty", ["id", "ipaddressid", "virtualmachineid"], []),
        ],
        ["listNetworks"] =
        [
            .. Each(ParameterTreatment.FindsNothing, "networks are bridges that hosts have: there is nothing of that kind", ["associatednetworkid", "networkofferingid", "physicalnetworkid", "vlan", "vpcid"], []),
            new("displaynetwork", ParameterTreatment.FindsNothing, "every network is shown", "true"),
            new("restartrequired", ParameterTreatment.FindsNothing, "no network has to be restarted", "false"),
            new("specifyipranges", ParameterTreatment.FindsNothing, "addresses are the network's own", "false"),
            new("retrieveonlyresourcecount", ParameterTreatment.Refused, "the count comes with the list", "false"),
        ],
        ["listOsCategories"] =
        [
            new("showicon", ParameterTreatment.WithoutEffect, "categories have no icons"),
            new("arch", ParameterTreatment.FindsNothing, "all is x86-64", "x86_64"),
            .. Each(ParameterTreatment.FindsNothing, "categories are not marked", ["isfeatured", "isiso", "isvnf"], ["false"]),
            new("zoneid", ParameterTreatment.WithoutEffect, "every category is there in every zone"),
        ],
        ["listOsTypes"] =
        [
            new("fordisplay", ParameterTreatment.WithoutEffect, "every type is shown"),
            new("ids", ParameterTreatment.Refused, "one type is asked for by id"),
        ],
        ["listPods"] =
        [
            new("storageaccessgroup", ParameterTreatment.FindsNothing, "there are no storage access groups"),
        ],
        ["listPortForwardingRules"] =
        [
            .. Each(ParameterTreatment.WithoutEffect, "the list is empty", ["fordisplay", "id", "ipaddressid", "networkid"], []),
        ],
        ["listProjectAccounts"] =
        [
            new("projectroleid", ParameterTreatment.FindsNothing, "projects have no roles with rules"),
        ],
        ["listPublicIpAddresses"] =
        [
            .. Each(ParameterTreatment.WithoutEffect, "the list is empty", ["allocatedonly", "associatednetworkid", "fordisplay", "forloadbalancing", "forprovider", "forsystemvms", "forvirtualnetwork", "id", "ipaddress", "issourcenat", "isstaticnat", "networkid", "physicalnetworkid", "retrieveonlyresourcecount", "state", "vlanid", "vpcid", "zoneid"], []),
        ],
        ["listResourceLimits"] =
        [
            new("id", ParameterTreatment.FindsNothing, "limits have no ids"),
            new("tag", ParameterTreatment.FindsNothing, "no limit is for a tag"),
        ],
        ["listSecurityGroups"] =
        [
            .. Each(ParameterTreatment.WithoutEffect, "the list is empty", ["id", "securitygroupname", "virtualmachineid"], []),
        ],
        ["listServiceOfferings"] =
        [
            .. Each(ParameterTreatment.FindsNothing, "there is nothing of that kind", ["encryptroot", "gpuenabled"], ["false"]),
            .. Each(ParameterTreatment.FindsNothing, "there is nothing of that kind", ["systemvmtype", "vgpuprofileid"], []),
        ],
        ["listStoragePools"] =
        [
            new("storageaccessgroup", ParameterTreatment.FindsNothing, "there are no storage access groups"),
            new("storagecustomstats", ParameterTreatment.WithoutEffect, "there are no statistics beyond those that are answered"),
        ],
        ["listStorageProviders"] =
        [
            .. Each(ParameterTreatment.Refused, "there are two", ["keyword", "page"], []),
            new("pagesize", ParameterTreatment.WithoutEffect, "there are two"),
        ],
        ["listTemplates"] =
        [
            new("arch", ParameterTreatment.FindsNothing, "all is x86-64", "x86_64"),
            .. Each(ParameterTreatment.FindsNothing, "there is nothing of that kind", ["extensionid", "parenttemplateid"], []),
            .. Each(ParameterTreatment.FindsNothing, "there is nothing of that kind", ["forcks", "isvnf"], ["false"]),
            .. Each(ParameterTreatment.Refused, "templates are not told by where they lie or by category", ["imagestoreid", "oscategoryid", "storageid"], []),
            new("showremoved", ParameterTreatment.Refused, "deleted templates are not shown", "false"),
        ],
        ["listManagementServers"] =
        [
            new("peers", ParameterTreatment.WithoutEffect, "servers do not know each other"),
            new("version", ParameterTreatment.Refused, "the one that answers is listed, whatever its version"),
        ],
        ["listManagementServersMetrics"] =
        [
            new("peers", ParameterTreatment.WithoutEffect, "servers do not know each other"),
            new("system", ParameterTreatment.WithoutEffect, "what the machine itself does is not told"),
            new("version", ParameterTreatment.Refused, "the one that answers is listed, whatever its version"),
        ],
        ["listRoles"] =
        [
            new("state", ParameterTreatment.FindsNothing, "every role is enabled", "enabled"),
        ],
        ["listUsers"] =
        [
            new("apikeyaccess", ParameterTreatment.FindsNothing, "access by API key is not switched off", "enabled", "inherit"),
            new("usersource", ParameterTreatment.FindsNothing, "all users are kept here", "native"),
        ],
        ["listVirtualMachines"] =
        [
            new("arch", ParameterTreatment.FindsNothing, "all is x86-64", "x86_64"),
            new("accumulate", ParameterTreatment.WithoutEffect, "there are no statistics"),
            .. Each(ParameterTreatment.FindsNothing, "there is nothing of that kind", ["autoscalevmgroupid", "backupofferingid", "extensionid", "isoid", "securitygroupid", "vpcid"], []),
            .. Each(ParameterTreatment.FindsNothing, "there is nothing of that kind", ["forvirtualnetwork", "gpuenabled", "haenable", "isvnf", "leased"], ["false"]),
            new("displayvm", ParameterTreatment.FindsNothing, "every VM is shown", "true"),
            new("userdata", ParameterTreatment.WithoutEffect, "user data is shown where one VM is asked for by id, and else left out: a page of it would be hundreds of megabytes"),
        ],
        ["listVolumes"] =
        [
            new("displayvolume", ParameterTreatment.FindsNothing, "every volume is shown", "true"),
            new("isencrypted", ParameterTreatment.FindsNothing, "volumes are not encrypted", "false"),
            new("listsystemvms", ParameterTreatment.WithoutEffect, "there are no system VMs"),
            new("retrieveonlyresourcecount", ParameterTreatment.Refused, "the count comes with the list", "false"),
        ],
        ["listZones"] =
        [
            new("storageaccessgroup", ParameterTreatment.FindsNothing, "there are no storage access groups"),
            new("domainid", ParameterTreatment.WithoutEffect, "every zone is for all domains"),
            new("tags", ParameterTreatment.FindsNothing, "no zone has tags"),
        ],
        ["restoreVirtualMachine"] =
        [
            new("details", ParameterTreatment.Refused, "the size of the new root disk is given by rootdisksize"),
            new("diskofferingid", ParameterTreatment.Refused, "a root disk has no disk offering of its own"),
        ],
        ["rebootVirtualMachine"] =
        [
            new("bootintosetup", ParameterTreatment.Refused, "a guest does not boot into its firmware's set-up", "false"),
        ],
        ["registerUserKeys"] =
        [
            new("rules", ParameterTreatment.Refused, "keys have no rules of their own: who has them may what their user may"),
        ],
        ["registerTemplate"] =
        [
            new("arch", ParameterTreatment.Refused, "templates are for x86-64 guests", "x86_64"),
            new("deployasis", ParameterTreatment.Refused, "images of other hypervisors are not taken as they are", "false"),
            new("directdownload", ParameterTreatment.Refused, "images are fetched by the host that imports them", "false"),
            .. Each(ParameterTreatment.Refused, "there are no extensions", ["extensionid", "externaldetails"], []),
            new("forcks", ParameterTreatment.Refused, "there are no Kubernetes clusters", "false"),
            new("isrouting", ParameterTreatment.Refused, "there are no virtual routers", "false"),
            new("templatetag", ParameterTreatment.Refused, "templates have no tag"),
            new("templatetype", ParameterTreatment.Refused, "all templates are of users", "user"),
        ],
        ["resetConfiguration"] =
        [
            new("imagestoreid", ParameterTreatment.Refused, "no setting is of an image store"),
        ],
        ["resizeVolume"] =
        [
            new("automigrate", ParameterTreatment.Refused, "a volume stays on its storage pool", "false"),
            .. Each(ParameterTreatment.Refused, "operations a second are neither promised nor limited", ["maxiops", "miniops"], ["0"]),
        ],
        ["startVirtualMachine"] =
        [
            new("bootintosetup", ParameterTreatment.Refused, "a guest does not boot into its firmware's set-up", "false"),
            .. Each(ParameterTreatment.Refused, "a VM is started on a named host, or where it ran last and else where there is room", ["clusterid", "podid"], []),
            new("considerlasthost", ParameterTreatment.Refused, "a VM is started where it ran last when nothing speaks against it", "true"),
            new("deploymentplanner", ParameterTreatment.Refused, "the host is chosen by its tags and its room"),
        ],
        ["updateStoragePool"] =
        [
            new("capacitybytes", ParameterTreatment.Refused, "the backend tells its size"),
            new("capacityiops", ParameterTreatment.Refused, "operations a second are neither promised nor limited", "0"),
            new("istagarule", ParameterTreatment.Refused, "tags are tags", "false"),
        ],
        ["scaleVirtualMachine"] =
        [
            new("automigrate", ParameterTreatment.Refused, "volumes stay where they are", "false", "true"),
            .. Each(ParameterTreatment.Refused, "operations a second are neither promised nor limited", ["maxiops", "miniops"], ["0"]),
            new("shrinkok", ParameterTreatment.Refused, "volumes keep their size", "false"),
        ],
        ["updateTemplate"] =
        [
            new("arch", ParameterTreatment.Refused, "templates are for x86-64 guests", "x86_64"),
            new("bootable", ParameterTreatment.Refused, "every template boots", "true"),
            new("cleanupexternaldetails", ParameterTreatment.Refused, "there are no extensions", "false"),
            new("externaldetails", ParameterTreatment.Refused, "there are no extensions"),
            new("forcks", ParameterTreatment.Refused, "there are no Kubernetes clusters", "false"),
            new("isrouting", ParameterTreatment.Refused, "there are no virtual routers", "false"),
            new("sortkey", ParameterTreatment.Refused, "templates are listed by when they were registered", "0"),
            new("templatetag", ParameterTreatment.Refused, "templates have no tag"),
            new("templatetype", ParameterTreatment.Refused, "all templates are of users", "user"),
        ],
        ["updateAccount"] =
        [
            new("accountdetails", ParameterTreatment.Refused, "accounts have no details"),
            new("apikeyaccess", ParameterTreatment.Refused, "access by API key is not switched off", "inherit"),
        ],
        ["updateCluster"] =
        [
            new("arch", ParameterTreatment.Refused, "all is x86-64", "x86_64"),
            new("externaldetails", ParameterTreatment.Refused, "there are no extensions"),
        ],
        ["updateDiskOffering"] =
        [
            .. Each(ParameterTreatment.Refused, "the rate of disks is not limited", ["bytesreadrate", "bytesreadratemax", "bytesreadratemaxlength", "byteswriterate", "byteswriteratemax", "byteswriteratemaxlength", "iopsreadrate", "iopsreadratemax", "iopsreadratemaxlength", "iopswriterate", "iopswriteratemax", "iopswriteratemaxlength"], ["0"]),
            new("cachemode", ParameterTreatment.Refused, "hosts do not cache what guests write", "none"),
            .. Each(ParameterTreatment.Refused, "an offering is for everybody and for all zones", ["domainid", "zoneid"], ["-1", "public", "all"]),
            new("sortkey", ParameterTreatment.Refused, "offerings are listed by their age", "0"),
            new("state", ParameterTreatment.Refused, "an offering that is not to be used is deleted", "active", "Active"),
        ],
        ["updateHost"] =
        [
            new("cleanupexternaldetails", ParameterTreatment.Refused, "there are no extensions", "false"),
            new("externaldetails", ParameterTreatment.Refused, "there are no extensions"),
            new("istagarule", ParameterTreatment.Refused, "tags are tags", "false"),
            new("oscategoryid", ParameterTreatment.Refused, "hosts take guests of every operating system"),
            new("url", ParameterTreatment.Refused, "there is no secondary storage"),
        ],
        ["updateResourceCount"] =
        [
            new("tag", ParameterTreatment.Refused, "nothing is counted by tags"),
        ],
        ["updateResourceLimit"] =
        [
            new("tag", ParameterTreatment.Refused, "no limit is for a tag"),
        ],
        ["updateServiceOffering"] =
        [
            new("cachemode", ParameterTreatment.Refused, "hosts do not cache what guests write", "none"),
            .. Each(ParameterTreatment.Refused, "an offering is for everybody and for all zones", ["domainid", "zoneid"], ["-1", "public", "all"]),
            .. Each(ParameterTreatment.Refused, "there are no extensions", ["cleanupexternaldetails"], ["false"]),
            new("externaldetails", ParameterTreatment.Refused, "there are no extensions"),
            new("purgeresources", ParameterTreatment.Refused, "rows of expunged VMs are kept", "false"),
            new("sortkey", ParameterTreatment.Refused, "offerings are listed by their age", "0"),
            new("state", ParameterTreatment.Refused, "an offering that is not to be used is deleted", "active", "Active"),
            new("leaseduration", ParameterTreatment.Refused, "VMs have no lease that ends", "-1"),
            new("leaseexpiryaction", ParameterTreatment.Refused, "VMs have no lease that ends"),
        ],
        ["updateUser"] =
        [
            .. Each(ParameterTreatment.Refused, "keys are made by the server: registerUserKeys", ["userapikey", "usersecretkey"], []),
            new("mandate2fa", ParameterTreatment.Refused, "a second factor is mandated for everybody, by setting mandate.user.2fa", "false"),
        ],
        ["updateVirtualMachine"] =
        [
            .. Each(ParameterTreatment.Refused, "there are no extensions", ["cleanupexternaldetails"], ["false"]),
            new("externaldetails", ParameterTreatment.Refused, "there are no extensions"),
            new("customid", ParameterTreatment.Refused, "ids are given by the server"),
            new("dhcpoptionsnetworklist", ParameterTreatment.Refused, "addresses are given by the network itself"),
            new("displayvm", ParameterTreatment.Refused, "every VM is shown", "true"),
            new("extraconfig", ParameterTreatment.Refused, "a guest's definition is made by its host alone"),
            new("haenable", ParameterTreatment.Refused, "no VM is restarted elsewhere by itself", "false"),
            new("instancename", ParameterTreatment.Refused, "libvirt domains are named by the server"),
            new("leaseduration", ParameterTreatment.Refused, "VMs have no lease that ends", "-1"),
            new("leaseexpiryaction", ParameterTreatment.Refused, "VMs have no lease that ends"),
            new("ostypeid", ParameterTreatment.Refused, "the guest operating system is the template's"),
            .. Each(ParameterTreatment.Refused, "there are no security groups", ["securitygroupids", "securitygroupnames"], []),
        ],
        ["updateVolume"] =
        [
            new("chaininfo", ParameterTreatment.Refused, "the backend alone knows what a volume is made of"),
            new("customid", ParameterTreatment.Refused, "ids are given by the server"),
            new("deleteprotection", ParameterTreatment.Refused, "volumes are not protected from deletion, VMs can be", "false"),
            new("displayvolume", ParameterTreatment.Refused, "every volume is shown", "true"),
            .. Each(ParameterTreatment.Refused, "hosts tell where a volume is and how it is; records are not mended by hand", ["path", "state", "storageid"], []),
        ],
        ["updateZone"] =
        [
            new("details", ParameterTreatment.Refused, "details of a zone are given by addResourceDetail"),
            new("dhcpprovider", ParameterTreatment.Refused, "addresses are given by the hosts' network"),
            new("dnssearchorder", ParameterTreatment.Refused, "names are given by the hosts' network"),
            new("ispublic", ParameterTreatment.Refused, "every zone is for all domains", "true"),
            new("sortkey", ParameterTreatment.Refused, "zones are listed by their age", "0"),
        ],
    };

    // A list with metrics takes what the plain list does.
    private const string Metrics = "Metrics";

    /// <summary>Those of a command.</summary>
    public static IReadOnlyList<ForeignParameter> Of(ApiCommand command) =>
        Table.GetValueOrDefault(command.Name) ?? (command.Name.EndsWith(Metrics, StringComparison.Ordinal) ? Table.GetValueOrDefault(command.Name[..^Metrics.Length]) : null) ?? [];

    /// <summary>Names of the commands that have some.</summary>
    public static IEnumerable<string> Commands => Table.Keys;

    private static IEnumerable<ForeignParameter> Each(ParameterTreatment treatment, string why, IReadOnlyList<string> names, IReadOnlyList<string> harmless) =>
        names.Select(name => new ForeignParameter(name, treatment, why, harmless));
}
