using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;
using LinqToDB;

namespace Holdfast.Server.Machines;

/// <summary>Reads VMs for lists and single answers: three queries a page, one more when the page is full, and one while something that a host said is set aside.</summary>
internal static class VirtualMachineRows
{
    /// <summary>Reads a list.</summary>
    /// <param name="db">The store.</param>
    /// <param name="owners">Whose VMs.</param>
    /// <param name="filter">Which VMs.</param>
    /// <param name="page">Which part of the list.</param>
    /// <param name="cancellationToken">The request ended.</param>
    public static async Task<Listing<VirtualMachineEntry>> ReadAsync(
        StoreConnection db,
        AskedOwners owners,
        VirtualMachineFilter filter,
        Page page,
        CancellationToken cancellationToken)
    {
        var vms = Filtered(db, filter);
        if (owners.AllBut is { } others)
        {
            vms = vms.Where(v => !others.Select(a => a.Id).Contains(v.AccountId));
        }
        else if (!owners.AreAll)
        {
            vms = vms.Where(v => owners.Accounts.Select(a => a.Id).Contains(v.AccountId));
        }

        var listing = await Listing.ReadAsync(
            vms.OrderBy(v => v.Created).ThenBy(v => v.Id).Select(v => v.Id),
            wanted =>
                from id in wanted
                join vm in db.Vms on id equals vm.Id
                join account in db.Accounts on vm.AccountId equals account.Id
                join domain in db.Domains on account.DomainId equals domain.Id
                join zone in db.Zones on vm.ZoneId equals zone.Id
                from user in db.Users.LeftJoin(u => u.Id == vm.UserId)
                from host in db.Hosts.LeftJoin(h => h.Id == vm.HostId)
                from template in db.Templates.LeftJoin(t => t.Id == vm.TemplateId)
                from osType in db.OsTypes.LeftJoin(o => o.Id == template.OsTypeId)
                from userData in db.UserData.LeftJoin(u => u.Id == vm.UserDataId)
                from instances in db.InstanceGroups.LeftJoin(g => g.Id == vm.GroupId)
                from offering in db.ServiceOfferings.LeftJoin(o => o.Id == vm.ServiceOfferingId)
                orderby vm.Created, vm.Id
                select new VirtualMachineEntry
                {
                    Vm = vm,
                    Account = account,
                    Domain = domain,
                    User = user,
                    Zone = zone,
                    Host = host,
                    Template = template,
                    OsType = osType,
                    Offering = offering,
                    GroupName = instances.Name,
                    IsInAffinityGroups = db.AffinityMembers.Any(m => m.VmId == vm.Id),
                    UserDataName = userData.Name,
                },
            page,
            cancellationToken);
        var ids = listing.Rows.Select(e => e.Vm.Id).ToList();
        var nics = await Listing.ChildrenAsync(
            ids,
            chunk =>
                from nic in db.Nics
                join network in db.Networks on nic.NetworkId equals network.Id
                where chunk.Contains(nic.VmId) && nic.Removed == null
                orderby nic.DeviceId, nic.Id
                select new NicEntry(nic, network),
            cancellationToken);
        var volumes = await Listing.ChildrenAsync(
            ids,
            chunk =>
                from volume in db.Volumes
                from pool in db.StoragePools.LeftJoin(p => p.Id == volume.PoolId)
                from offering in db.DiskOfferings.LeftJoin(o => o.Id == volume.DiskOfferingId)
                where chunk.Contains(volume.VmId!.Value) && volume.Removed == null && volume.Replaces == null
                orderby volume.DeviceId
                select new
                {
                    volume.VmId,
                    volume.Id,
                    volume.Name,
                    volume.Type,
                    volume.Missing,
                    volume.PoolId,
                    PoolName = pool.Name,
                    PoolType = pool.Type,
                    volume.DiskOfferingId,
                    DiskOfferingName = offering.Name,
                },
            cancellationToken);
        var aside = await Listing.ChildrenAsync(
            listing.Rows.Where(e => e.Host is { SetAside: > 0 }).Select(e => e.Vm.Id.Value),
            chunk => db.SetAside.Where(s => s.Subject == ReportSubject.Machine && chunk.Contains(s.Id)),
            cancellationToken);
        var affinities = await Listing.ChildrenAsync(
            listing.Rows.Where(e => e.IsInAffinityGroups).Select(e => e.Vm.Id),
            chunk =>
                from member in db.AffinityMembers
                join g in db.AffinityGroups on member.GroupId equals g.Id
                where chunk.Contains(member.VmId)
                orderby g.Created, g.Id
                select new { member.VmId, Group = g },
            cancellationToken);
        var affinitiesOf = affinities.ToLookup(a => a.VmId, a => a.Group);
        var tagsOf = await TagReader.ReadAsync(db, ids.Select(i => i.Value), cancellationToken);
        var userDataOf = filter.WithUserData
            ? (await Listing.ChildrenAsync(ids, chunk => db.VmUserData.Where(u => chunk.Contains(u.VmId)), cancellationToken)).ToDictionary(u => u.VmId, u => u.Content)
            : [];
        var nicsOf = nics.ToLookup(n => n.Nic.VmId);
        var poolTypeOf = volumes.Where(v => v.Type == VolumeType.Root).GroupBy(v => v.VmId!.Value).ToDictionary(g => g.Key, g => g.First().PoolType);
        var missingOf = volumes.Where(v => v.Missing is not null).ToLookup(v => v.VmId!.Value, v => VmPlanner.MissingText(v.Name, v.Id, v.PoolName, v.PoolId, v.Missing));

        // A VM may have many data disks; CloudStack's answer has room for one offering, and clients compare it with the one they deployed with: the first disk's.
        var diskOf = volumes.Where(v => v.DiskOfferingId is not null).GroupBy(v => v.VmId!.Value).ToDictionary(g => g.Key, g => g.First());
        return listing with
        {
            Rows =
            [
                .. listing.Rows.Select(e => e with
                {
                    Nics = [.. nicsOf[e.Vm.Id]],
                    Tags = [.. tagsOf[e.Vm.Id.Value]],
                    AffinityGroups = [.. affinitiesOf[e.Vm.Id]],
                    UserData = userDataOf.GetValueOrDefault(e.Vm.Id),
                    RootPoolType = poolTypeOf.GetValueOrDefault(e.Vm.Id),
                    Missing = [.. missingOf[e.Vm.Id]],
                    SetAside = aside.FirstOrDefault(s => s.Id == e.Vm.Id.Value && s.IncarnationId == e.Vm.IncarnationId) is { } not
                        ? $"what its host {e.Host!.Name} says of it is not taken since {not.Since:O}, and tried again: {not.Error}"
                        : null,
                    DiskOfferingId = diskOf.GetValueOrDefault(e.Vm.Id)?.DiskOfferingId,
                    DiskOfferingName = diskOf.GetValueOrDefault(e.Vm.Id)?.DiskOfferingName,
                }),
            ],
        };
    }

