namespace Holdfast.Libvirt;

/// <summary>The hardware of the host.</summary>
/// <param name="Model">Architecture or processor model, as libvirt names it.</param>
/// <param name="MemoryKiB">Memory in KiB.</param>
/// <param name="Cpus">Processors online.</param>
/// <param name="Megahertz">Clock in MHz, 0 when unknown.</param>
public sealed record LibvirtNodeInfo(string Model, ulong MemoryKiB, int Cpus, int Megahertz);
