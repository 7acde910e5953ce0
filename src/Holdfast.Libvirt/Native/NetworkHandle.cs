using Microsoft.Win32.SafeHandles;

namespace Holdfast.Libvirt.Native;

/// <summary>A virNetworkPtr that is ours to free.</summary>
internal sealed class NetworkHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <summary>Takes over a pointer.</summary>
    internal NetworkHandle(nint owned)
        : base(ownsHandle: true) => SetHandle(owned);

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibvirtNative.virNetworkFree(handle) == 0;
}
