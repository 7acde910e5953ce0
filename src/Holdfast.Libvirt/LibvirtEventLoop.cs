using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Holdfast.Libvirt.Native;

namespace Holdfast.Libvirt;

/// <summary>
/// libvirt's default event loop on one background thread of its own, for the life of the process. It serves the keep-alives of all connections and
/// calls the event callbacks.
/// </summary>
internal static unsafe class LibvirtEventLoop
{
    private static readonly ManualResetEventSlim Never = new(initialState: false);
    private static long _failures;

    /// <summary>How often an iteration of the loop failed; a healthy loop stays at 0.</summary>
    internal static long Failures => Volatile.Read(ref _failures);

    /// <summary>Registers the loop and starts its thread. Called once.</summary>
    internal static void Start()
    {
        if (LibvirtNative.virEventRegisterDefaultImpl() < 0)
        {
            throw new LibvirtException(LibvirtNative.CopyLastError());
        }

        // A repeating timeout keeps an iteration from sleeping for ever when there is no connection.
        if (LibvirtNative.virEventAddTimeout(1000, &OnTick, null, null) < 0)
        {
            throw new LibvirtException(LibvirtNative.CopyLastError());
        }

        new Thread(Run) { Name = "libvirt-events", IsBackground = true }.Start();
    }

    private static void Run()
    {
        while (true)
        {
            if (LibvirtNative.virEventRunDefaultImpl() < 0)
            {
                // A loop that fails at once must not burn a processor.
                Interlocked.Increment(ref _failures);
                Never.Wait(TimeSpan.FromMilliseconds(100));
            }
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnTick(int timer, void* opaque)
    {
    }
}
