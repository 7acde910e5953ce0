namespace Holdfast.Agent.Hypervisor;

/// <summary>A QEMU process of this host that was started for a domain.</summary>
/// <param name="Machine">The UUID on its command line.</param>
/// <param name="ProcessId">Its number.</param>
/// <param name="StartTime">When it was started, in ticks since boot; with the number it names one process for ever.</param>
internal sealed record QemuProcess(Guid Machine, int ProcessId, ulong StartTime)
{
    /// <summary>In place of a UUID: a process whose command line could not be read, because it sleeps in the kernel.</summary>
    public static readonly Guid Unidentified = Guid.Empty;
}
