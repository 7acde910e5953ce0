using Holdfast.Server.Api.Commands;
using Holdfast.Server.Store;
using LinqToDB.Async;

namespace Holdfast.Server.Placement;

/// <summary>listInfrastructure: how much there is of everything, for the first page of the web interface.</summary>
internal static class InfrastructureCommands
{
    private const string Key = "infrastructure";

    private static readonly View<Counts> View = View<Counts>.Build(v => v
        .Int("zones", "how many zones there are", c => c.Zones)
        .Int("pods", "how many pods there are", c => c.Pods)
        .Int("clusters", "how many clusters there are", c => c.Clusters)
        .Int("hosts", "how many hosts there are", c => c.Hosts)
        .Int("storagepools", "how many storage pools there are", c => c.StoragePools)
        .Int("alerts", "how many alerts there are", c => c.Alerts)
        .Int("managementservers", "always 1, as listManagementServers has it: the one that answers", _ => 1)
        .Int("imagestores", "always 0: there is no secondary storage", _ => 0)
        .Int("objectstores", "always 0: there are no object stores", _ => 0)
        .Int("systemvms", "always 0: there are no system VMs", _ => 0)
        .Int("routers", "always 0: there are no virtual routers", _ => 0)
        .Int("ilbvms", "always 0: there are no internal load balancers", _ => 0)
        .Int("backuprepositories", "always 0: there are no backups", _ => 0));

    /// <summary>The commands.</summary>
    public static IReadOnlyList<ApiCommand> All { get; } =
    [
        new()
        {
            Name = "listInfrastructure",
            Description = "Tells how much there is of everything",
            Roles = Roles.RootAdmin,
            Parameters = [],
            Response = ResponseShape.Of(Key, View),
            Handler = async (call, ct) => ApiResult.Object(Key, View, await call.Services.Database.ReadAsync(ReadAsync, ct)),
        },
    ];

    private static async Task<Counts> ReadAsync(StoreConnection db, CancellationToken cancellationToken) => new(
        await db.Zones.CountAsync(z => z.Removed == null, cancellationToken),
        await db.Pods.CountAsync(p => p.Removed == null, cancellationToken),
        await db.Clusters.CountAsync(c => c.Removed == null, cancellationToken),
        await db.Hosts.CountAsync(h => h.Removed == null, cancellationToken),
        await db.StoragePools.CountAsync(p => p.Removed == null, cancellationToken),
        await db.Alerts.CountAsync(a => !a.Archived, cancellationToken));

    private sealed record Counts(int Zones, int Pods, int Clusters, int Hosts, int StoragePools, int Alerts);
}
