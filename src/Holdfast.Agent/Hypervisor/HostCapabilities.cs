using System.Globalization;
using System.Xml.Linq;
using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.Hypervisor;

/// <summary>What is read from libvirt's description of the host. Pure.</summary>
/// <param name="Architecture">The architecture of the host.</param>
/// <param name="Emulator">The emulator for guests of that architecture; empty when there is none.</param>
/// <param name="OffersKvm">Whether libvirt can start such guests with KVM.</param>
/// <param name="GuestUser">Whom QEMU runs as; null when libvirt does not tell.</param>
internal sealed record HostCapabilities(string Architecture, string Emulator, bool OffersKvm, GuestUser? GuestUser)
{
    /// <summary>Reads the description.</summary>
    /// <param name="capabilities">libvirt's XML.</param>
    public static HostCapabilities Read(XElement capabilities)
    {
        var host = capabilities.Element("host");
        var architecture = (string?)host?.Element("cpu")?.Element("arch") ?? "";
        var guest = capabilities.Elements("guest")
            .FirstOrDefault(candidate => (string?)candidate.Element("os_type") == "hvm" && (string?)candidate.Element("arch")?.Attribute("name") == architecture)
            ?.Element("arch");
        return new HostCapabilities(
            architecture,
            (string?)guest?.Element("emulator") ?? "",
            guest?.Elements("domain").Any(domain => (string?)domain.Attribute("type") == "kvm") ?? false,
            ReadGuestUser((string?)host?.Elements("secmodel").FirstOrDefault(model => (string?)model.Element("model") == "dac")?.Element("baselabel")));
    }

    /// <summary>The first processor's model, as the kernel names it.</summary>
    /// <param name="cpuInfo">The kernel's description of the processors.</param>
    public static string? ReadCpuModel(string cpuInfo) =>
        cpuInfo.Split('\n').FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim();

    /// <summary>All of the host's memory as the kernel counts it. libvirt adds up NUMA nodes, and leaves out memory that was plugged in later without one.</summary>
    /// <param name="memInfo">The kernel's description of the memory.</param>
    public static long? ReadMemoryKiB(string memInfo) =>
        memInfo.Split('\n').FirstOrDefault(line => line.StartsWith("MemTotal:", StringComparison.Ordinal)) is { } line
        && long.TryParse(line["MemTotal:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var kibibytes)
            ? kibibytes
            : null;

    /// <summary>Reads a label of the form +64055:+64055.</summary>
    private static GuestUser? ReadGuestUser(string? label) =>
        label?.Split(':') is [var user, var group]
        && uint.TryParse(user.TrimStart('+'), NumberStyles.None, CultureInfo.InvariantCulture, out var userId)
        && uint.TryParse(group.TrimStart('+'), NumberStyles.None, CultureInfo.InvariantCulture, out var groupId)
            ? new GuestUser(userId, groupId)
            : null;
}
