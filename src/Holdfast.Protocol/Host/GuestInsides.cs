using Holdfast.Core.Ids;

namespace Holdfast.Protocol.Host;

/// <summary>A guest as libvirt has it.</summary>
/// <param name="Id">The VM, which is also the UUID of the domain.</param>
/// <param name="Name">The domain's name.</param>
/// <param name="State">libvirt's word for what it does.</param>
public sealed record GuestInsides(VmId Id, string Name, string State);
