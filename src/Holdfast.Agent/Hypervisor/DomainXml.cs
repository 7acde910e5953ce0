using System.Xml.Linq;
using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.Hypervisor;

/// <summary>Builds libvirt's XML from records. Pure: equal records give equal text. The README says why it looks as it does.</summary>
internal static class DomainXml
{
    // Where disks can be plugged in: this machine has a slot for each device that it begins with, and no other.
    private const int SpareSlots = 16;

    // How often memory can be plugged in.
    private const int MemorySlots = 16;

    /// <summary>The definition of a domain.</summary>
    /// <exception cref="UnfitForDomainException">Something in the spec cannot be put into a domain.</exception>
    public static XElement Domain(DomainSpec spec) => new(
        "domain",
        new XAttribute("type", spec.Accelerator == Accelerator.Kvm ? "kvm" : "qemu"),
        new XElement("name", Text(spec.Name)),
        new XElement("uuid", spec.Machine.ToString()),
        new XElement("metadata", new MachineMetadata(spec.Machine, spec.Generation).ToXml()),
        spec.MaxMemoryMiB > spec.MemoryMiB ? new XElement("maxMemory", new XAttribute("slots", MemorySlots), new XAttribute("unit", "MiB"), spec.MaxMemoryMiB) : null,
        new XElement("memory", new XAttribute("unit", "MiB"), spec.MemoryMiB),
        new XElement("vcpu", new XAttribute("placement", "static"), spec.MaxCpus > spec.Cpus ? new XAttribute("current", spec.Cpus) : null, MostCpus(spec)),
        Os(spec.Firmware),
        new XElement(
            "features",
            new XElement("acpi"),
            new XElement("apic"),
            spec.Firmware is { IsSecure: true } ? new XElement("smm", new XAttribute("state", "on")) : null),
        Cpu(spec),
        new XElement("clock", new XAttribute("offset", "utc")),
        new XElement("on_poweroff", "destroy"),
        new XElement("on_reboot", "restart"),
        new XElement("on_crash", "destroy"),
        new XElement(
            "pm",
            new XElement("suspend-to-mem", new XAttribute("enabled", "no")),
            new XElement("suspend-to-disk", new XAttribute("enabled", "no"))),
        new XElement(
            "devices",
            spec.Disks.Select((disk, index) => Disk(disk, index + 1)),
            spec.GuestDrive is { } drive ? GuestDrive(drive, IsQ35(spec)) : null,
            IsQ35(spec) ? Enumerable.Range(0, SpareSlots + 1).Select(PciController) : null,
            new XElement("controller", new XAttribute("type", "usb"), new XAttribute("model", "none")),
            spec.Nics.Select(Nic),
            new XElement(
                "serial",
                new XAttribute("type", "file"),
                new XElement("source", new XAttribute("path", AbsolutePath(spec.SerialLogPath)), new XAttribute("append", "on")),
                new XElement("target", new XAttribute("port", 0))),
            new XElement("graphics", new XAttribute("type", "vnc"), new XElement("listen", new XAttribute("type", "socket"))),
            new XElement("video", new XElement("model", new XAttribute("type", "vga"), new XAttribute("vram", 16384), new XAttribute("heads", 1))),
            new XElement("memballoon", new XAttribute("model", "none")),
            new XElement("rng", new XAttribute("model", "virtio"), new XElement("backend", new XAttribute("model", "random"), "/dev/urandom")),
            new XElement("panic", new XAttribute("model", "isa"))));

    /// <summary>Memory, to be plugged into a running domain.</summary>
    /// <param name="mebibytes">How much.</param>
    /// <param name="total">What the domain has with it: no two of them are plugged in for one purpose.</param>
    public static XElement Memory(long mebibytes, long total) => new(
        "memory",
        new XAttribute("model", "dimm"),
        new XElement("target", new XElement("size", new XAttribute("unit", "MiB"), mebibytes), new XElement("node", 0)),
        new XElement("alias", new XAttribute("name", $"ua-memory-{total}")));

    /// <summary>One disk, to be attached to a running domain.</summary>
    /// <exception cref="UnfitForDomainException">Something in it cannot be put into a domain.</exception>
    public static XElement Disk(DomainDisk disk) => Disk(disk, bootOrder: null);

    private static XElement Disk(DomainDisk disk, int? bootOrder) => new(
        "disk",
        new XAttribute("type", disk.Source is DiskSource.Block ? "block" : "file"),
        new XAttribute("device", "disk"),
        Driver(disk.Source),
        Source(disk.Source),
        Backing(disk.Source),
        new XElement("target", new XAttribute("dev", Text(disk.Target)), new XAttribute("bus", "virtio")),
        disk.ReadOnly ? new XElement("readonly") : null,
        new XElement("serial", DiskAlias.SerialOf(disk.Volume)),
        bootOrder is { } order ? new XElement("boot", new XAttribute("order", order)) : null,
        new XElement("alias", new XAttribute("name", DiskAlias.Of(disk.Volume))));

    private static int MostCpus(DomainSpec spec) => Math.Max(spec.MaxCpus ?? 0, spec.Cpus);

