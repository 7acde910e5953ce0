using Holdfast.Core.States;

namespace Holdfast.Core.Planning;

/// <summary>Decides a host's state from its reports alone. What its storage pools do has no say.</summary>
public static class HostPlanner
{
    /// <summary>After this long without a report a host is Disconnected.</summary>
    public static readonly TimeSpan Late = TimeSpan.FromSeconds(25);

    /// <summary>After this long without a report a host is in Alert.</summary>
    public static readonly TimeSpan Missing = TimeSpan.FromSeconds(60);

    /// <summary>Decides whether the maintenance of a host has begun. It never waits for storage, and never keeps a pool from being removed there.</summary>
    /// <param name="state">The present state.</param>
    /// <param name="activeVms">VMs placed on the host whose guests are not gone.</param>
    /// <returns>The state that follows.</returns>
    public static ResourceState Plan(ResourceState state, int activeVms) => state == ResourceState.PrepareForMaintenance && activeVms == 0 ? ResourceState.Maintenance : state;

    /// <summary>Decides.</summary>
    /// <param name="state">The present state.</param>
    /// <param name="lastReport">When its latest report arrived, by the server's clock; null: never.</param>
    /// <param name="now">The time.</param>
    /// <returns>The state that follows.</returns>
    public static HostState Plan(HostState state, DateTimeOffset? lastReport, DateTimeOffset now)
    {
        if (state == HostState.Removed || lastReport is not { } last)
        {
            return state;
        }

        var silence = now - last;
        return silence >= Missing ? HostState.Alert
            : silence >= Late ? HostState.Disconnected
            : HostState.Up;
    }
}
