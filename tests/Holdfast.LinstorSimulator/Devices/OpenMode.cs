namespace Holdfast.LinstorSimulation.Devices;

/// <summary>How a device is open; a writer makes DRBD primary, a reader does not.</summary>
internal enum OpenMode
{
    Closed,
    Read,
    Write,
}
