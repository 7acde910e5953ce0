using Holdfast.Core.Ids;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Hypervisor;

/// <content>What it tells operators.</content>
internal sealed partial class LibvirtHypervisor
{
    [LoggerMessage(EventId = 1600, Level = LogLevel.Warning,
        Message = "Machine {Machine}: QEMU process {ProcessId} did not end within {Milliseconds} ms and was sent SIGKILL ({Why}; kill returned {Error})")]
    private partial void LogKilled(VmId machine, int processId, double milliseconds, string why, int error);

    [LoggerMessage(EventId = 1601, Level = LogLevel.Error,
        Message = "Machine {Machine}: QEMU process {ProcessId} survived SIGKILL for {Seconds} s: {Sleep}. It may still write; its volumes must not be opened elsewhere without fencing this host")]
    private partial void LogUninterruptible(VmId machine, int processId, double seconds, string sleep);

    [LoggerMessage(EventId = 1602, Level = LogLevel.Warning,
        Message = "Machine {Machine}: gone according to the kernel, which has no process of it; libvirt could not be asked: {Reason}")]
    private partial void LogGoneWithoutLibvirt(VmId machine, string reason);

    [LoggerMessage(EventId = 1603, Level = LogLevel.Error,
        Message = "{Name} ({Machine}): the start failed and libvirt has forgotten the machine, but process {ProcessId} of it is still there: {Reason}")]
    private partial void LogLeftByStart(string name, VmId machine, int processId, string reason);
}
