using Holdfast.Agent.Bindings;
using Holdfast.Agent.Drivers;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Driver;
using Holdfast.Worlds.History;
using Holdfast.Worlds.Simulation;
using Holdfast.Worlds.Storage;

namespace Holdfast.Worlds.Hosts;

/// <summary>A driver process of a host, and the agent's calls to it.</summary>
internal sealed class SimDriver(Simulator simulator, Recorder recorder, string host, PoolId pool, SimBackend backend, int pid, Action ensureAgentLives, Func<VolumeId, bool> isOpen) : IDriverProcess, IDriverClient
{
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _killed;

    public int Pid { get; } = pid;

    public PoolId Pool { get; } = pool;

    public Task<string> Ended => _ended.Task;

    public bool IsRunning => !_ended.Task.IsCompleted;

    public IDriverClient Client => this;

    /// <summary>F12: it takes calls and answers none.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>F10: it sleeps in the kernel; signals wait.</summary>
    public bool IsUnkillable { get; private set; }

    public void SleepInKernel(bool sleeps)
    {
        IsUnkillable = sleeps;
        IsFrozen = sleeps;
        if (!sleeps && _killed)
        {
            End("signal 9");
        }
    }

    public void Crash() => End("signal 11");

    public void CloseInput() => simulator.After(simulator.Milliseconds(1, 50), () =>
    {
        if (!IsFrozen)
        {
            End("exit code 0");
        }
    });

    public void Terminate() => CloseInput();

    public void Kill()
    {
        _killed = true;
        if (!IsUnkillable)
        {
            End("signal 9");
        }
    }

    public void Dispose()
    {
    }

    public Task<DriverAnswer<PoolStatus>> StatusAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<PoolStatus>("status", null, deadline, answer => answer(new DriverAnswer<PoolStatus>.Ok(backend.StatusOn(host))), cancellationToken);

    public Task<DriverAnswer<PoolStatus>> ProbeAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<PoolStatus>("probe", null, deadline, answer => backend.Ask(false, deadline, () => new DriverAnswer<PoolStatus>.Ok(backend.StatusOn(host)), null, answer), cancellationToken);

