using Holdfast.Core.Ids;

namespace Holdfast.Agent.Hypervisor;

/// <summary>A disk of a live domain.</summary>
/// <param name="Target">The target, such as vda.</param>
/// <param name="Volume">The volume it holds, as written into the domain when it was attached; null for a disk that Holdfast did not attach.</param>
/// <param name="Source">The path of the device or file.</param>
internal sealed record OwnDomainDisk(string Target, VolumeId? Volume, string Source);
