namespace Holdfast.Bench;

/// <summary>How large an installation is that is made up.</summary>
/// <param name="Hosts">Hosts; 20 to a cluster, 20 clusters to a pod.</param>
/// <param name="Vms">VMs, spread evenly over the hosts, each with a root volume on its cluster's pool; one in five with a data volume on the zone's pool.</param>
internal sealed record ScaleSize(int Hosts, int Vms)
{
    public const int HostsPerCluster = 20;
    public const int ClustersPerPod = 20;
    public const int VmsPerDataVolume = 5;

    /// <summary>A hundredth of it, for ratios within one run.</summary>
    public ScaleSize Small => new(Math.Max(HostsPerCluster, Hosts / 100), Math.Max(100, Vms / 100));
}
