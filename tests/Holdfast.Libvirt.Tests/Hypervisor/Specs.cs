using Holdfast.Agent.Hypervisor;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;

namespace Holdfast.Libvirt.Tests.Hypervisor;

internal static class Specs
{
    public static readonly VmId Machine = new(Guid.Parse("0192f0c1-2a3b-7c4d-8e5f-60718293a4b5"));
    public static readonly VolumeId Root = new(Guid.Parse("0192f0c1-2a3b-7c4d-8e5f-000000000001"));
    public static readonly VolumeId Data = new(Guid.Parse("0192f0c1-2a3b-7c4d-8e5f-000000000002"));

    public static DomainSpec Minimal(params DomainDisk[] disks) => new()
    {
        Machine = Machine,
        Generation = new Generation(7),
        Name = "i-2-17-VM",
        Cpus = 2,
        MemoryMiB = 512,
        Disks = disks,
        Nics = [],
        SerialLogPath = "/var/log/holdfast/i-2-17-VM.serial.log",
        Accelerator = Accelerator.Tcg,
    };

    public static DomainDisk Disk(VolumeId volume, string target, DiskSource source) => new() { Volume = volume, Target = target, Source = source };
}
