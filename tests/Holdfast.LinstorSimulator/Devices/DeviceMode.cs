namespace Holdfast.LinstorSimulation;

/// <summary>What stands behind a volume on a local node.</summary>
public enum DeviceMode
{
    /// <summary>A sparse file and a real loop device; needs root.</summary>
    Loop,

    /// <summary>Nothing: device paths are made up. For tests of the API alone.</summary>
    None,
}
