using Holdfast.Libvirt.Native;

namespace Holdfast.Libvirt;

/// <summary>The process-wide start of libvirt: once, before the first connection.</summary>
internal static unsafe class LibvirtLibrary
{
    // Guards the one start.
    private static readonly Lock Gate = new();
    private static bool _started;

    /// <summary>Starts the library and its event loop when that has not been done yet.</summary>
    /// <exception cref="DllNotFoundException">libvirt.so.0 is not installed.</exception>
    internal static void EnsureStarted()
    {
        lock (Gate)
        {
            if (_started)
            {
                return;
            }

            LibvirtNative.virSetErrorFunc(null, &LibvirtNative.IgnoreError);
            if (LibvirtNative.virInitialize() < 0)
            {
                throw new LibvirtException(LibvirtNative.CopyLastError());
            }

            // The loop has to be registered before the first connection is opened: a connection binds to it when it is made.
            LibvirtEventLoop.Start();
            _started = true;
        }
    }
}
