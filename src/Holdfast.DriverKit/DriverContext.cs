using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.DriverKit;

/// <summary>What the kit gives to a driver.</summary>
public sealed record DriverContext
{
    /// <summary>What the agent said: pool, folders, node, guest user, configuration, secrets.</summary>
    public required DriverStartup Startup { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Source of new UUIDs.</summary>
    public required IIdSource Ids { get; init; }

    /// <summary>Source of randomness.</summary>
    public required Random Random { get; init; }

    /// <summary>Logs, written as JSON lines to standard error. Secret values from the startup line are masked, but do not rely on it.</summary>
    public required ILoggerFactory Loggers { get; init; }

    /// <summary>Where the driver counts what it asks its backend.</summary>
    public required BackendCallCounter BackendCalls { get; init; }

    /// <summary>Runs other programs.</summary>
    public required IProcessRunner Processes { get; init; }
}
