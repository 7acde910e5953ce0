namespace Holdfast.Agent.Hypervisor;

/// <summary>What a network interface is plugged into.</summary>
internal abstract record DomainNicSource
{
    private DomainNicSource()
    {
    }

    /// <summary>A bridge of the host.</summary>
    internal sealed record Bridge(string Name) : DomainNicSource;

    /// <summary>A network that libvirt keeps, such as default.</summary>
    internal sealed record LibvirtNetwork(string Name) : DomainNicSource;
}
