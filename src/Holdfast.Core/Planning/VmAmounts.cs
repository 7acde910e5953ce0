namespace Holdfast.Core.Planning;

/// <summary>What a VM takes of its host.</summary>
/// <param name="Cpus">Virtual CPUs.</param>
/// <param name="MemoryMib">MiB of memory.</param>
public readonly record struct VmAmounts(int Cpus, int MemoryMib)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Cpus} CPUs and {MemoryMib} MiB";
}
