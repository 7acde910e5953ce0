namespace Holdfast.LinstorSimulation.Devices;

/// <summary>A satellite could not do its work: what LINSTOR reports as an error of that node, with an error report.</summary>
internal class SatelliteException(string message) : IOException(message);

/// <summary>The connection to a satellite was lost while somebody waited for it.</summary>
internal sealed class SatelliteLostException(string message) : SatelliteException(message);
