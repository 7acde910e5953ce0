namespace Holdfast.Agent.Hypervisor;

/// <summary>Whether the hypervisor answers.</summary>
/// <param name="Connected">Whether all connections to the daemon stand.</param>
/// <param name="StuckCalls">Calls that overran their deadline and still hold a thread. Above 0 the host is degraded.</param>
/// <param name="Detail">Why, when not connected or degraded; else null.</param>
/// <param name="Since">Since when it is so.</param>
internal sealed record HypervisorHealth(bool Connected, int StuckCalls, string? Detail, DateTimeOffset Since);
