namespace Holdfast.Core.Planning;

/// <summary>What decides whether a VM may be given another size while it runs.</summary>
public sealed record ScalingFacts
{
    /// <summary>The VM, as texts name it.</summary>
    public required string Vm { get; init; }

    /// <summary>What does not allow it, of all that have to: the setting, the VM, its template, the offerings; as texts name them.</summary>
    public IReadOnlyList<string> Forbidding { get; init; } = [];

    /// <summary>What it has.</summary>
    public required VmAmounts Has { get; init; }

    /// <summary>What it is to have.</summary>
    public required VmAmounts Wanted { get; init; }

    /// <summary>MHz of a CPU that it has.</summary>
    public int HasMhz { get; init; }

    /// <summary>MHz of a CPU that it is to have.</summary>
    public int WantedMhz { get; init; }

    /// <summary>The most that its guest can be given; null: it was started without room.</summary>
    public VmAmounts? Most { get; init; }

    /// <summary>Its host, without what the VM has there; null: it has none.</summary>
    public HostCandidate? Host { get; init; }

    /// <summary>Tags that the new offering asks of a host.</summary>
    public IReadOnlyList<string> HostTags { get; init; } = [];
}

/// <summary>Decides whether a running VM can be given another size. Pure.</summary>
public static class ScalingRule
{
    /// <summary>The setting without which no running VM is scaled.</summary>
    public const string SettingName = "enable.dynamic.scale.vm";

    /// <summary>How much memory a guest's kernel takes at a time: less, or a part of it, it refuses to use (x86: a memory block).</summary>
    public const int MemoryStepMib = 128;

    /// <summary>
    /// A guest with less memory gets no room for more: memory that is plugged in lies above 4 GiB, and a Linux that may have some there sets 64 MiB aside for devices that cannot get at it.
    /// One of 128 MiB does not boot then.
    /// </summary>
    public const int LeastMemoryMib = 256;

    /// <summary>More processors than these the machine that guests get does not have: 255, less some that libvirt and firmware have trouble with.</summary>
    public const int MostCpus = 240;

    /// <summary>More than this its processors do not address, with what lies between: they have 40 bits unless told otherwise.</summary>
    public const int MostMemoryMib = 512 * 1024;

    /// <summary>What a guest that starts can be given at most while it runs, as its host defines it.</summary>
    /// <param name="size">What it starts with.</param>
    /// <param name="hostCpus">CPUs of its host.</param>
    /// <param name="hostMemoryMib">Memory of its host.</param>
    /// <param name="cpuLimit">The most CPUs by the operator's word; 0 or less: as its host has.</param>
    /// <param name="memoryLimit">The most memory by the operator's word; 0 or less: as its host has.</param>
    /// <returns>Never less than it starts with.</returns>
    public static VmAmounts Room(VmAmounts size, int hostCpus, long hostMemoryMib, long cpuLimit, long memoryLimit)
    {
        var cpus = Math.Min(Math.Min(hostCpus, MostCpus), cpuLimit > 0 ? cpuLimit : long.MaxValue);
        var memory = Math.Min(Math.Min(hostMemoryMib, MostMemoryMib), memoryLimit > 0 ? memoryLimit : long.MaxValue);
        var steps = size.MemoryMib < LeastMemoryMib ? 0 : Math.Max(0, memory - size.MemoryMib) / MemoryStepMib;
        return new VmAmounts((int)Math.Max(cpus, size.Cpus), (int)(size.MemoryMib + (steps * MemoryStepMib)));
    }

    /// <summary>Decides.</summary>
    /// <param name="facts">The facts.</param>
    /// <returns>Why not; null: it can.</returns>
    public static PlanFault? WhyNot(ScalingFacts facts)
    {
        if (facts.Forbidding.Count > 0)
        {
            return Not(facts, $"dynamic scaling is not enabled for {string.Join(" and ", facts.Forbidding)}; to change its size stop it first");
        }

        if (facts.Wanted.Cpus < facts.Has.Cpus || facts.Wanted.MemoryMib < facts.Has.MemoryMib || facts.WantedMhz < facts.HasMhz)
        {
            return Not(facts, $"only scaling up is possible while a VM runs: it has {facts.Has} with {facts.HasMhz} MHz a CPU, and {facts.Wanted} with {facts.WantedMhz} MHz were asked for");
        }

        if (facts.Host is not { IsUp: true } host)
        {
            return new PlanFault(PlanFaultKind.Runtime, Text(facts, $"its host {facts.Host?.Name} does not report"));
        }

        if (facts.HostTags.FirstOrDefault(t => !host.Tags.Contains(t, StringComparer.OrdinalIgnoreCase)) is { } tag)
        {
            return Not(facts, $"its host {host.Name} has no tag {tag}, which the service offering asks for");
        }

        if (facts.Wanted == facts.Has)
        {
            return null;
        }

        if (facts.Most is not { } most)
        {
            return Not(facts, "its guest was started without room to grow, as dynamic scaling was not enabled for it then; it is possible after a stop and a start");
        }

        if (facts.Wanted.Cpus > most.Cpus || facts.Wanted.MemoryMib > most.MemoryMib)
        {
            return Not(facts, $"its guest was started with room for at most {most}, and {facts.Wanted} were asked for; stop the VM for more");
        }

        if ((facts.Wanted.MemoryMib - facts.Has.MemoryMib) % MemoryStepMib != 0)
        {
            return Not(facts, $"the memory of a running guest grows in steps of {MemoryStepMib} MiB: from {facts.Has.MemoryMib} MiB it cannot become {facts.Wanted.MemoryMib} MiB");
        }

        return PlacementPlanner.NoRoom(host, facts.Wanted) is { } full
            ? new PlanFault(PlanFaultKind.NoCapacity, Text(facts, $"its host {host.Name} has no room for that: {full}"))
            : null;
    }

    private static PlanFault Not(ScalingFacts facts, string why) => new(PlanFaultKind.WrongState, Text(facts, why));

    private static string Text(ScalingFacts facts, string why) => $"Unable to scale the running VM {facts.Vm}: {why}";
}
