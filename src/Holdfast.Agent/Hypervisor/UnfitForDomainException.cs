namespace Holdfast.Agent.Hypervisor;

/// <summary>A spec that no domain can be made of. Does not leave the adapter: it becomes <see cref="HypervisorFault.Refused"/>.</summary>
internal sealed class UnfitForDomainException(string message) : Exception(message);
