using Holdfast.Agent.Hypervisor;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Machines;

/// <summary>What the interfaces of a machine are plugged into. Pure.</summary>
/// <param name="Nics">The interfaces that have a network.</param>
/// <param name="Networks">Names of the networks they are on.</param>
/// <param name="Without">Names of networks that this host has no place for.</param>
internal sealed record NetworkChoice(IReadOnlyList<DomainNic> Nics, IReadOnlyList<string> Networks, IReadOnlyList<string> Without)
{
    private const string DefaultNetwork = "default";

    /// <summary>Chooses: what the server names, else the host's configured bridge, else libvirt's default network, else none.</summary>
    public static NetworkChoice Make(MachineSpec spec, string? hostBridge, IReadOnlyList<string> activeNetworks)
    {
        var (nics, networks, without) = (new List<DomainNic>(), new List<string>(), new List<string>());
        foreach (var nic in spec.Nics)
        {
            DomainNicSource? source = nic.Bridge switch
            {
                { } named when activeNetworks.Contains(named) => new DomainNicSource.LibvirtNetwork(named),
                { } named => new DomainNicSource.Bridge(named),
                null when hostBridge is not null => new DomainNicSource.Bridge(hostBridge),
                null when activeNetworks.Contains(DefaultNetwork) => new DomainNicSource.LibvirtNetwork(DefaultNetwork),
                _ => null,
            };
            if (source is null)
            {
                without.Add(nic.NetworkName);
            }
            else
            {
                nics.Add(new DomainNic(nic.Mac, source));
                networks.Add(nic.NetworkName);
            }
        }

        return new NetworkChoice(nics, networks, without);
    }
}
