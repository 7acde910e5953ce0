using Holdfast.Agent.Drivers;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Bindings;

/// <summary>
/// Another build of a driver: it is started aside with the pool's settings while the one before serves, and takes its place only when it is ready. When it ends
/// soon after that, or an agent that starts cannot start it, the one before serves again. Operators see which version serves and why.
/// </summary>
internal sealed partial class BindingSupervisor
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private readonly DriverUpgrade _upgrade;
    private DriverBuild _build;
    private long _looked;

    /// <summary>A driver that was only tried and that cannot be killed.</summary>
    private IDriverProcess? _stuckTrial;

    private IEnumerable<Condition> UpgradeConditions => _upgrade.Remark is { } remark
        ? [new Condition { Type = ConditionType.DriverNotUpgraded, PoolId = Binding.Pool, Text = remark }]
        : [];

    /// <summary>Looks for another build, and tries it.</summary>
    /// <returns>Whether it is to take the place of the one that serves.</returns>
    private async Task<bool> IsToBeReplacedAsync()
    {
        if (_loop.Time.GetElapsedTime(_looked) < LookEvery)
        {
            return false;
        }

        _looked = _loop.Time.GetTimestamp();
        if (_stuckTrial is { Ended.IsCompleted: true } ended)
        {
            ended.Dispose();
            _stuckTrial = null;
        }

        var before = _upgrade.Remark;
        var isReady = _launcher.Installation(Binding.Spec.Driver).Build is { } installed
            && _upgrade.IsDue(_build, installed, Row.Item.Generation) && _stuckTrial is null && await TryOutAsync(installed);
        if (_upgrade.Remark != before)
        {
            ShowRemarks();
        }

        return isReady;
    }

    private async Task<bool> TryOutAsync(DriverBuild build)
    {
        var generation = Row.Item.Generation;
        LogTryingOut(Binding.PoolName, Binding.Pool, build.Value);
        var outcome = await _launcher.TryOutAsync(Binding.Spec, generation, build, Handshake, _interrupt.Token);
        var (process, wrong) = outcome switch
        {
            LaunchOutcome.Ready ready => (ready.Process, null),
            LaunchOutcome.Refused refused => (null, DriverErrorText.Describe(Binding.PoolName, refused.Error)),
            LaunchOutcome.Failed failed => (failed.Process, failed.Reason),
            _ => throw new InvalidOperationException("The hierarchy is closed."),
        };
        await _loop.Failpoints.PassAsync(Failpoint.DriverTried, _loop.Stopping);
        if (process is not null)
        {
            if (await ProcessEnding.EndAsync(process, isHung: wrong is not null, _loop.Time) is null)
            {
                _stuckTrial = process;
                wrong = $"process {process.Pid} cannot be killed";
            }
            else
            {
                process.Dispose();
            }
        }

        if (_interrupt.IsCancellationRequested)
        {
            return false;
        }

        if (wrong is not null)
        {
            Reject(build, generation, $"does not start: {wrong}", isLasting: outcome is LaunchOutcome.Refused);
        }

        return wrong is null;
    }

    /// <summary>Whether there is a build to go back to from the one that was started last.</summary>
    private bool CanGoBack => _launcher.Proven(Binding.Pool) is { } proven && proven != _build;

    /// <summary>The build that serves, or was to, failed; the proven one is to be started.</summary>
    private void Reject(DriverBuild build, Generation generation, string how, bool isLasting)
    {
        _upgrade.Reject(
            build,
            generation,
            $"The driver of storage pool '{Binding.PoolName}' that is installed (build {build}) {how.TrimEnd('.')}. The one before it serves.",
            isLasting);
        LogNotUpgraded(Binding.PoolName, Binding.Pool, build.Value, how.TrimEnd('.'));
    }

    private void ProveBuild()
    {
        if (_launcher.Prove(Binding.Pool) is { } obstacle)
        {
            LogNotProven(Binding.PoolName, Binding.Pool, obstacle);
        }
    }
}
