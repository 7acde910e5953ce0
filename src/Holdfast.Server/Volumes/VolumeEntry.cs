using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;

namespace Holdfast.Server.Volumes;

/// <summary>A volume with the rows its response object is made from.</summary>
internal sealed record VolumeEntry
{
    /// <summary>The volume.</summary>
    public required VolumeRow Volume { get; init; }

    /// <summary>Its owner.</summary>
    public required AccountRow Account { get; init; }

    /// <summary>The owner's domain.</summary>
    public required DomainRow Domain { get; init; }

    /// <summary>Its zone.</summary>
    public required ZoneRow Zone { get; init; }

    /// <summary>The VM it is attached to.</summary>
    public VmRow? Vm { get; init; }

    /// <summary>The pool that holds it.</summary>
    public StoragePoolRow? Pool { get; init; }

    /// <summary>Its disk offering.</summary>
    public DiskOfferingRow? DiskOffering { get; init; }

    /// <summary>Its service offering, for root disks.</summary>
    public ServiceOfferingRow? ServiceOffering { get; init; }

    /// <summary>What it was cloned from.</summary>
    public TemplateRow? Template { get; init; }

    /// <summary>Its tags.</summary>
    public IReadOnlyList<TagEntry> Tags { get; init; } = [];

    /// <summary>What stands in the way: that it is missing before anything else.</summary>
    public string? Condition => Volume.Missing is { } since ? VmPlanner.MissingText(Volume.Name, Volume.Id, Pool?.Name, Volume.PoolId, since) : Volume.Condition;
}

/// <summary>Which volumes a list asks for; null means "any".</summary>
internal sealed record VolumeFilter
{
    /// <summary>Any of these tags.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Only these.</summary>
    public IReadOnlyList<VolumeId>? Ids { get; init; }

    /// <summary>Exact name, whatever its case.</summary>
    public string? Name { get; init; }

    /// <summary>Part of name, type or state.</summary>
    public string? Keyword { get; init; }

    /// <summary>Part of the type.</summary>
    public string? Type { get; init; }

    /// <summary>State by name.</summary>
    public string? State { get; init; }

    /// <summary>The VM it is attached to.</summary>
    public VmId? VmId { get; init; }

    /// <summary>Zone.</summary>
    public ZoneId? ZoneId { get; init; }

    /// <summary>Pod of its pool.</summary>
    public PodId? PodId { get; init; }

    /// <summary>Cluster of its pool.</summary>
    public ClusterId? ClusterId { get; init; }

    /// <summary>Host that its VM runs on.</summary>
    public HostId? HostId { get; init; }

    /// <summary>Pool.</summary>
    public PoolId? PoolId { get; init; }

    /// <summary>Disk offering.</summary>
    public DiskOfferingId? DiskOfferingId { get; init; }

    /// <summary>Service offering.</summary>
    public ServiceOfferingId? ServiceOfferingId { get; init; }

    /// <summary>Whether volumes that are gone are found too.</summary>
    public bool IncludeRemoved { get; init; }
}

/// <summary>Names of volume types on the wire.</summary>
internal static class VolumeTypes
{
    /// <summary>The name of a type.</summary>
    public static string ToWire(this VolumeType type) => type == VolumeType.Root ? "ROOT" : "DATADISK";

    /// <summary>The types whose names have a part.</summary>
    public static VolumeType[] WithPart(string part) =>
        [.. Enum.GetValues<VolumeType>().Where(t => t.ToWire().Contains(part, StringComparison.OrdinalIgnoreCase))];
}
