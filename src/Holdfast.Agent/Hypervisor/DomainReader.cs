using System.Xml.Linq;

namespace Holdfast.Agent.Hypervisor;

/// <summary>Reads what libvirt tells about a domain. Pure.</summary>
internal static class DomainReader
{
    /// <summary>The kind of device that a configuration drive is: no disk, and no volume is on it.</summary>
    public const string CdRom = "cdrom";

    /// <summary>Reads a live definition.</summary>
    /// <param name="domain">The definition.</param>
    /// <param name="status">What it does, which the definition does not tell.</param>
    /// <param name="cpuTime">The processor time it used.</param>
    /// <returns>The domain; null when it is not ours.</returns>
    public static OwnDomain? Read(XElement domain, DomainStatus status, TimeSpan cpuTime)
    {
        if (MachineMetadata.Read(domain) is not { } mark)
        {
            return null;
        }

        var devices = domain.Element("devices");
        return new OwnDomain
        {
            Machine = mark.Machine,
            Name = (string?)domain.Element("name") ?? "",
            Generation = mark.Generation,
            Status = status,
            Cpus = (int?)domain.Element("vcpu")?.Attribute("current") ?? (int?)domain.Element("vcpu") ?? 0,

            // libvirt tells it in KiB, whatever it was given in.
            MemoryMiB = ((long?)domain.Element("memory") ?? 0) / 1024,
            Disks = [.. (devices?.Elements("disk") ?? []).Where(disk => (string?)disk.Attribute("device") != CdRom).Select(ReadDisk)],
            VncSocket = (string?)devices?.Elements("graphics").FirstOrDefault(graphics => (string?)graphics.Attribute("type") == "vnc")?.Attribute("socket"),
            CpuTime = cpuTime,
        };
    }

    private static OwnDomainDisk ReadDisk(XElement disk)
    {
        var source = disk.Element("source");
        return new OwnDomainDisk(
            (string?)disk.Element("target")?.Attribute("dev") ?? "",
            DiskAlias.Read((string?)disk.Element("alias")?.Attribute("name")),
            (string?)source?.Attribute("dev") ?? (string?)source?.Attribute("file") ?? (string?)source?.Attribute("name") ?? "");
    }
}