    public Task<DriverAnswer<VolumeReply>> EnsureVolumeAsync(VolumeId volume, EnsureVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<VolumeReply>("ensure", volume, deadline, answer => backend.Ask(true, deadline, () => backend.Ensure(host, Pool, volume, request), null, answer), cancellationToken);

    public Task<DriverAnswer<VolumeReply>> GetVolumeAsync(VolumeId volume, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<VolumeReply>("get", volume, deadline, answer => backend.Ask(false, deadline, () => backend.Get(volume), null, answer), cancellationToken);

    public Task<DriverAnswer<VolumeList>> ListVolumesAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<VolumeList>("list", null, deadline, answer => backend.Ask(false, deadline, () => backend.List(Pool), null, answer), cancellationToken);

    public Task<DriverAnswer<DriverAck>> DeleteVolumeAsync(VolumeId volume, Generation generation, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<DriverAck>("delete", volume, deadline, answer => backend.Ask(true, deadline, () => backend.Delete(host, volume, generation), null, answer), cancellationToken);

    public Task<DriverAnswer<VolumeReply>> ResizeVolumeAsync(VolumeId volume, ResizeVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<VolumeReply>("resize", volume, deadline, answer => backend.Ask(true, deadline, () => backend.Resize(volume, request), null, answer), cancellationToken);

    public Task<DriverAnswer<VolumeReply>> SealVolumeAsync(VolumeId volume, SealVolumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<VolumeReply>("seal", volume, deadline, answer => backend.Ask(true, deadline, () => backend.Seal(volume), null, answer), cancellationToken);

    public Task<DriverAnswer<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<AttachmentReply>(
            "attach",
            volume,
            deadline,
            answer =>
            {
                var status = backend.StatusOn(host);
                if (status is { ControlPlane: PlaneHealth.Down, Error: { } away } && backend.CanAttachLocally && request.Mode == AttachMode.Run && backend.PathOn(host, volume) is not null)
                {
                    simulator.After(TimeSpan.FromMilliseconds(20), () => answer(backend.Attach(host, volume, request, away)));
                    return;
                }

                // F7: whatever the backend says, the driver looks at the device, and there is none.
                backend.Ask(
                    true,
                    deadline,
                    () => backend.Attach(host, volume, request),
                    () => backend.Error<AttachmentReply>(DriverErrorCode.Busy, "said to be available, but its device does not become ready"),
                    answer);
            },
            cancellationToken);

    public Task<DriverAnswer<DriverAck>> ReleaseAsync(VolumeId volume, AttachMode mode, Generation generation, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<DriverAck>("release", volume, deadline, answer => backend.Ask(true, deadline, () => backend.Release(host, volume, mode, generation), null, answer), cancellationToken);

    public Task<DriverAnswer<DriverAck>> CutAsync(VolumeId volume, CutRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<DriverAck>("cut", volume, deadline, answer => backend.Cut(host, volume, request.Generation, deadline, answer), cancellationToken);

    public Task<DriverAnswer<DriverAck>> ResumeAsync(VolumeId volume, ResumeRequest request, TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<DriverAck>("resume", volume, deadline, answer => backend.Ask(true, deadline, () => backend.ResumeHeldBack(host, volume), null, answer), cancellationToken);

    public Task<DriverAnswer<AttachmentList>> AttachmentsAsync(TimeSpan deadline, CancellationToken cancellationToken) =>
        CallAsync<AttachmentList>(
            "inventory",
            null,
            deadline,
            answer => answer(new DriverAnswer<AttachmentList>.Ok(new AttachmentList([.. backend.Attached.Where(one => one.Host == host && backend.IsOf(Pool, one.Volume))
                .Select(one => new AttachmentInfo(one.Volume, $"hf-{one.Volume}", backend.PathOn(host, one.Volume), isOpen(one.Volume), one.Mode, one.Generation, backend.WhyWaits(host, one.Volume)?.Text, backend.WhyWaits(host, one.Volume)?.CanResume == true))]))),
            cancellationToken);

    internal void End(string how)
    {
        if (_ended.TrySetResult(how))
        {
            recorder.Add(new HistoryEntry.DriverEnded(host, Pool, Pid, how));
        }
    }

    private async Task<DriverAnswer<T>> CallAsync<T>(
        string call, VolumeId? volume, TimeSpan deadline, Action<Action<DriverAnswer<T>>> serve, CancellationToken cancellationToken)
    {
        ensureAgentLives();
        recorder.Add(new HistoryEntry.DriverCalled(host, Pool, Pid, volume is { } named ? $"{call} {HistoryText.Short(named.Value)}" : call, volume));
        var answered = new TaskCompletionSource<DriverAnswer<T>>(TaskCreationOptions.RunContinuationsAsynchronously);
        simulator.After(deadline + Margin, () => answered.TrySetResult(new DriverAnswer<T>.Failed(
            new DriverError { Code = DriverErrorCode.Unknown, Text = $"The driver did not answer {call} within {deadline.TotalSeconds:0.#} s." }, IsSilent: true)));
        if (!IsRunning)
        {
            answered.TrySetResult(new DriverAnswer<T>.Failed(new DriverError { Code = DriverErrorCode.Unreachable, Text = "The driver process cannot be reached: Connection refused" }));
        }
        else if (!IsFrozen)
        {
            _ = _ended.Task.ContinueWith(
                _ => answered.TrySetResult(new DriverAnswer<T>.Failed(new DriverError { Code = DriverErrorCode.Unknown, Text = $"The driver's answer to {call} was lost: connection reset" })),
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Current);
            serve(answer =>
            {
                if (IsRunning && !IsFrozen)
                {
                    answered.TrySetResult(answer);
                }
            });
        }

        var outcome = await answered.Task.OrAbandonAsync(cancellationToken);
        recorder.Add(new HistoryEntry.DriverAnswered(host, Pool, Pid, call, outcome is DriverAnswer<T>.Failed failed ? $"{failed.Error.Code} {failed.Error.Backend}" : "ok"));
        return outcome;
    }
}
