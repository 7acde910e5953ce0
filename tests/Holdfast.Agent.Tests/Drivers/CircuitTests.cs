using Holdfast.Agent.Drivers;
using Holdfast.Protocol.Driver;
using Holdfast.Testing;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Drivers;

public sealed class CircuitTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Circuit _circuit;
    private int _closed;

    public CircuitTests()
    {
        _circuit = new Circuit(_time);
        _circuit.ClosedAgain += () => _closed++;
    }

    [Fact]
    public void Without_a_driver_nothing_is_asked_and_nothing_can_be_local()
    {
        Open().Error.Code.ShouldBe(DriverErrorCode.Unreachable);
        Open().MayAttachLocally.ShouldBeFalse();
        _circuit.Serving();
        _circuit.Admit().ShouldBeOfType<CircuitVerdict.Closed>();
        _closed.ShouldBe(1);
        _circuit.NotServing("it crashed");
        Open().Error.Text.ShouldBe("it crashed");
    }

    [Fact]
    public void A_dead_control_plane_opens_it_with_the_backends_words_and_leaves_the_local_way()
    {
        _circuit.Serving();
        _circuit.Health(Status(PlaneHealth.Down, "Connection refused"), isFresh: false);
        Open().Error.Text.ShouldBe("Connection refused");
        Open().MayAttachLocally.ShouldBeTrue();
        _time.Advance(TimeSpan.FromHours(1));
        _circuit.Admit().ShouldBeOfType<CircuitVerdict.Open>("no trial goes to a backend that its own probe calls down");
        _circuit.Health(Status(PlaneHealth.Up), isFresh: false);
        _circuit.Verdict.ShouldBeOfType<CircuitVerdict.Closed>();
        _closed.ShouldBe(2);
    }

    [Theory]
    [InlineData(PlaneHealth.Up)]
    [InlineData(PlaneHealth.Unknown)]
    public void A_control_plane_that_is_not_down_does_not_open_it(PlaneHealth health)
    {
        _circuit.Serving();
        _circuit.Health(Status(health), isFresh: true);
        _circuit.Verdict.ShouldBeOfType<CircuitVerdict.Closed>();
    }

    [Theory]
    [InlineData(DriverErrorCode.Unreachable, true)]
    [InlineData(DriverErrorCode.Unknown, true)]
    [InlineData(DriverErrorCode.Busy, false)]
    [InlineData(DriverErrorCode.NotFound, false)]
    [InlineData(DriverErrorCode.Invalid, false)]
    [InlineData(DriverErrorCode.Capacity, false)]
    [InlineData(DriverErrorCode.Credentials, false)]
    [InlineData(DriverErrorCode.Unsupported, false)]
    public void Only_unanswered_calls_in_a_row_trip_it(DriverErrorCode code, bool trips)
    {
        _circuit.Serving();
        for (var call = 1; call < Circuit.FailuresToTrip; call++)
        {
            _circuit.Result(Error(code));
            _circuit.Verdict.ShouldBeOfType<CircuitVerdict.Closed>();
        }

        _circuit.Result(Error(code));
        (_circuit.Verdict is CircuitVerdict.Open).ShouldBe(trips);
    }

    [Fact]
    public void An_answer_in_between_starts_the_count_over()
    {
        _circuit.Serving();
        for (var round = 0; round < 10; round++)
        {
            _circuit.Result(Error(DriverErrorCode.Unreachable));
            _circuit.Result(Error(DriverErrorCode.Unreachable));
            _circuit.Result(round % 2 == 0 ? null : Error(DriverErrorCode.Busy));
        }

        _circuit.Verdict.ShouldBeOfType<CircuitVerdict.Closed>();
    }

    [Fact]
    public void After_a_trip_one_trial_goes_at_a_time()
    {
        Trip();
        _circuit.Admit().ShouldBeOfType<CircuitVerdict.Open>();
        _time.Advance(Circuit.TrialAfter);
        _circuit.Verdict.ShouldBeOfType<CircuitVerdict.Open>("looking lets nothing through");
        _circuit.Admit().ShouldBeOfType<CircuitVerdict.Closed>();
        _circuit.Admit().ShouldBeOfType<CircuitVerdict.Open>("one at a time");
        _circuit.TrialNotMade();
        _circuit.Admit().ShouldBeOfType<CircuitVerdict.Closed>("the trial was not made, so another may be");
        _circuit.Result(Error(DriverErrorCode.Unreachable));
        _circuit.Admit().ShouldBeOfType<CircuitVerdict.Open>("a failed trial waits again");
        _time.Advance(Circuit.TrialAfter);
        _circuit.Admit().ShouldBeOfType<CircuitVerdict.Closed>();
        _circuit.Result(null);
        _circuit.Admit().ShouldBeOfType<CircuitVerdict.Closed>();
        _closed.ShouldBe(2);
    }

    [Theory]
    [InlineData(PlaneHealth.Up, true, true)]
    [InlineData(PlaneHealth.Up, false, false)]
    [InlineData(PlaneHealth.Unknown, true, false)]
    public void Only_a_fresh_probe_that_says_up_undoes_a_trip(PlaneHealth health, bool isFresh, bool closes)
    {
        Trip();
        _circuit.Health(Status(health), isFresh);
        (_circuit.Verdict is CircuitVerdict.Closed).ShouldBe(closes);
    }

    [Fact]
    public void A_new_driver_process_begins_with_a_clean_slate()
    {
        Trip();
        _circuit.NotServing("it ended");
        _circuit.Serving();
        _circuit.Verdict.ShouldBeOfType<CircuitVerdict.Closed>();
        _circuit.Result(Error(DriverErrorCode.Unreachable));
        _circuit.Verdict.ShouldBeOfType<CircuitVerdict.Closed>();
    }

    private static DriverError Error(DriverErrorCode code) => new() { Code = code, Text = $"{code}" };

    private static PoolStatus Status(PlaneHealth control, string? words = null) => new()
    {
        ControlPlane = control, DataPlane = PlaneHealth.Up, AsOf = Samples.Then, Error = words is null ? null : new DriverError { Code = DriverErrorCode.Unreachable, Text = words },
    };

    private void Trip()
    {
        _circuit.Serving();
        for (var call = 0; call < Circuit.FailuresToTrip; call++)
        {
            _circuit.Result(Error(DriverErrorCode.Unreachable));
        }

        Open().Error.Code.ShouldBe(DriverErrorCode.Unreachable);
    }

    private CircuitVerdict.Open Open() => _circuit.Verdict.ShouldBeOfType<CircuitVerdict.Open>();
}
