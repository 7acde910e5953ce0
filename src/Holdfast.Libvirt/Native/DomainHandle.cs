using Microsoft.Win32.SafeHandles;

namespace Holdfast.Libvirt.Native;

/// <summary>A virDomainPtr that is ours to free.</summary>
internal sealed class DomainHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <summary>Made by the marshaller.</summary>
    public DomainHandle()
        : base(ownsHandle: true)
    {
    }

    /// <summary>Takes over a pointer.</summary>
    internal DomainHandle(nint owned)
        : base(ownsHandle: true) => SetHandle(owned);

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibvirtNative.virDomainFree(handle) == 0;
}
