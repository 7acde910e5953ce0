using System.Text.Json;
using Holdfast.DriverKit;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.Drivers.Linstor.Rest;

/// <summary>
/// The controllers of one cluster, of which at most one is active; the others refusing connections is the healthy state. Finds the active one by asking all at
/// once, remembers it, and looks again after a failure. A request that did not leave goes to the next one; one that may have arrived is repeated only when
/// twice is the same as once. Safe for concurrent use.
/// </summary>
internal sealed partial class Controllers : IDisposable
{
    /// <summary>How long the search for the active controller may take.</summary>
    public static readonly TimeSpan SearchBudget = TimeSpan.FromSeconds(3);

    /// <summary>After a search that found nobody, nobody searches again for this long.</summary>
    public static readonly TimeSpan SearchPause = TimeSpan.FromSeconds(1);

    /// <summary>After the active controller changed, its nodes need this long to come back; failures to place are not believed before.</summary>
    public static readonly TimeSpan SettlingTime = TimeSpan.FromSeconds(60);

    private const int Attempts = 3;
    private const string HealthPath = "health";
    private const string VersionPath = "v1/controller/version";

    private static readonly TimeSpan HardSearchBudget = SearchBudget + TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<ControllerAddress> _addresses;
    private readonly RestTransport _transport;
    private readonly RequestPace _pace;
    private readonly BackendCallCounter _calls;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _disposed = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<ControllerAddress, ControllerAddress> _redirects = [];

    // The four below are guarded by _lock.
    private ActiveController? _active;
    private ControllerAddress? _lastActive;
    private Task<RestReply<ActiveController>>? _search;
    private long? _changedAt;
    private (RestProblem Problem, long At)? _nobody;

