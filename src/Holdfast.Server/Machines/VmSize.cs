using Holdfast.Server.Offerings;
using Holdfast.Server.Store.Rows;
using Holdfast.Server.Transactions;

namespace Holdfast.Server.Machines;

/// <summary>What a VM gets, from its service offering or, where a custom one leaves it open, from its caller.</summary>
/// <param name="Cpus">CPUs.</param>
/// <param name="CpuMhz">MHz of each.</param>
/// <param name="MemoryMib">MiB.</param>
internal sealed record VmSize(int Cpus, int CpuMhz, int MemoryMib)
{
    /// <summary>The size of a VM of an offering.</summary>
    /// <param name="offering">The offering.</param>
    /// <param name="given">What the caller gives.</param>
    /// <returns>The size, or why there is none.</returns>
    public static (VmSize? Size, ApiFault? Fault) Of(ServiceOfferingRow offering, GivenSize given)
    {
        var name = $"service offering {offering.Name} ({offering.Id})";
        if (!offering.Customized)
        {
            return given.Parts.FirstOrDefault(p => p.Value is not null) is { Detail: { } detail }
                ? (null, Faults.Invalid($"Detail {detail} is for VMs of a custom service offering; {name} fixes their size"))
                : (new VmSize(offering.Cpus, offering.CpuMhz, offering.MemoryMib), null);
        }

        var bounded = offering.MinCpus is not null;
        if (bounded && given.CpuMhz is not null)
        {
            return (null, Faults.Invalid($"Detail {GivenSize.SpeedDetail} cannot be given: {name} fixes the speed of a CPU, {offering.CpuMhz} MHz"));
        }

        (string Detail, int? Value, int Least, int Most)[] parts =
        [
            (GivenSize.CpusDetail, given.Cpus, offering.MinCpus ?? ServiceOfferingBounds.LeastCpus, offering.MaxCpus ?? ServiceOfferingBounds.MostCpus),
            (GivenSize.MemoryDetail, given.MemoryMib, offering.MinMemoryMib ?? ServiceOfferingBounds.LeastMemoryMib, offering.MaxMemoryMib ?? ServiceOfferingBounds.MostMemoryMib),
            (GivenSize.SpeedDetail, bounded ? offering.CpuMhz : given.CpuMhz, bounded ? offering.CpuMhz : 1, int.MaxValue),
        ];
        foreach (var (detail, value, least, most) in parts)
        {
            if (value is null)
            {
                return (null, Faults.Invalid($"Detail {detail} is missing: {name} is a custom one, whose VMs are each given their own, between {least} and {most}"));
            }

            if (value < least || value > most)
            {
                return (null, Faults.Invalid($"Detail {detail} is {value}; a VM of {name} has between {least} and {most}"));
            }
        }

        return (new VmSize(parts[0].Value!.Value, parts[2].Value!.Value, parts[1].Value!.Value), null);
    }
}
