using Holdfast.Libvirt;

namespace Holdfast.Agent.Hypervisor;

/// <summary>Translates what a lane answers.</summary>
internal static class HypervisorFaults
{
    /// <summary>The fault in an answer that is not <see cref="LibvirtResult{T}.Ok"/>.</summary>
    public static HypervisorFault Of<T>(LibvirtResult<T> result, string operation) => result switch
    {
        LibvirtResult<T>.Failed failed => new HypervisorFault.Refused((int)failed.Error.Code, failed.Error.Message),
        LibvirtResult<T>.Unavailable unavailable => new HypervisorFault.Unavailable(unavailable.Error.Message),
        LibvirtResult<T>.ConnectionLost lost => new HypervisorFault.ConnectionLost(lost.Error.Message),
        LibvirtResult<T>.TimedOut timedOut => new HypervisorFault.TimedOut(operation, timedOut.After),
        LibvirtResult<T>.Saturated saturated => new HypervisorFault.Saturated(saturated.Lane),
        _ => throw new InvalidOperationException($"{operation} did not fail"),
    };
}
