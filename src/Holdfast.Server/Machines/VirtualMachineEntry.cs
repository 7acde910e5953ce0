using Holdfast.Core.Ids;
using Holdfast.Core.Planning;
using Holdfast.Core.States;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Tags;

namespace Holdfast.Server.Machines;

/// <summary>A VM with the rows its response object is made from.</summary>
internal sealed record VirtualMachineEntry
{
    /// <summary>The VM.</summary>
    public required VmRow Vm { get; init; }

    /// <summary>Its owner.</summary>
    public required AccountRow Account { get; init; }

    /// <summary>The owner's domain.</summary>
    public required DomainRow Domain { get; init; }

    /// <summary>Who made it.</summary>
    public UserRow? User { get; init; }

    /// <summary>Its zone.</summary>
    public required ZoneRow Zone { get; init; }

    /// <summary>Where it runs.</summary>
    public HostRow? Host { get; init; }

    /// <summary>What its root disk was cloned from.</summary>
    public TemplateRow? Template { get; init; }

    /// <summary>The template's guest operating system.</summary>
    public OsTypeRow? OsType { get; init; }

    /// <summary>Its offering.</summary>
    public ServiceOfferingRow? Offering { get; init; }

    /// <summary>Its network interfaces.</summary>
    public IReadOnlyList<NicEntry> Nics { get; init; } = [];

    /// <summary>Whether it is in affinity groups.</summary>
    public bool IsInAffinityGroups { get; init; }

    /// <summary>The affinity groups that it is in.</summary>
    public IReadOnlyList<AffinityGroupRow> AffinityGroups { get; init; } = [];

    /// <summary>The name of the group that it is in.</summary>
    public string? GroupName { get; init; }

    /// <summary>The name of the registered user data that it has.</summary>
    public string? UserDataName { get; init; }

    /// <summary>Its user data in Base64, where it was asked for.</summary>
    public string? UserData { get; init; }

    /// <summary>Its tags.</summary>
    public IReadOnlyList<TagEntry> Tags { get; init; } = [];

    /// <summary>Type of the pool that holds its root disk.</summary>
    public string? RootPoolType { get; init; }

    /// <summary>The offering of its first data disk.</summary>
    public DiskOfferingId? DiskOfferingId { get; init; }

    /// <summary>The name of that offering.</summary>
    public string? DiskOfferingName { get; init; }

    /// <summary>What is said about its volumes that their backends do not know.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>Why what its host says of it is not taken.</summary>
    public string? SetAside { get; init; }

    /// <summary>What stands in the way. While nothing is heard of its host that comes first: all else is of before. That volumes of it are missing comes last.</summary>
    public string? Condition => Missing.Where(text => Vm.Condition?.Contains(text, StringComparison.Ordinal) != true).Append(SetAside).OfType<string>().Aggregate(Silence ?? Vm.Condition, static (all, text) => all is null ? text : $"{all}; {text}");

    private string? Silence => Host is { } host && Vm.State is VmState.Running or VmState.Starting or VmState.Stopping ? HostSilence.Of(host.Name, host.State, host.LastReport) : null;
}

/// <summary>A network interface with its network.</summary>
/// <param name="Nic">The interface.</param>
/// <param name="Network">The network.</param>
internal sealed record NicEntry(NicRow Nic, NetworkRow Network);

/// <summary>Which VMs a list asks for; null means "any".</summary>
internal sealed record VirtualMachineFilter
{
    /// <summary>Only these.</summary>
    public IReadOnlyList<VmId>? Ids { get; init; }

    /// <summary>Exact name, whatever its case.</summary>
    public string? Name { get; init; }

    /// <summary>Part of the names.</summary>
    public string? Keyword { get; init; }

    /// <summary>State by name; <c>Present</c> stands for all but Destroyed and Expunging.</summary>
    public string? State { get; init; }

    /// <summary>Zone.</summary>
    public ZoneId? ZoneId { get; init; }

    /// <summary>Pod of its host.</summary>
    public PodId? PodId { get; init; }

    /// <summary>Cluster of its host.</summary>
    public ClusterId? ClusterId { get; init; }

    /// <summary>Host.</summary>
    public HostId? HostId { get; init; }

    /// <summary>A pool that holds one of its volumes.</summary>
    public PoolId? PoolId { get; init; }

    /// <summary>A network it is on.</summary>
    public NetworkId? NetworkId { get; init; }

    /// <summary>Template.</summary>
    public TemplateId? TemplateId { get; init; }

    /// <summary>Service offering.</summary>
    public ServiceOfferingId? ServiceOfferingId { get; init; }

    /// <summary>Who made it.</summary>
    public UserId? UserId { get; init; }

    /// <summary>The group that it is in.</summary>
    public InstanceGroupId? GroupId { get; init; }

    /// <summary>An affinity group that it is in.</summary>
    public AffinityGroupId? AffinityGroupId { get; init; }

    /// <summary>Registered user data that it has.</summary>
    public UserDataId? UserDataId { get; init; }

    /// <summary>Whether user data is read: up to a mebibyte a VM.</summary>
    public bool WithUserData { get; init; }

    /// <summary>The name of one of its SSH key pairs.</summary>
    public string? KeyPair { get; init; }

    /// <summary>Any of these tags.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Whether VMs that were expunged are found too.</summary>
    public bool IncludeRemoved { get; init; }
}
