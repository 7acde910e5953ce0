using Holdfast.Protocol.Driver;

namespace Holdfast.Agent.Drivers;

/// <summary>What the circuit says to a call. A closed hierarchy.</summary>
internal abstract record CircuitVerdict
{
    private CircuitVerdict()
    {
    }

    /// <summary>Go on.</summary>
    internal sealed record Closed : CircuitVerdict
    {
        /// <summary>The one value.</summary>
        public static readonly Closed Value = new();
    }

    /// <summary>Not now.</summary>
    /// <param name="Error">Why, in the backend's words where there are any.</param>
    /// <param name="MayAttachLocally">Whether only the control plane is down: a device may be locally there.</param>
    internal sealed record Open(DriverError Error, bool MayAttachLocally) : CircuitVerdict;
}

/// <summary>
/// Decides whether a driver's backend is worth asking. Three things open it: there is no serving process, the driver's own probe says that the control plane
/// is down, or several calls in a row were not answered. It closes when the process serves, the probe says up, and after a trip when a newer probe says up or
/// a single trial call succeeds. Not safe for concurrent use; lives on the loop.
/// </summary>
internal sealed class Circuit(TimeProvider time)
{
    // Not Polly's breaker: that one knows calls alone, by their share of failures in a time; here the process and its probe open and close too.

    /// <summary>Calls in a row that must fail before the circuit trips.</summary>
    public const int FailuresToTrip = 3;

    /// <summary>How long it stays tripped before one call may try.</summary>
    public static readonly TimeSpan TrialAfter = TimeSpan.FromSeconds(10);

    private DriverError? _notServing = new() { Code = DriverErrorCode.Unreachable, Text = "The driver is not running yet." };
    private DriverError? _down;
    private DriverError? _tripped;
    private int _failures;
    private long _trippedAt;
    private bool _isTrialOut;

    /// <summary>Called when it closes.</summary>
    public event Action? ClosedAgain;

    /// <summary>What it says now, without letting a trial call through.</summary>
    public CircuitVerdict Verdict => Blocker(allowTrial: false) is { } error
        ? new CircuitVerdict.Open(error, _notServing is null)
        : CircuitVerdict.Closed.Value;

    /// <summary>Asks to make a call. After a trip, one caller at a time is let through as a trial.</summary>
    public CircuitVerdict Admit()
    {
        if (Blocker(allowTrial: true) is { } error)
        {
            return new CircuitVerdict.Open(error, _notServing is null);
        }

        _isTrialOut |= _tripped is not null;
        return CircuitVerdict.Closed.Value;
    }

    /// <summary>The driver process serves.</summary>
    public void Serving()
    {
        Change(() =>
        {
            _notServing = null;
            _tripped = null;
            _failures = 0;
            _isTrialOut = false;
        });
    }

    /// <summary>There is no serving driver process.</summary>
    public void NotServing(string reason)
    {
        _notServing = new DriverError { Code = DriverErrorCode.Unreachable, Text = reason };
        _down = null;
    }

    /// <summary>The driver's probe said how its backend is.</summary>
    /// <param name="status">What it said.</param>
    /// <param name="isFresh">Whether the backend was asked after the trip, so that its being up closes the circuit.</param>
    public void Health(PoolStatus status, bool isFresh)
    {
        Change(() =>
        {
            _down = status.ControlPlane == PlaneHealth.Down
                ? status.Error ?? new DriverError { Code = DriverErrorCode.Unreachable, Text = "The backend's control plane is down." }
                : null;
            if (isFresh && status.ControlPlane == PlaneHealth.Up)
            {
                _tripped = null;
                _failures = 0;
                _isTrialOut = false;
            }
        });
    }

    /// <summary>A call ended.</summary>
    /// <param name="failure">Null for success, and for failures that prove the backend alive.</param>
    public void Result(DriverError? failure)
    {
        var wasTrial = _isTrialOut;
        _isTrialOut = false;
        if (failure is null || failure.Code is not (DriverErrorCode.Unreachable or DriverErrorCode.Unknown))
        {
            Change(() =>
            {
                _failures = 0;
                _tripped = null;
            });
            return;
        }

        if (++_failures >= FailuresToTrip || wasTrial)
        {
            _tripped = failure;
            _trippedAt = time.GetTimestamp();
        }
    }

    /// <summary>A call that was let through was not made after all.</summary>
    public void TrialNotMade() => _isTrialOut = false;

    private DriverError? Blocker(bool allowTrial)
    {
        if ((_notServing ?? _down) is { } error)
        {
            return error;
        }

        var isTrialDue = allowTrial && !_isTrialOut && time.GetElapsedTime(_trippedAt) >= TrialAfter;
        return isTrialDue ? null : _tripped;
    }

    private void Change(Action change)
    {
        var wasOpen = Blocker(allowTrial: false) is not null;
        change();
        if (wasOpen && Blocker(allowTrial: false) is null)
        {
            ClosedAgain?.Invoke();
        }
    }
}
