namespace Holdfast.Drivers.Linstor.Devices;

/// <summary>What a path leads to.</summary>
/// <param name="IsBlock">A block device; anything else is never given to a guest.</param>
/// <param name="Major">Device numbers.</param>
/// <param name="Minor">Device numbers.</param>
/// <param name="User">Owner.</param>
/// <param name="Group">Group.</param>
internal readonly record struct DeviceStatus(bool IsBlock, uint Major, uint Minor, uint User, uint Group)
{
    /// <summary>Device numbers as the kernel writes them.</summary>
    public string Number => $"{Major}:{Minor}";
}
