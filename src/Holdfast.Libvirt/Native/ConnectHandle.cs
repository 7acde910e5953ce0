using Microsoft.Win32.SafeHandles;

namespace Holdfast.Libvirt.Native;

/// <summary>A virConnectPtr. Releasing gives back one reference; calls that are under way keep it open until they return.</summary>
internal sealed class ConnectHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <summary>Made by the marshaller.</summary>
    public ConnectHandle()
        : base(ownsHandle: true)
    {
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibvirtNative.virConnectClose(handle) >= 0;
}
