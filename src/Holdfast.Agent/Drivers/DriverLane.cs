using Holdfast.Agent.Loop;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.Drivers;

/// <summary>
/// The bulkhead of one binding: at most k calls at its driver, q waiting, each with a deadline that covers the waiting. Calls about one volume go one after
/// another in the order in which they were asked for, so that a release asked for after an attach is carried out after it even when the attach was given up by
/// its caller: a caller that gives up stops waiting, the call goes on to its end. What ends a guest whose process waits for this very backend goes past all of
/// that (<see cref="AskAtOnceAsync"/>), bounded apart.
/// </summary>
internal sealed class DriverLane(AgentLoop loop, Circuit circuit, string poolName, int workers = DriverLane.Workers, int queue = DriverLane.Queue)
{
    /// <summary>Calls at the driver at a time.</summary>
    public const int Workers = 4;

    /// <summary>Calls that wait.</summary>
    public const int Queue = 64;

    /// <summary>Calls that go past the workers, at a time.</summary>
    public const int AtOnce = 64;

    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);
    private readonly List<Entry> _waiting = [];
    private readonly HashSet<VolumeId> _busy = [];
    private int _running;
    private int _atOnce;
    private IDriverClient? _client;

    /// <summary>Called when the driver did not answer a call at all.</summary>
    public event Action? Silent;

    /// <summary>Called when a call found the backend out of reach.</summary>
    public event Action? Unreached;

    /// <summary>Called when the last call has ended.</summary>
    public event Action? Idle;

    /// <summary>Whether calls are at the driver or wait.</summary>
    public bool IsIdle => _running == 0 && _waiting.Count == 0 && _atOnce == 0;

    /// <summary>Calls at the driver; for the local status.</summary>
    public int Running => _running + _atOnce;

    /// <summary>Calls that wait; for the local status.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Calls made since the agent started; for the local status.</summary>
    public long Made { get; private set; }

    /// <summary>Gives the lane a driver process.</summary>
    public void Open(IDriverClient client)
    {
        _client = client;
        Pump();
    }

    /// <summary>Takes the driver process away; what waits fails at once.</summary>
    public void Close(string reason)
    {
        _client = null;
        foreach (var entry in _waiting.ToArray())
        {
            _waiting.Remove(entry);
            entry.Refuse(new DriverError { Code = DriverErrorCode.Unreachable, Text = reason });
        }
    }

    /// <summary>Makes a call.</summary>
    /// <param name="volume">The volume it is about; null for none.</param>
    /// <param name="deadline">How long the caller waits, the time in the queue included.</param>
    /// <param name="despiteCircuit">Whether to ask although the control plane is down, because a device may be locally there.</param>
    /// <param name="call">The call, given the client and what is left of the deadline.</param>
    /// <param name="cancellationToken">Ends the caller's wait, not the call.</param>
    public Task<DriverAnswer<T>> CallAsync<T>(
        VolumeId? volume,
        TimeSpan deadline,
        bool despiteCircuit,
        Func<IDriverClient, TimeSpan, CancellationToken, Task<DriverAnswer<T>>> call,
        CancellationToken cancellationToken) =>
        EnterAsync(volume, deadline, despiteCircuit, isAboutBackend: true, atOnce: false, call, cancellationToken);

    /// <summary>Asks the driver something that it answers from the host alone: asked whatever the circuit says, and no proof that the backend lives or does not.</summary>
    /// <param name="deadline">How long the caller waits, the time in the queue included.</param>
    /// <param name="call">The call, given the client and what is left of the deadline.</param>
    /// <param name="cancellationToken">Ends the caller's wait, not the call.</param>
    public Task<DriverAnswer<T>> AskHostAsync<T>(
        TimeSpan deadline, Func<IDriverClient, TimeSpan, CancellationToken, Task<DriverAnswer<T>>> call, CancellationToken cancellationToken) =>
        EnterAsync(null, deadline, despiteCircuit: true, isAboutBackend: false, atOnce: false, call, cancellationToken);

    /// <summary>
    /// Asks the driver something that it does or tells from the host alone, and that is wanted while everything else may hang: as <see cref="AskHostAsync"/>, and it
    /// waits neither for a free worker nor behind calls about the same volume.
    /// </summary>
    /// <param name="deadline">How long the caller waits.</param>
    /// <param name="call">The call, given the client and what is left of the deadline.</param>
    /// <param name="cancellationToken">Ends the caller's wait, not the call.</param>
    public Task<DriverAnswer<T>> AskAtOnceAsync<T>(
        TimeSpan deadline, Func<IDriverClient, TimeSpan, CancellationToken, Task<DriverAnswer<T>>> call, CancellationToken cancellationToken) =>
        EnterAsync(null, deadline, despiteCircuit: true, isAboutBackend: false, atOnce: true, call, cancellationToken);

    private async Task<DriverAnswer<T>> EnterAsync<T>(
        VolumeId? volume,
        TimeSpan deadline,
        bool despiteCircuit,
        bool isAboutBackend,
        bool atOnce,
        Func<IDriverClient, TimeSpan, CancellationToken, Task<DriverAnswer<T>>> call,
        CancellationToken cancellationToken)
    {
        if (_client is null)
        {
            return new DriverAnswer<T>.Failed(new DriverError { Code = DriverErrorCode.Unreachable, Text = $"The driver of storage pool '{poolName}' is not running." });
        }

        if (atOnce ? _atOnce >= AtOnce : _waiting.Count >= queue)
        {
            var how = atOnce ? $"{AtOnce} urgent calls under way" : $"{queue} calls waiting";
            return new DriverAnswer<T>.Failed(new DriverError { Code = DriverErrorCode.Busy, Text = $"Storage pool '{poolName}' has {how} already." });
        }

        var verdict = despiteCircuit ? circuit.Verdict : circuit.Admit();
        if (verdict is CircuitVerdict.Open open && !(despiteCircuit && open.MayAttachLocally))
        {
            return new DriverAnswer<T>.Failed(open.Error);
        }

        var answer = new TaskCompletionSource<DriverAnswer<T>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = loop.Time.GetTimestamp();
        var entry = new Entry(
            volume,
            error => answer.TrySetResult(new DriverAnswer<T>.Failed(error)),
            async client =>
            {
                var left = deadline - loop.Time.GetElapsedTime(asked);
                if (left <= TimeSpan.Zero || cancellationToken.IsCancellationRequested)
                {
                    // Nothing was asked, so there is nothing to undo.
                    if (isAboutBackend)
                    {
                        circuit.TrialNotMade();
                    }

                    answer.TrySetResult(new DriverAnswer<T>.Failed(new DriverError
                    {
                        Code = DriverErrorCode.Unreachable,
                        Text = $"Storage pool '{poolName}' was busy with other calls for {deadline.TotalSeconds:0.#} s.",
                    }));
                    return;
                }

                Made++;
                using var bound = new CancellationTokenSource(left + Margin, loop.Time);
                DriverAnswer<T> outcome;
                try
                {
                    outcome = await loop.Failpoints.PassAsync(Failpoint.CallBefore, bound.Token) is { } unasked
                        ? Injected<T>(DriverErrorCode.Unreachable, unasked)
                        : await call(client, left, bound.Token);
                    if (await loop.Failpoints.PassAsync(Failpoint.CallAnswered, bound.Token) is { } lost)
                    {
                        outcome = Injected<T>(DriverErrorCode.Unknown, lost);
                    }
                }
                catch (OperationCanceledException)
                {
                    outcome = new DriverAnswer<T>.Failed(
                        new DriverError { Code = DriverErrorCode.Unknown, Text = $"The driver of storage pool '{poolName}' did not answer within {left.TotalSeconds:0.#} s." },
                        IsSilent: true);
                }

                var failed = outcome as DriverAnswer<T>.Failed;
                if (isAboutBackend)
                {
                    circuit.Result(failed?.Error);
                }

                answer.TrySetResult(outcome);
                if (failed is { IsSilent: true })
                {
                    Silent?.Invoke();
                }
                else if (isAboutBackend && failed?.Error.Code is DriverErrorCode.Unreachable or DriverErrorCode.Unknown)
                {
                    Unreached?.Invoke();
                }
            });
        if (atOnce)
        {
            _atOnce++;
            loop.Spawn("urgent driver call", () => RunAtOnceAsync(entry, _client));
        }
        else
        {
            _waiting.Add(entry);
            Pump();
        }

        return await answer.Task.OrAbandonAsync(cancellationToken);
    }

    private DriverAnswer<T>.Failed Injected<T>(DriverErrorCode code, string words) =>
        new(new DriverError { Code = code, Text = $"Storage pool '{poolName}': {words}" });

    private void Pump()
    {
        while (_client is { } client && _running < workers && _waiting.Find(entry => entry.Volume is not { } volume || !_busy.Contains(volume)) is { } next)
        {
            _waiting.Remove(next);
            _running++;
            if (next.Volume is { } taken)
            {
                _busy.Add(taken);
            }

            loop.Spawn("driver call", () => RunAsync(next, client));
        }
    }

    private async Task RunAsync(Entry entry, IDriverClient client)
    {
        try
        {
            await entry.Run(client);
        }
        finally
        {
            // Also after a bug in the call: its worker and its volume must not stay taken, and its caller must not wait for ever.
            RefuseUnanswered(entry);
            _running--;
            if (entry.Volume is { } volume)
            {
                _busy.Remove(volume);
            }

            Pump();
            if (IsIdle)
            {
                Idle?.Invoke();
            }
        }
    }

    private async Task RunAtOnceAsync(Entry entry, IDriverClient client)
    {
        try
        {
            await entry.Run(client);
        }
        finally
        {
            RefuseUnanswered(entry);
            _atOnce--;
            if (IsIdle)
            {
                Idle?.Invoke();
            }
        }
    }

    private void RefuseUnanswered(Entry entry) =>
        entry.Refuse(new DriverError { Code = DriverErrorCode.Unknown, Text = $"The call to storage pool '{poolName}' ended without an answer." });

    private sealed record Entry(VolumeId? Volume, Action<DriverError> Refuse, Func<IDriverClient, Task> Run);
}
