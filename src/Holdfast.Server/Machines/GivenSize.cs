using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Machines;

/// <summary>The size that a caller gives a VM whose service offering leaves it open; null: not given.</summary>
/// <param name="Cpus">CPUs.</param>
/// <param name="CpuMhz">MHz of each.</param>
/// <param name="MemoryMib">MiB.</param>
internal sealed record GivenSize(int? Cpus, int? CpuMhz, int? MemoryMib)
{
    /// <summary>The detail that is the number of CPUs.</summary>
    public const string CpusDetail = "cpuNumber";

    /// <summary>The detail that is the speed of a CPU.</summary>
    public const string SpeedDetail = "cpuSpeed";

    /// <summary>The detail that is the memory.</summary>
    public const string MemoryDetail = "memory";

    /// <summary>None.</summary>
    public static GivenSize None { get; } = new(null, null, null);

    /// <summary>Its parts by the details that they are sent as.</summary>
    public IEnumerable<(string Detail, int? Value)> Parts => [(CpusDetail, Cpus), (MemoryDetail, MemoryMib), (SpeedDetail, CpuMhz)];

    /// <summary>Whether a detail is a part of the size.</summary>
    public static bool IsDetail(string key) => None.Parts.Any(p => p.Detail.Equals(key, StringComparison.OrdinalIgnoreCase));

    /// <summary>Why it cannot be sent where a VM keeps its size: some part of it is another.</summary>
    public ApiFault? WhyNotKept(VmRow vm)
    {
        foreach (var ((detail, value), has) in Parts.Zip([vm.Cpus, vm.MemoryMib, vm.CpuMhz]))
        {
            if (value is not null && value != has)
            {
                return Faults.Invalid($"Detail {detail} is {value}, and VM {vm.Name} ({vm.Id}) has {has}: changeServiceForVirtualMachine changes its size");
            }
        }

        return null;
    }
}
