namespace Holdfast.FaultInjection;

/// <summary>What went through a proxy since it was started. Connects that were refused or got no answer never reach it and are not counted.</summary>
/// <param name="Accepted">Connections accepted.</param>
/// <param name="Open">Connections open now.</param>
/// <param name="Unreachable">Connections that were reset because the server behind could not be reached.</param>
/// <param name="BytesToServer">Bytes passed to the server.</param>
/// <param name="BytesToClient">Bytes passed to clients; what the proxy makes up is not counted.</param>
public sealed record ProxyCounters(long Accepted, long Open, long Unreachable, long BytesToServer, long BytesToClient);
