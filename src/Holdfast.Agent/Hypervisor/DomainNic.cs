namespace Holdfast.Agent.Hypervisor;

/// <summary>One network interface of a domain, always virtio.</summary>
/// <param name="MacAddress">The address, as six hex pairs with colons.</param>
/// <param name="Source">What it is plugged into.</param>
internal sealed record DomainNic(string MacAddress, DomainNicSource Source);
