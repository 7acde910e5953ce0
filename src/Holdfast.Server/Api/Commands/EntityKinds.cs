namespace Holdfast.Server.Api.Commands;

/// <summary>What is known about the kinds of entity without asking the database.</summary>
internal static class EntityKinds
{
    /// <summary>The commands that list entities of a kind, as <c>related</c> of a parameter: clients complete ids with them.</summary>
    public static string ListCommand(this EntityKind kind) => kind switch
    {
        EntityKind.Zone => "listZones",
        EntityKind.Pod => "listPods",
        EntityKind.Cluster => "listClusters",
        EntityKind.Host => "listHosts",
        EntityKind.StoragePool => "listStoragePools",
        EntityKind.ServiceOffering => "listServiceOfferings",
        EntityKind.DiskOffering => "listDiskOfferings",
        EntityKind.OsType => "listOsTypes",
        EntityKind.Network => "listNetworks",
        EntityKind.Template or EntityKind.OwnTemplate => "listTemplates",
        EntityKind.VirtualMachine => "listVirtualMachines",
        EntityKind.Volume => "listVolumes",
        EntityKind.Job => "listAsyncJobs",
        EntityKind.Event => "listEvents",
        EntityKind.Domain => "listDomains",
        EntityKind.Account => "listAccounts",
        EntityKind.User => "listUsers",
        EntityKind.Obligation => "listObligations",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>Whether entities of a kind are for root administrators only: nobody else learns whether an id exists.</summary>
    public static bool IsInfrastructure(this EntityKind kind) =>
        kind is EntityKind.Pod or EntityKind.Cluster or EntityKind.Host or EntityKind.StoragePool or EntityKind.Obligation;

    /// <summary>Whether entities of a kind belong to an account, so that others must not learn of them.</summary>
    public static bool IsOwned(this EntityKind kind) =>
        kind is EntityKind.Template or EntityKind.OwnTemplate or EntityKind.VirtualMachine or EntityKind.Volume or EntityKind.Job or EntityKind.Event
            or EntityKind.Account or EntityKind.User;
}
