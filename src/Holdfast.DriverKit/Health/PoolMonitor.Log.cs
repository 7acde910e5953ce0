using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.DriverKit.Health;

/// <content>Log messages, events 1100-1199.</content>
internal sealed partial class PoolMonitor
{
    [LoggerMessage(1100, LogLevel.Information, "Storage pool '{PoolName}': control plane {ControlPlane}, data plane {DataPlane}")]
    private partial void LogHealthy(string poolName, PlaneHealth controlPlane, PlaneHealth dataPlane);

    [LoggerMessage(1101, LogLevel.Warning, "Storage pool '{PoolName}': control plane {ControlPlane}, data plane {DataPlane}: {Code}: {Reason} ({Backend})")]
    private partial void LogUnhealthy(
        string poolName,
        PlaneHealth controlPlane,
        PlaneHealth dataPlane,
        DriverErrorCode code,
        string reason,
        string? backend);

    [LoggerMessage(1102, LogLevel.Error, "The probe failed inside the driver")]
    private partial void LogProbeFailed(Exception bug);
}
