using System.Globalization;
using Holdfast.DriverKit;

namespace Holdfast.Drivers.Linstor.Devices;

/// <summary>
/// Looks whether a device is there, is the right one, and opens. LINSTOR's word is not enough: it answers from its model. Opening can hang (no quorum,
/// suspended I/O), so a child process does it, and is given up after a while.
/// </summary>
internal sealed class DeviceChecker(IProcessRunner processes, TimeProvider time, string devicePrefix)
{
    private static readonly TimeSpan OpenBudget = TimeSpan.FromSeconds(3);

    /// <summary>Looks once.</summary>
    /// <param name="path">The device.</param>
    /// <param name="resource">Whose it should be.</param>
    /// <param name="sizeBytes">How large it should be at least; 0 when not known.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What was found.</returns>
    public async Task<DeviceCheck> LookAsync(string path, string resource, long sizeBytes, CancellationToken cancellationToken)
    {
        if (!IsAllowed(path))
        {
            return new DeviceCheck.Never($"'{path}' is not a device path");
        }

        if (!DeviceFile.TryRead(path, out var status) || DeviceFile.Resolve(path) is not { } real)
        {
            return new DeviceCheck.NotYet($"{path} does not exist");
        }

        if (!status.IsBlock)
        {
            return new DeviceCheck.Never($"{path} is not a block device");
        }

        var identity = DeviceIdentity.Of(status);
        if (identity.ObjectionTo(resource) is { } objection)
        {
            return new DeviceCheck.NotYet($"{path} is another volume's: {objection}");
        }

        using var limit = new CancellationTokenSource(OpenBudget, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        switch (await processes.RunAsync("blockdev", ["--getsize64", real], either.Token))
        {
            case ProcessOutcome.Exited { ExitCode: 0 } opened when long.TryParse(
                opened.Output.Trim(),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var size):
                if (size < sizeBytes || size == 0)
                {
                    return new DeviceCheck.NotYet($"{path} has {size} bytes instead of {sizeBytes}");
                }

                // The number may have been given to another device while it was opened.
                return DeviceFile.TryRead(path, out var after) && after.Number == status.Number && DeviceIdentity.Of(after) == identity
                    ? new DeviceCheck.Ready(path, real, size, status, identity)
                    : new DeviceCheck.NotYet($"{path} changed while it was looked at");
            case ProcessOutcome.Exited failed:
                return new DeviceCheck.NotYet($"{path} cannot be opened: {failed.Error.Trim()}");
            case ProcessOutcome.Killed killed:
                return new DeviceCheck.NotYet(
                    killed.Gone ? $"opening {path} takes too long" : $"opening {path} hangs in the kernel and cannot be ended");
            case ProcessOutcome.NotStarted notStarted:
                return new DeviceCheck.NotYet($"{path} cannot be tried: {notStarted.Reason}");
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }
    }

    /// <summary>Whether a path may be looked at: under the folder of devices, without steps upwards. Anything else could lie on a dead mount.</summary>
    /// <param name="path">The path.</param>
    /// <returns>Whether it may.</returns>
    public bool IsAllowed(string path) =>
        (path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith(devicePrefix + "/", StringComparison.Ordinal))
        && !path.Split('/').Contains("..") && !path.Contains('\0');
}
