namespace Holdfast.LinstorSimulation.Devices;

/// <summary>All a satellite needs to know about one volume on one node, copied out of the controller's rows.</summary>
internal sealed record VolumePlan
{
    public required string Node { get; init; }
    public required string Resource { get; init; }
    public required int Number { get; init; }
    public required long Bytes { get; init; }
    public required string BackingFile { get; init; }
    /// <summary>On a pool of files, whose satellites tell of every look at a volume.</summary>
    public bool IsFile { get; init; }
    /// <summary>Whether udev makes the links by resource.</summary>
    public bool ByRes { get; init; } = true;
    /// <summary>Null on simulated nodes: nothing real is done for them.</summary>
    public string? DeviceRoot { get; init; }
    public int? Minor { get; init; }
    public string? KnownDevice { get; init; }
    /// <summary>Devices other local nodes have on the same file (DRBD-like volumes share their data).</summary>
    public required IReadOnlyList<string> DevicesOfOthers { get; init; }
    /// <summary>What device path to make up where no real one exists.</summary>
    public required string MadeUpDevice { get; init; }
}