    /// <summary>Reads one VM, also one that was removed.</summary>
    public static async Task<VirtualMachineEntry?> FindAsync(StoreConnection db, VmId id, CancellationToken cancellationToken)
    {
        var listing = await ReadAsync(db, AskedOwners.All(db), new VirtualMachineFilter { Ids = [id], IncludeRemoved = true }, Page.Default, cancellationToken);
        return listing.Rows.SingleOrDefault();
    }

    private static IQueryable<VmRow> Filtered(StoreConnection db, VirtualMachineFilter filter)
    {
        IQueryable<VmRow> vms = db.Vms;
        if (!filter.IncludeRemoved)
        {
            vms = vms.Where(v => v.Removed == null);
        }

        if (filter.Ids is { } ids)
        {
            vms = vms.Where(v => ids.Contains(v.Id));
        }

        if (filter.Tags is { } wanted)
        {
            var tags = TagReader.Any(db, wanted);
            vms = vms.Where(v => tags.Any(t => t.ResourceId == StoreSql.Plain(v.Id)));
        }

        if (filter.Name?.ToLowerInvariant() is { } name)
        {
            vms = vms.Where(v => v.Name.ToLower() == name);
        }

        if (filter.Keyword?.ToLowerInvariant() is { } keyword)
        {
            vms = vms.Where(v => v.Name.ToLower().Contains(keyword) || v.DisplayName.ToLower().Contains(keyword) || v.InstanceName.ToLower().Contains(keyword));
        }

        if (filter.State is { } state)
        {
            vms = state.Equals("Present", StringComparison.OrdinalIgnoreCase)
                ? vms.Where(v => v.State != VmState.Destroyed && v.State != VmState.Expunging)
                : Enum.TryParse<VmState>(state, ignoreCase: true, out var parsed) && Enum.IsDefined(parsed)
                    ? vms.Where(v => v.State == parsed)
                    : vms.Where(v => false);
        }

        if (filter.ZoneId is { } zone)
        {
            vms = vms.Where(v => v.ZoneId == zone);
        }

        if (filter.HostId is { } host)
        {
            vms = vms.Where(v => v.HostId == host);
        }

        if (filter.PodId is { } pod)
        {
            vms = vms.Where(v => v.HostId != null && db.Hosts.Where(h => h.PodId == pod).Select(h => h.Id).Contains(v.HostId!.Value));
        }

        if (filter.ClusterId is { } cluster)
        {
            vms = vms.Where(v => v.HostId != null && db.Hosts.Where(h => h.ClusterId == cluster).Select(h => h.Id).Contains(v.HostId!.Value));
        }

        if (filter.PoolId is { } pool)
        {
            vms = vms.Where(v => db.Volumes.Where(d => d.PoolId == pool && d.VmId != null && d.Removed == null).Select(d => d.VmId!.Value).Contains(v.Id));
        }

        if (filter.NetworkId is { } network)
        {
            vms = vms.Where(v => db.Nics.Any(n => n.VmId == v.Id && n.NetworkId == network && n.Removed == null));
        }

        if (filter.TemplateId is { } template)
        {
            vms = vms.Where(v => v.TemplateId == template);
        }

        if (filter.ServiceOfferingId is { } offering)
        {
            vms = vms.Where(v => v.ServiceOfferingId == offering);
        }

        if (filter.UserDataId is { } userData)
        {
            vms = vms.Where(v => v.UserDataId == userData);
        }

        if (filter.KeyPair is { } keyPair)
        {
            // Names are the keys of the object; no quote of another stands in a name or a key unescaped.
            var named = StoredText.Of([new(keyPair, string.Empty)])[1..^2].ToLowerInvariant();
            vms = vms.Where(v => v.SshKeys.ToLower().Contains(named));
        }

        if (filter.AffinityGroupId is { } affinity)
        {
            vms = vms.Where(v => db.AffinityMembers.Any(m => m.GroupId == affinity && m.VmId == v.Id));
        }

        if (filter.GroupId is { } instances)
        {
            vms = vms.Where(v => v.GroupId == instances);
        }

        if (filter.UserId is { } user)
        {
            vms = vms.Where(v => v.UserId == user);
        }

        return vms;
    }
}