    // Memory is plugged into a cell, which the guest has to begin with.
    private static XElement? Cpu(DomainSpec spec)
    {
        var mode = spec.Accelerator == Accelerator.Kvm ? new XAttribute("mode", "host-model") : null;
        var cells = spec.MaxMemoryMiB > spec.MemoryMiB
            ? new XElement(
                "numa",
                new XElement(
                    "cell", new XAttribute("id", 0), new XAttribute("cpus", $"0-{MostCpus(spec) - 1}"), new XAttribute("memory", spec.MemoryMiB), new XAttribute("unit", "MiB")))
            : null;
        return mode is null && cells is null ? null : new XElement("cpu", mode, cells);
    }

    // Secure boot needs system management mode, which the older machine does not have.
    private static bool IsQ35(DomainSpec spec) => spec.Firmware is { IsSecure: true };

    private static XElement Os(DomainFirmware? firmware) => new(
        "os",
        new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", firmware is { IsSecure: true } ? "q35" : "pc"), "hvm"),
        firmware is null
            ? null
            : new XElement(
                "loader",
                new XAttribute("readonly", "yes"),
                firmware.IsSecure ? new XAttribute("secure", "yes") : null,
                new XAttribute("type", "pflash"),
                AbsolutePath(firmware.Files.Code)),
        firmware is null ? null : new XElement("nvram", new XAttribute("template", AbsolutePath(firmware.Files.Variables)), AbsolutePath(firmware.VariablesPath)));

    private static XElement PciController(int index) => new(
        "controller", new XAttribute("type", "pci"), new XAttribute("index", index), new XAttribute("model", index == 0 ? "pcie-root" : "pcie-root-port"));

    private static XElement GuestDrive(string path, bool isQ35) => new(
        "disk",
        new XAttribute("type", "file"),
        new XAttribute("device", DomainReader.CdRom),
        new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw")),
        new XElement("source", new XAttribute("file", AbsolutePath(path)), NoRelabel()),
        new XElement("backingStore"),
        new XElement("target", new XAttribute("dev", isQ35 ? "sdc" : "hdc"), new XAttribute("bus", isQ35 ? "sata" : "ide")),
        new XElement("readonly"));

    private static XElement Driver(DiskSource source)
    {
        var (format, cache, io) = source switch
        {
            DiskSource.Block => ("raw", "none", "native"),
            DiskSource.File { DirectIo: true } file => (Format(file.Format), "none", "threads"),
            DiskSource.File file => (Format(file.Format), "writeback", "threads"),
            _ => throw new UnfitForDomainException($"a disk source of kind {source.GetType().Name} is not supported by this version"),
        };
        return new XElement(
            "driver",
            new XAttribute("name", "qemu"),
            new XAttribute("type", format),
            new XAttribute("cache", cache),
            new XAttribute("io", io),
            new XAttribute("discard", "unmap"),
            new XAttribute("error_policy", "stop"),
            new XAttribute("rerror_policy", "stop"));
    }

    private static XElement Source(DiskSource source) => source switch
    {
        DiskSource.Block block => new XElement("source", new XAttribute("dev", AbsolutePath(block.Path)), NoRelabel()),
        DiskSource.File file => new XElement("source", new XAttribute("file", AbsolutePath(file.Path)), NoRelabel()),
        _ => throw new UnfitForDomainException($"a disk source of kind {source.GetType().Name} is not supported by this version"),
    };

    /// <summary>The chain as told, ended explicitly: libvirt opens no image to find out.</summary>
    private static XElement? Backing(DiskSource source) => source switch
    {
        DiskSource.File file => (file.Backing ?? []).Reverse().Aggregate(
            new XElement("backingStore"),
            (inner, image) => new XElement(
                "backingStore",
                new XAttribute("type", "file"),
                new XElement("format", new XAttribute("type", Format(image.Format))),
                new XElement("source", new XAttribute("file", AbsolutePath(image.Path)), NoRelabel()),
                inner)),
        _ => null,
    };

    private static XElement NoRelabel() => new("seclabel", new XAttribute("model", "dac"), new XAttribute("relabel", "no"));

    private static XElement Nic(DomainNic nic) => new(
        "interface",
        new XAttribute("type", nic.Source is DomainNicSource.Bridge ? "bridge" : "network"),
        new XElement("mac", new XAttribute("address", Text(nic.MacAddress))),
        nic.Source switch
        {
            DomainNicSource.Bridge bridge => new XElement("source", new XAttribute("bridge", Text(bridge.Name))),
            DomainNicSource.LibvirtNetwork network => new XElement("source", new XAttribute("network", Text(network.Name))),
            _ => throw new UnfitForDomainException($"an interface on {nic.Source.GetType().Name} is not supported by this version"),
        },
        new XElement("model", new XAttribute("type", "virtio")),
        new XElement("rom", new XAttribute("enabled", "no")));

    private static string Format(string format) => format is "raw" or "qcow2"
        ? format
        : throw new UnfitForDomainException($"the image format '{format}' is not supported");

    private static string AbsolutePath(string path) => Path.IsPathFullyQualified(path)
        ? Text(path)
        : throw new UnfitForDomainException($"'{path}' is not an absolute path");

    private static string Text(string text) => text.Length > 0 && !text.Any(char.IsControl)
        ? text
        : throw new UnfitForDomainException($"'{text}' is empty or has control characters");
}