    /// <summary>Makes the set. Connects to nobody yet.</summary>
    /// <param name="addresses">Where controllers may answer.</param>
    /// <param name="transport">Sends requests; owned from now on.</param>
    /// <param name="pace">How fast.</param>
    /// <param name="calls">Counts every request.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public Controllers(
        IReadOnlyList<ControllerAddress> addresses,
        RestTransport transport,
        RequestPace pace,
        BackendCallCounter calls,
        TimeProvider time,
        ILogger logger)
    {
        _addresses = addresses;
        _transport = transport;
        _pace = pace;
        _calls = calls;
        _time = time;
        _logger = logger;
    }

    /// <summary>All addresses as one text.</summary>
    public string Names => string.Join(", ", _addresses);

    /// <summary>Whether the active controller changed so lately that its view of the nodes may not be complete.</summary>
    public bool IsSettling
    {
        get
        {
            lock (_lock)
            {
                return _changedAt is { } at && _time.GetElapsedTime(at) < SettlingTime;
            }
        }
    }

    /// <summary>The active controller: the remembered one, or the one a search finds.</summary>
    /// <param name="deadline">The call.</param>
    /// <returns>The controller, or why there is none.</returns>
    public async Task<RestReply<ActiveController>> FindAsync(CallDeadline deadline)
    {
        Task<RestReply<ActiveController>> search;
        lock (_lock)
        {
            if (_active is { } active)
            {
                return active;
            }

            if (_nobody is { } nobody && _time.GetElapsedTime(nobody.At) < SearchPause)
            {
                return nobody.Problem;
            }

            // One search serves all who wait; it ends by its own clock, not by that of whoever began it.
            _search ??= SearchAsync();
            search = _search;
        }

        using var limit = deadline.Limit(HardSearchBudget);
        try
        {
            return await search.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            deadline.Cancelled.ThrowIfCancellationRequested();
            return new RestProblem
            {
                Code = DriverErrorCode.Unreachable,
                Text = $"No LINSTOR controller at {Names} answered in time.",
            };
        }
    }

    /// <summary>
    /// Asks the remembered controller again who it is and how it is: it may have been upgraded, or have become well or unwell, without a request that failed. One that does not
    /// answer is not the active one any more.
    /// </summary>
    /// <param name="deadline">The call.</param>
    /// <returns>When it has answered, or has not.</returns>
    public async Task LookAgainAsync(CallDeadline deadline)
    {
        ActiveController? active;
        lock (_lock)
        {
            active = _active;
        }

        if (active is null)
        {
            return;
        }

        var reply = await AskAsync(active.Address, new CallDeadline(_time, deadline.Share(SearchBudget), deadline.Cancelled));
        deadline.Cancelled.ThrowIfCancellationRequested();
        if (!reply.Has(out var now, out var problem))
        {
            Forget(active, "GET controller/version", problem.Text);
            return;
        }

        lock (_lock)
        {
            if (_active != active || now == active)
            {
                return;
            }

            _active = now;
        }

        LogFound(now.Address.ToString(), now.Software, now.Version.ToString());
    }

    /// <summary>Sends a request to the active controller.</summary>
    /// <param name="request">The request.</param>
    /// <param name="deadline">The call.</param>
    /// <returns>The body of a good answer with who gave it, or why there is none.</returns>
    /// <exception cref="OperationCanceledException">The caller has gone.</exception>
    public async Task<RestReply<(ControllerAddress Controller, ReadOnlyMemory<byte> Body)>> SendAsync(RestRequest request, CallDeadline deadline)
    {
        RestProblem? last = null;
        var repeated = false;
        for (var attempt = 0; attempt < Attempts && !deadline.Passed; attempt++)
        {
            if (await FindAsync(deadline) is not RestReply<ActiveController>.Ok(var active))
            {
                break;
            }

            using (var turn = deadline.Limit(deadline.Left))
            {
                await WaitForTurnAsync(turn.Token, deadline.Cancelled);
            }

            if (deadline.Passed)
            {
                break;
            }

            _calls.Count(request.Name);
            switch (await _transport.SendAsync(active.Address, request, deadline))
            {
                case RawReply.NotSent notSent:
                    Forget(active, request.Name, notSent.Reason);
                    last = new RestProblem
                    {
                        Code = DriverErrorCode.Unreachable,
                        Text = $"LINSTOR at {active.Address} cannot be reached for {request.Name}: {notSent.Reason}.",
                        Backend = notSent.Reason,
                    };
                    continue;
                case RawReply.Lost lost:
                    Forget(active, request.Name, lost.Reason);
                    last = Interpretation.Lost(request, active.Address, lost.Reason);
                    if (request.Repeatable && !lost.TimedOut && !repeated)
                    {
                        repeated = true;
                        continue;
                    }

                    return last;
                case RawReply.Answer { Status: 301 or 302 or 307 or 308 } redirect:
                    Forget(active, request.Name, $"redirects to {redirect.Location}");
                    last = Interpretation.Lost(request, active.Address, $"it redirects to {redirect.Location}") with
                    {
                        Code = DriverErrorCode.Unreachable,
                        MayHaveEffect = false,
                    };
                    continue;
                case RawReply.Answer answer:
                    if (Interpretation.ProblemOf(request, active.Address, answer.Status, answer.Body.Span) is { } problem)
                    {
                        if (answer.Status is 502 or 503 or 504)
                        {
                            Forget(active, request.Name, $"HTTP {answer.Status}");
                        }

                        return Explain(problem, active);
                    }

                    return (active.Address, answer.Body);
            }
        }

        if (last is not null)
        {
            return last;
        }

        return await FindAsync(deadline) is RestReply<ActiveController>.Failed(var nobody)
            ? nobody
            : new RestProblem { Code = DriverErrorCode.Unreachable, Text = $"No time was left for {request.Name} to LINSTOR at {Names}." };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed.Cancel();
        _transport.Dispose();
    }

    private static async Task WaitForTurnAsync(RequestPace pace, CancellationToken limit, CancellationToken caller)
    {
        try
        {
            await pace.WaitAsync(limit);
        }
        catch (OperationCanceledException) when (!caller.IsCancellationRequested)
        {
            // The deadline passed while waiting; the caller of this looks at it next.
        }
    }

    private Task WaitForTurnAsync(CancellationToken limit, CancellationToken caller) => WaitForTurnAsync(_pace, limit, caller);

    private RestProblem Explain(RestProblem problem, ActiveController active)
    {
        if (problem.Code == DriverErrorCode.Credentials && _transport.HoldsTokenBack(active.Address))
        {
            return problem with { Text = HeldBack(active.Address) };
        }

        return problem;
    }

    private static string HeldBack(ControllerAddress address) =>
        $"LINSTOR at {address} wants credentials, and the token is not sent without TLS: name the controller with https://, or set allowTokenOverHttp=true.";

    private void Forget(ActiveController active, string request, string reason)
    {
        lock (_lock)
        {
            if (_active != active)
            {
                return;
            }

            _active = null;
        }

        LogLost(active.Address.ToString(), request, reason);
    }

    private async Task<RestReply<ActiveController>> SearchAsync()
    {
        // Not on the caller's time: it holds the lock.
        await Task.Yield();
        RestReply<ActiveController> found;
        try
        {
            found = await AskAllAsync();
        }
        catch (OperationCanceledException)
        {
            found = new RestProblem { Code = DriverErrorCode.Unreachable, Text = $"The driver is ending; LINSTOR at {Names} is not asked any more." };
        }

        lock (_lock)
        {
            _search = null;
            switch (found)
            {
                case RestReply<ActiveController>.Ok(var active):
                    if ((_lastActive is not null && _lastActive != active.Address) || _nobody is not null)
                    {
                        _changedAt = _time.GetTimestamp();
                    }

                    _active = active;
                    _lastActive = active.Address;
                    _nobody = null;
                    break;
                case RestReply<ActiveController>.Failed(var problem):
                    _nobody = (problem, _time.GetTimestamp());
                    break;
            }
        }

        if (found is RestReply<ActiveController>.Ok(var now))
        {
            LogFound(now.Address.ToString(), now.Software, now.Version.ToString());
        }

        return found;
    }

    private async Task<RestReply<ActiveController>> AskAllAsync()
    {
        using var rest = CancellationTokenSource.CreateLinkedTokenSource(_disposed.Token);
        var deadline = new CallDeadline(_time, SearchBudget, rest.Token);
        var open = _addresses.Select(address => AskAsync(address, deadline)).ToList();
        ActiveController? unwell = null;
        var problems = new List<RestProblem>();
        try
        {
            while (open.Count > 0)
            {
                var first = await Task.WhenAny(open);
                open.Remove(first);
                switch (await first)
                {
                    case RestReply<ActiveController>.Ok({ Complaint: null } well):
                        return well;
                    case RestReply<ActiveController>.Ok(var active):
                        // It says it is not well but answers; somebody else may be better.
                        unwell ??= active;
                        break;
                    case RestReply<ActiveController>.Failed(var problem):
                        problems.Add(problem);
                        break;
                }
            }
        }
        finally
        {
            await rest.CancelAsync();
        }

        if (unwell is not null)
        {
            return unwell;
        }

        var worst = problems.FirstOrDefault(static problem => problem.Code == DriverErrorCode.Credentials)
            ?? problems.FirstOrDefault(static problem => problem.Code == DriverErrorCode.Unsupported)
            ?? problems[0];
        return problems.Count == 1
            ? worst
            : worst with
            {
                Text = worst.Code == DriverErrorCode.Unreachable ? $"None of the LINSTOR controllers at {Names} answers." : worst.Text,
                Backend = string.Join(" | ", problems.Select(static problem => problem.Text)),
            };
    }

    private async Task<RestReply<ActiveController>> AskAsync(ControllerAddress configured, CallDeadline deadline)
    {
        ControllerAddress address;
        lock (_lock)
        {
            address = _redirects.GetValueOrDefault(configured, configured);
        }

        var health = new RestRequest("GET health", HttpMethod.Get, HealthPath) { Authorized = false, Budget = SearchBudget };
        var version = new RestRequest("GET controller/version", HttpMethod.Get, VersionPath) { Budget = SearchBudget };
        try
        {
            _calls.Count(health.Name);
            var reply = await _transport.SendAsync(address, health, deadline);
            if (Follow(configured, address, reply, HealthPath) is { } secured)
            {
                address = secured;
                _calls.Count(health.Name);
                reply = await _transport.SendAsync(address, health, deadline);
            }

            if (Silent(address, reply) is { } silent)
            {
                return silent;
            }

            // 500 is LINSTOR saying what is wrong with it, while its interface may answer; the version decides. Others guard or lack this path.
            var complaint = reply is RawReply.Answer { Status: >= 500 } sick ? Interpretation.Excerpt(sick.Body.Span) ?? $"HTTP {sick.Status}" : null;

            _calls.Count(version.Name);
            reply = await _transport.SendAsync(address, version, deadline);
            if (Follow(configured, address, reply, VersionPath) is { } securedToo)
            {
                address = securedToo;
                _calls.Count(version.Name);
                reply = await _transport.SendAsync(address, version, deadline);
            }

            return Silent(address, reply) is { } silentToo
                ? Complain(silentToo, complaint)
                : Recognize(address, version, (RawReply.Answer)reply, complaint);
        }
        catch (OperationCanceledException)
        {
            return new RestProblem { Code = DriverErrorCode.Unreachable, Text = $"LINSTOR at {address} was not asked to the end." };
        }
    }

    private RestReply<ActiveController> Recognize(ControllerAddress address, RestRequest request, RawReply.Answer answer, string? complaint)
    {
        if (Interpretation.ProblemOf(request, address, answer.Status, answer.Body.Span) is { } problem)
        {
            return Complain(
                problem.Code == DriverErrorCode.Credentials && _transport.HoldsTokenBack(address) ? problem with { Text = HeldBack(address) } : problem,
                complaint);
        }

        try
        {
            var version = JsonSerializer.Deserialize(answer.Body.Span, LinstorJson.Default.ControllerVersion);
            if (!RestVersion.TryParse(version?.RestApiVersion, out var rest))
            {
                return Interpretation.Garbage(request, address, answer.Body.Span, "it has no rest_api_version");
            }

            if (rest.Major != 1)
            {
                return new RestProblem
                {
                    Code = DriverErrorCode.Unsupported,
                    Text = $"LINSTOR at {address} speaks REST version {rest}; this driver speaks version 1.",
                };
            }

            return new ActiveController(address, rest, version?.Version ?? "unknown", complaint);
        }
        catch (JsonException garbage)
        {
            return Complain(Interpretation.Garbage(request, address, answer.Body.Span, garbage.Message), complaint);
        }
    }

    private static RestProblem Complain(RestProblem problem, string? complaint) =>
        complaint is null ? problem : problem with { Backend = $"{complaint} | {problem.Backend}" };

    private static RestProblem? Silent(ControllerAddress address, RawReply reply)
    {
        var reason = reply switch
        {
            RawReply.NotSent notSent => notSent.Reason,
            RawReply.Lost lost => lost.Reason,
            RawReply.Answer { Status: >= 300 and < 400 } redirect => $"it redirects to {redirect.Location}, which is not followed",
            _ => null,
        };
        return reason is null
            ? null
            : new RestProblem { Code = DriverErrorCode.Unreachable, Text = $"LINSTOR at {address} cannot be reached: {reason}.", Backend = reason };
    }

    private ControllerAddress? Follow(ControllerAddress configured, ControllerAddress asked, RawReply reply, string path)
    {
        if (reply is not RawReply.Answer { Status: 301 or 302 or 307 or 308 } redirect || asked.IsTls
            || asked.Redirected(redirect.Location, path) is not { } target)
        {
            return null;
        }

        lock (_lock)
        {
            _redirects[configured] = target;
        }

        LogRedirect(configured.ToString(), target.ToString());
        return target;
    }
}
