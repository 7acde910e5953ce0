namespace Holdfast.Drivers.Linstor.Volumes;

/// <summary>LINSTOR counts in KiB, the protocol in bytes.</summary>
internal static class VolumeSize
{
    /// <summary>DRBD's own limit, 1 PiB: larger wishes are mistakes.</summary>
    public const long LargestKib = 1L << 40;

    /// <summary>Rounded up.</summary>
    public static long ToKib(long bytes) => (bytes / 1024) + (bytes % 1024 == 0 ? 0 : 1);

    /// <summary>Bytes of a size LINSTOR told; nonsense is 0.</summary>
    public static long ToBytes(long? kib) => kib is > 0 and <= LargestKib ? kib.Value * 1024 : 0;
}
