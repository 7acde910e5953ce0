namespace Holdfast.LinstorSimulation.Devices;

/// <summary>A satellite could not do its work: what LINSTOR reports as an error of that node, with an error report.</summary>
internal sealed class SatelliteException(string message) : IOException(message);
