using Holdfast.Core.Ids;
using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>An affinity group of the VM that is placed.</summary>
/// <param name="Id">The group.</param>
/// <param name="Name">Its name, for texts.</param>
/// <param name="Type">What its VMs want of each other.</param>
/// <param name="Hosts">Where its other VMs are, or are being started or stopped.</param>
public sealed record AffinityFacts(AffinityGroupId Id, string Name, AffinityType Type, IReadOnlySet<HostId> Hosts)
{
    /// <summary>Why the VM cannot be on a host; null: it can.</summary>
    /// <param name="host">The host.</param>
    public string? Objection(HostId host) => Type switch
    {
        AffinityType.HostAntiAffinity when Hosts.Contains(host) => $"another VM of affinity group {Name} ({Id}), whose VMs must be on different hosts, is on it",
        AffinityType.HostAffinity when Hosts.Count > 0 && !Hosts.Contains(host) => $"the other VMs of affinity group {Name} ({Id}), whose VMs must be on one host, are elsewhere",
        _ => null,
    };

    /// <summary>Hosts that the groups would rather have the VM on, and hosts that they would rather not. One that some groups like and others do not is in neither.</summary>
    /// <param name="groups">The groups.</param>
    public static (IReadOnlySet<HostId> Liked, IReadOnlySet<HostId> Disliked) Wishes(IReadOnlyList<AffinityFacts> groups)
    {
        var liked = groups.Where(g => g.Type == AffinityType.NonStrictHostAffinity).SelectMany(g => g.Hosts).ToHashSet();
        var disliked = groups.Where(g => g.Type == AffinityType.NonStrictHostAntiAffinity).SelectMany(g => g.Hosts).ToHashSet();
        var both = liked.Intersect(disliked).ToList();
        liked.ExceptWith(both);
        disliked.ExceptWith(both);
        return (liked, disliked);
    }
}
