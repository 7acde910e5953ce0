namespace Holdfast.Drivers.Linstor.Devices;

/// <summary>Whether a device can be given to a guest. A closed hierarchy.</summary>
internal abstract record DeviceCheck
{
    private DeviceCheck()
    {
    }

    /// <summary>It is a block device of the right volume and can be opened.</summary>
    /// <param name="Path">The path that was asked for.</param>
    /// <param name="Real">The path behind all links.</param>
    /// <param name="SizeBytes">Its size.</param>
    /// <param name="Status">What it is.</param>
    /// <param name="Identity">What stands behind it.</param>
    internal sealed record Ready(string Path, string Real, long SizeBytes, DeviceStatus Status, DeviceIdentity Identity) : DeviceCheck;

    /// <summary>Not now; later it may be.</summary>
    /// <param name="Reason">Why.</param>
    internal sealed record NotYet(string Reason) : DeviceCheck;

    /// <summary>Not while somebody else has it; waiting for it here is of no use.</summary>
    /// <param name="Reason">Who or why.</param>
    internal sealed record Taken(string Reason) : DeviceCheck;

    /// <summary>Never: what is there must not be touched.</summary>
    /// <param name="Reason">Why.</param>
    internal sealed record Never(string Reason) : DeviceCheck;
}
