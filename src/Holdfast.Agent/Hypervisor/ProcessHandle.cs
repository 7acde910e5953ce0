using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Holdfast.Agent.Hypervisor;

/// <summary>
/// One process of this host, held by a pidfd: it stays this process even when its number is given to another one. None of the calls blocks.
/// </summary>
internal sealed partial class ProcessHandle : SafeHandleMinusOneIsInvalid
{
    private const long PidfdOpenCall = 434;
    private const long PidfdSendSignalCall = 424;
    private const int KillSignal = 9;
    private const int TerminateSignal = 15;
    private const short PollIn = 1;

    private ProcessHandle(nint descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    /// <summary>Holds a process.</summary>
    /// <param name="processId">Its number.</param>
    /// <returns>The handle; null when there is no such process.</returns>
    public static ProcessHandle? Open(int processId)
    {
        var descriptor = PidfdOpen(PidfdOpenCall, processId, 0);
        return descriptor < 0 ? null : new ProcessHandle((nint)descriptor);
    }

    /// <summary>
    /// Whether it has ended: all its threads have left the kernel and all its files are closed. True for one that nobody has reaped yet, which libvirt
    /// still takes for alive.
    /// </summary>
    public bool HasEnded()
    {
        var poll = new PollDescriptor { Descriptor = (int)DangerousGetHandle(), Events = PollIn };
        return Poll(ref poll, 1, 0) == 1;
    }

    /// <summary>Sends SIGTERM: QEMU writes out what it holds and ends, whatever its guest thinks of it.</summary>
    /// <returns>0, or the number of the error.</returns>
    public int Terminate() => Send(TerminateSignal);

    /// <summary>Sends SIGKILL. To a process that sleeps uninterruptibly it takes effect when it wakes.</summary>
    /// <returns>0, or the number of the error.</returns>
    public int Kill() => Send(KillSignal);

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Close((int)handle) == 0;

    private int Send(int signal) => PidfdSendSignal(PidfdSendSignalCall, (int)DangerousGetHandle(), signal, 0, 0) < 0 ? Marshal.GetLastPInvokeError() : 0;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long PidfdOpen(long number, long processId, long flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long PidfdSendSignal(long number, long descriptor, long signal, nint info, long flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptors, ulong count, int timeout);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        internal int Descriptor;
        internal short Events;
        internal short Returned;
    }
}
