using Holdfast.Core.Ids;
using Holdfast.Core.States;
using Holdfast.Server.Api.Commands;
using Holdfast.Server.Api.Transport;
using Holdfast.Server.Store;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;
using LinqToDB;

namespace Holdfast.Server.Volumes;

/// <summary>Reads volumes for lists and single answers: one query a page, one more when it is full, and one for tags.</summary>
internal static class VolumeReader
{
    /// <summary>Reads a list.</summary>
    public static async Task<Listing<VolumeEntry>> ReadAsync(
        StoreConnection db,
        AskedOwners owners,
        VolumeFilter filter,
        Page page,
        CancellationToken cancellationToken)
    {
        var volumes = Filtered(db, filter);
        if (owners.AllBut is { } others)
        {
            volumes = volumes.Where(v => !others.Select(a => a.Id).Contains(v.AccountId));
        }
        else if (!owners.AreAll)
        {
            volumes = volumes.Where(v => owners.Accounts.Select(a => a.Id).Contains(v.AccountId));
        }

        var listing = await Listing.ReadAsync(
            volumes.OrderBy(v => v.Created).ThenBy(v => v.Id).Select(v => v.Id),
            wanted =>
                from id in wanted
                join volume in db.Volumes on id equals volume.Id
                join account in db.Accounts on volume.AccountId equals account.Id
                join domain in db.Domains on account.DomainId equals domain.Id
                join zone in db.Zones on volume.ZoneId equals zone.Id
                from vm in db.Vms.LeftJoin(v => v.Id == volume.VmId)
                from pool in db.StoragePools.LeftJoin(p => p.Id == volume.PoolId)
                from diskOffering in db.DiskOfferings.LeftJoin(o => o.Id == volume.DiskOfferingId)
                from serviceOffering in db.ServiceOfferings.LeftJoin(o => o.Id == volume.ServiceOfferingId)
                from template in db.Templates.LeftJoin(t => t.Id == volume.TemplateId)
                orderby volume.Created, volume.Id
                select new VolumeEntry
                {
                    Volume = volume,
                    Account = account,
                    Domain = domain,
                    Zone = zone,
                    Vm = vm,
                    Pool = pool,
                    DiskOffering = diskOffering,
                    ServiceOffering = serviceOffering,
                    Template = template,
                },
            page,
            cancellationToken);
        var tagsOf = await TagReader.ReadAsync(db, listing.Rows.Select(e => e.Volume.Id.Value), cancellationToken);
        return listing with { Rows = [.. listing.Rows.Select(e => e with { Tags = [.. tagsOf[e.Volume.Id.Value]] })] };
    }

    /// <summary>Reads one volume, also one that is gone.</summary>
    public static async Task<VolumeEntry?> FindAsync(StoreConnection db, VolumeId id, CancellationToken cancellationToken)
    {
        var listing = await ReadAsync(db, AskedOwners.All(db), new VolumeFilter { Ids = [id], IncludeRemoved = true }, Page.Default, cancellationToken);
        return listing.Rows.SingleOrDefault();
    }

    private static IQueryable<VolumeRow> Filtered(StoreConnection db, VolumeFilter filter)
    {
        IQueryable<VolumeRow> volumes = db.Volumes;
        if (!filter.IncludeRemoved)
        {
            volumes = volumes.Where(v => v.Removed == null);
        }

        if (filter.Ids is { } ids)
        {
            volumes = volumes.Where(v => ids.Contains(v.Id));
        }

        if (filter.Tags is { } wanted)
        {
            var tags = TagReader.Any(db, wanted);
            volumes = volumes.Where(v => tags.Any(t => t.ResourceId == StoreSql.Plain(v.Id)));
        }

        if (filter.Name?.ToLowerInvariant() is { } name)
        {
            volumes = volumes.Where(v => v.Name.ToLower() == name);
        }

        if (filter.Keyword?.ToLowerInvariant() is { } keyword)
        {
            var types = VolumeTypes.WithPart(keyword);
            var states = Enum.GetValues<VolumeState>().Where(s => s.ToString().Contains(keyword, StringComparison.OrdinalIgnoreCase)).ToArray();
            volumes = volumes.Where(v => v.Name.ToLower().Contains(keyword) || types.Contains(v.Type) || states.Contains(v.State));
        }

        if (filter.Type is { } part)
        {
            var types = VolumeTypes.WithPart(part);
            volumes = volumes.Where(v => types.Contains(v.Type));
        }

        if (filter.State is { } state)
        {
            volumes = Enum.TryParse<VolumeState>(state, ignoreCase: true, out var parsed) && Enum.IsDefined(parsed)
                ? volumes.Where(v => v.State == parsed)
                : volumes.Where(v => false);
        }

        if (filter.VmId is { } vm)
        {
            volumes = volumes.Where(v => v.VmId == vm);
        }

        if (filter.ZoneId is { } zone)
        {
            volumes = volumes.Where(v => v.ZoneId == zone);
        }

        if (filter.PoolId is { } pool)
        {
            volumes = volumes.Where(v => v.PoolId == pool);
        }

        if (filter.PodId is { } pod)
        {
            volumes = volumes.Where(v => v.PoolId != null && db.StoragePools.Where(p => p.PodId == pod).Select(p => p.Id).Contains(v.PoolId!.Value));
        }

        if (filter.ClusterId is { } cluster)
        {
            volumes = volumes.Where(v => v.PoolId != null && db.StoragePools.Where(p => p.ClusterId == cluster).Select(p => p.Id).Contains(v.PoolId!.Value));
        }

        if (filter.HostId is { } host)
        {
            volumes = volumes.Where(v => v.VmId != null && db.Vms.Where(m => m.HostId == host && m.Removed == null).Select(m => m.Id).Contains(v.VmId!.Value));
        }

        if (filter.DiskOfferingId is { } diskOffering)
        {
            volumes = volumes.Where(v => v.DiskOfferingId == diskOffering);
        }

        if (filter.ServiceOfferingId is { } serviceOffering)
        {
            volumes = volumes.Where(v => v.ServiceOfferingId == serviceOffering);
        }

        return volumes;
    }
}
