using Holdfast.Agent.Loop;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Drivers;

/// <summary>
/// A storage pool on this host as machines, tasks and obligations see it: where to make calls, and how it is. Its supervisor alone changes it. Lives on the loop.
/// </summary>
internal sealed class Binding
{
    private static readonly TimeSpan LocalAttachDeadline = TimeSpan.FromSeconds(5);
    private readonly AgentLoop _loop;
    private (int? Pid, DriverCapabilities? Capabilities)? _refusedClone;
    private TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Makes a binding that is not served yet.</summary>
    public Binding(AgentLoop loop, BindingSpec spec)
    {
        _loop = loop;
        Spec = spec;
        Circuit = new Circuit(loop.Time);
        Lane = new DriverLane(loop, Circuit, spec.PoolName);
        View = new BindingView { State = BindingState.Starting, Since = loop.Time.GetUtcNow() };
    }

    /// <summary>What the driver is started with.</summary>
    public BindingSpec Spec { get; set; }

    /// <summary>The pool.</summary>
    public PoolId Pool => Spec.PoolId;

    /// <summary>The pool's name.</summary>
    public string PoolName => Spec.PoolName;

    /// <summary>The bulkhead.</summary>
    public DriverLane Lane { get; }

    /// <summary>Whether its backend is worth asking.</summary>
    public Circuit Circuit { get; }

    /// <summary>How it is, as it is reported.</summary>
    public BindingView View { get; set; }

    /// <summary>Whether it takes work other than obligations: not in maintenance and not on its way out.</summary>
    public bool TakesWork => View.State is not (BindingState.Draining or BindingState.Quiesced or BindingState.Absent);

    /// <summary>Whether obligations may be tried.</summary>
    public bool TakesObligations => View.State is not (BindingState.Quiesced or BindingState.Absent);

    /// <summary>
    /// Whether a clone is worth asking for: the driver says that it can, and this process of it has not refused one since it last said something new about itself. What it
    /// says is of its pool; whether one volume can be cloned may show only when it is asked for.
    /// </summary>
    public bool MayClone => View.Capabilities is { CanClone: true } && _refusedClone != (View.Pid, View.Capabilities);

    /// <summary>The driver has refused a clone as not supported.</summary>
    public void CloneRefused() => _refusedClone = (View.Pid, View.Capabilities);

    /// <summary>The first attempt to start the driver is over, one way or the other: whoever waits for it may go on.</summary>
    public void Settle() => _settled.TrySetResult();

    /// <summary>The driver is being started (again) after a change of its configuration: callers wait for it a little.</summary>
    public void Unsettle()
    {
        if (_settled.Task.IsCompleted)
        {
            _settled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Attaches a volume. Asks a driver whose control plane is down only when it may find the device locally, and then not for long.</summary>
    public async Task<DriverAnswer<AttachmentReply>> AttachAsync(VolumeId volume, AttachRequest request, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var asked = _loop.Time.GetTimestamp();
        await SettledAsync(deadline, cancellationToken);
        var left = deadline - _loop.Time.GetElapsedTime(asked);
        var canAttachLocally = View.Capabilities is { CanAttachLocally: true } && request.Mode == AttachMode.Run;
        var bound = canAttachLocally && Circuit.Verdict is CircuitVerdict.Open && LocalAttachDeadline < left ? LocalAttachDeadline : left;
        return await CallAsync(
            volume, bound, canAttachLocally, (client, rest, ends) => client.AttachAsync(volume, request, rest, ends), cancellationToken);
    }

    /// <summary>Waits until it is known whether the driver serves: a pool that was added a moment ago is ready in a moment.</summary>
    public Task SettledAsync(TimeSpan atMost, CancellationToken cancellationToken) => _settled.Task.AtMostAsync(atMost, _loop.Time, cancellationToken);

    /// <summary>Makes a call that is new work.</summary>
    public async Task<DriverAnswer<T>> CallAsync<T>(
        VolumeId? volume,
        TimeSpan deadline,
        bool despiteCircuit,
        Func<IDriverClient, TimeSpan, CancellationToken, Task<DriverAnswer<T>>> call,
        CancellationToken cancellationToken)
    {
        var asked = _loop.Time.GetTimestamp();
        await SettledAsync(deadline, cancellationToken);
        if (!TakesWork)
        {
            return new DriverAnswer<T>.Failed(new DriverError
            {
                Code = DriverErrorCode.Unreachable,
                Text = View.State == BindingState.Quiesced
                    ? $"Storage pool '{PoolName}' is in maintenance on this host."
                    : $"Storage pool '{PoolName}' is being removed from this host.",
            });
        }

        var left = deadline - _loop.Time.GetElapsedTime(asked);
        return await Lane.CallAsync(volume, left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1), despiteCircuit, call, cancellationToken);
    }
}

/// <summary>How a binding is.</summary>
internal sealed record BindingView
{
    /// <summary>The state.</summary>
    public required BindingState State { get; init; }

    /// <summary>Since when.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>The driver process.</summary>
    public int? Pid { get; init; }

    /// <summary>The driver's version.</summary>
    public string? Version { get; init; }

    /// <summary>What the driver can do.</summary>
    public DriverCapabilities? Capabilities { get; init; }

    /// <summary>What the driver last said about its backend.</summary>
    public PoolStatus? Status { get; init; }

    /// <summary>Remarks.</summary>
    public IReadOnlyList<Condition> Conditions { get; init; } = [];
}
