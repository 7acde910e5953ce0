using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.DriverKit.Health;
using Holdfast.DriverKit.Lanes;
using Holdfast.DriverKit.Logging;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Microsoft.Extensions.Logging;

namespace Holdfast.DriverKit.Serving;

/// <summary>Turns requests into driver calls and their results into replies. Knows nothing of sockets. Safe to use from any thread.</summary>
internal sealed partial class DriverEndpoints
{
    /// <summary>The longest request body.</summary>
    internal const int BodyLimit = 64 * 1024;

    private const int LongestLabel = 1024;
    private const int LongestCallId = 128;
    private static readonly TimeSpan StandardDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestDeadline = TimeSpan.FromHours(1);

    private readonly IStorageDriver _driver;
    private readonly DriverInfo _info;
    private readonly string _pool;
    private readonly PoolMonitor _monitor;
    private readonly Lane _work;
    private readonly Lane _local;
    private readonly Lane _cuts;
    private readonly BackendCallCounter _received = new();
    private readonly BackendCallCounter _backendCalls;
    private readonly SecretMask _mask;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationToken _ending;
    private readonly FailpointSet _failpoints;
    private long _unnamedCalls;

    internal DriverEndpoints(
        IStorageDriver driver,
        DriverInfo info,
        string pool,
        KitSettings settings,
        PoolMonitor monitor,
        BackendCallCounter backendCalls,
        SecretMask mask,
        TimeProvider time,
        ILogger log,
        CancellationToken ending,
        FailpointSet? failpoints = null)
    {
        _failpoints = failpoints ?? FailpointSet.None;
        _driver = driver;
        _info = info;
        _pool = pool;
        _monitor = monitor;
        _work = new Lane(settings.Workers, settings.Queue, time, ending);
        _local = new Lane(1, 8, time, ending);
        _cuts = new Lane(2, 64, time, ending);
        _backendCalls = backendCalls;
        _mask = mask;
        _time = time;
        _log = log;
        _ending = ending;
    }

    private delegate Task<DriverResult<T>> DriverWork<T>(DriverCall call, CancellationToken cancellationToken);

    /// <summary>Answers a request. Never throws, and never takes longer than the request's deadline.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The reply.</returns>
    internal async Task<DriverReply> HandleAsync(DriverRequest request)
    {
        var parts = request.Path.Split('/');
        var handled = (request.Method, parts) switch
        {
            ("GET", ["", "v1", "info"]) => NowAsync(_info with { Capabilities = _driver.Capabilities }, DriverJson.Default.DriverInfo),
            ("GET", ["", "v1", "status"]) => NowAsync(Status(), DriverJson.Default.PoolStatus),
            ("POST", ["", "v1", "probe"]) => ProbeAsync(request),
            ("GET", ["", "v1", "calls"]) => null,
            ("GET", ["", "v1", "volumes"]) => ListVolumesAsync(request),
            ("GET", ["", "v1", "attachments"]) => ListAttachmentsAsync(request),
            ("PUT", ["", "v1", "volumes", var volume]) => EnsureVolumeAsync(request, volume),
            ("GET", ["", "v1", "volumes", var volume]) => GetVolumeAsync(request, volume),
            ("DELETE", ["", "v1", "volumes", var volume]) => DeleteVolumeAsync(request, volume),
            ("POST", ["", "v1", "volumes", var volume, "resize"]) => ResizeVolumeAsync(request, volume),
            ("POST", ["", "v1", "volumes", var volume, "seal"]) => SealVolumeAsync(request, volume),
            ("PUT", ["", "v1", "volumes", var volume, "snapshots", var snapshot]) => EnsureSnapshotAsync(request, volume, snapshot),
            ("DELETE", ["", "v1", "volumes", var volume, "snapshots", var snapshot]) => DeleteSnapshotAsync(request, volume, snapshot),
            ("POST", ["", "v1", "volumes", var volume, "snapshots", var snapshot, "revert"]) => RevertAsync(request, volume, snapshot),
            ("PUT", ["", "v1", "attachments", var volume]) => AttachAsync(request, volume),
            ("DELETE", ["", "v1", "attachments", var volume]) => ReleaseAsync(request, volume),
            ("POST", ["", "v1", "attachments", var volume, "cut"]) => CutAsync(request, volume),
            ("POST", ["", "v1", "attachments", var volume, "resume"]) => ResumeAsync(request, volume),
            _ => Task.FromResult(UnknownPath(request)),
        };

        // The log of calls counts the call that reads it, too.
        return handled is not null ? await handled : Calls();
    }

    /// <summary>Answers a request that is not even one.</summary>
    /// <param name="text">What is wrong.</param>
    /// <returns>The reply.</returns>
    internal DriverReply Refuse(string text)
    {
        _received.Count("refused");
        return Failed(DriverFailure.Invalid(text));
    }

    private DriverReply UnknownPath(DriverRequest request)
    {
        _received.Count("other");
        return Failed(DriverFailure.Invalid($"There is no {Shown(request.Method)} {Shown(request.Path)} in version {DriverPaths.ProtocolVersion} of the driver protocol."));
    }

    private static string Shown(string text) => text.Length <= 200 ? text : text[..200] + "...";

    private Task<DriverReply> NowAsync<T>(T value, JsonTypeInfo<T> type)
    {
        _received.Count($"GET /v1/{(typeof(T) == typeof(DriverInfo) ? "info" : "status")}");
        return Task.FromResult(Ok(value, type));
    }

    private DriverReply Calls()
    {
        _received.Count("GET /v1/calls");
        return Ok(new CallLog(_received.Snapshot(), _backendCalls.Snapshot()), DriverJson.Default.CallLog);
    }

    private PoolStatus Status()
    {
        var status = _monitor.Status;
        if (_work.Stuck < _work.Workers)
        {
            return Told(status);
        }

        return Told(status with
        {
            ControlPlane = PlaneHealth.Down,
            Error = DriverFailure.Unreachable($"All {_work.Workers} workers of storage pool '{_pool}' wait for calls that do not come back."),
        });
    }

    private PoolStatus Told(PoolStatus status) => status with
    {
        Capabilities = _driver.Capabilities,
        Error = status.Error is null ? null : Masked(status.Error),
    };

    private async Task<DriverReply> ProbeAsync(DriverRequest request)
    {
        _received.Count("POST /v1/probe");
        return Deadline(request) switch
        {
            DriverResult<TimeSpan>.Ok deadline => Reply((await _monitor.ProbeAsync(deadline.Value)).Then<PoolStatus>(status => Told(status)), DriverJson.Default.PoolStatus),
            var failed => Reply(failed.Then<PoolStatus>(static _ => throw new InvalidOperationException()), DriverJson.Default.PoolStatus),
        };
    }

    private Task<DriverReply> ListVolumesAsync(DriverRequest request) =>
        CallAsync(
            request,
            "GET /v1/volumes",
            "listing the volumes",
            new Plan<VolumeList>(LaneClaim.None, Changes: false, _driver.ListVolumesAsync),
            DriverJson.Default.VolumeList);

    private Task<DriverReply> ListAttachmentsAsync(DriverRequest request) =>
        CallAsync(
            request,
            "GET /v1/attachments",
            "listing the attachments",
            new Plan<AttachmentList>(LaneClaim.None, Changes: false, _driver.ListAttachmentsAsync, _local),
            DriverJson.Default.AttachmentList);

    private Task<DriverReply> EnsureVolumeAsync(DriverRequest request, string volume) =>
        CallAsync(
            request,
            "PUT /v1/volumes/*",
            $"ensuring volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<VolumeReply>>(id =>
                Body(request, DriverJson.Default.EnsureVolumeRequest).Then<Plan<VolumeReply>>(body =>
                    Check(id, body) is { } wrong
                        ? wrong
                        : new Plan<VolumeReply>(
                            new LaneClaim(id, SourceOf(body.Source)),
                            Changes: true,
                            (call, token) => _driver.EnsureVolumeAsync(id, body, call, token)))),
            DriverJson.Default.VolumeReply);

    private Task<DriverReply> GetVolumeAsync(DriverRequest request, string volume) =>
        CallAsync(
            request,
            "GET /v1/volumes/*",
            $"reading volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<VolumeReply>>(id =>
                new Plan<VolumeReply>(LaneClaim.Read(id), Changes: false, (call, token) => _driver.GetVolumeAsync(id, call, token))),
            DriverJson.Default.VolumeReply);

    private Task<DriverReply> DeleteVolumeAsync(DriverRequest request, string volume) =>
        CallAsync(
            request,
            "DELETE /v1/volumes/*",
            $"deleting volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<DriverAck>>(id =>
                GenerationOf(request).Then<Plan<DriverAck>>(generation =>
                    new Plan<DriverAck>(LaneClaim.Change(id), Changes: true, (call, token) => _driver.DeleteVolumeAsync(id, generation, call, token)))),
            DriverJson.Default.DriverAck);

    private Task<DriverReply> ResizeVolumeAsync(DriverRequest request, string volume) =>
        CallAsync(
            request,
            "POST /v1/volumes/*/resize",
            $"resizing volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<VolumeReply>>(id =>
                Body(request, DriverJson.Default.ResizeVolumeRequest).Then<Plan<VolumeReply>>(body =>
                    (Check(body.Generation) ?? CheckSize(body.SizeBytes)) is { } wrong
                        ? wrong
                        : new Plan<VolumeReply>(
                            LaneClaim.Change(id),
                            Changes: true,
                            (call, token) => _driver.ResizeVolumeAsync(id, body, call, token)))),
            DriverJson.Default.VolumeReply);

    private Task<DriverReply> SealVolumeAsync(DriverRequest request, string volume) =>
        CallAsync(
            request,
            "POST /v1/volumes/*/seal",
            $"sealing volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<VolumeReply>>(id =>
                Body(request, DriverJson.Default.SealVolumeRequest).Then<Plan<VolumeReply>>(body =>
                    Check(body.Generation) is { } wrong
                        ? wrong
                        : new Plan<VolumeReply>(
                            LaneClaim.Change(id),
                            Changes: true,
                            (call, token) => _driver.SealVolumeAsync(id, body, call, token)))),
            DriverJson.Default.VolumeReply);

    private Task<DriverReply> EnsureSnapshotAsync(DriverRequest request, string volume, string snapshot) =>
        CallAsync(
            request,
            "PUT /v1/volumes/*/snapshots/*",
            $"ensuring snapshot {Shown(snapshot)} of volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<DriverAck>>(id =>
                Id<SnapshotId>("snapshot", snapshot).Then<Plan<DriverAck>>(snapshotId =>
                    Body(request, DriverJson.Default.EnsureSnapshotRequest).Then<Plan<DriverAck>>(body =>
                        Check(body.Generation) is { } wrong
                            ? wrong
                            : new Plan<DriverAck>(
                                LaneClaim.Change(id),
                                Changes: true,
                                (call, token) => _driver.EnsureSnapshotAsync(id, snapshotId, body, call, token))))),
            DriverJson.Default.DriverAck);

    private Task<DriverReply> DeleteSnapshotAsync(DriverRequest request, string volume, string snapshot) =>
        CallAsync(
            request,
            "DELETE /v1/volumes/*/snapshots/*",
            $"deleting snapshot {Shown(snapshot)} of volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<DriverAck>>(id =>
                Id<SnapshotId>("snapshot", snapshot).Then<Plan<DriverAck>>(snapshotId =>
                    new Plan<DriverAck>(
                        LaneClaim.Change(id),
                        Changes: true,
                        (call, token) => _driver.DeleteSnapshotAsync(id, snapshotId, call, token)))),
            DriverJson.Default.DriverAck);

    private Task<DriverReply> RevertAsync(DriverRequest request, string volume, string snapshot) =>
        CallAsync(
            request,
            "POST /v1/volumes/*/snapshots/*/revert",
            $"reverting volume {Shown(volume)} to snapshot {Shown(snapshot)}",
            Id<VolumeId>("volume", volume).Then<Plan<DriverAck>>(id =>
                Id<SnapshotId>("snapshot", snapshot).Then<Plan<DriverAck>>(snapshotId =>
                    Body(request, DriverJson.Default.RevertRequest).Then<Plan<DriverAck>>(body =>
                        Check(body.Generation) is { } wrong
                            ? wrong
                            : new Plan<DriverAck>(
                                LaneClaim.Change(id),
                                Changes: true,
                                (call, token) => _driver.RevertAsync(id, snapshotId, body, call, token))))),
            DriverJson.Default.DriverAck);

    private Task<DriverReply> AttachAsync(DriverRequest request, string volume) =>
        CallAsync(
            request,
            "PUT /v1/attachments/*",
            $"attaching volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<AttachmentReply>>(id =>
                Body(request, DriverJson.Default.AttachRequest).Then<Plan<AttachmentReply>>(body =>
                    Check(body.Generation) is { } wrong
                        ? wrong
                        : new Plan<AttachmentReply>(
                            LaneClaim.Change(id),
                            Changes: true,
                            (call, token) => _driver.AttachAsync(id, body, call, token)))),
            DriverJson.Default.AttachmentReply);

    private Task<DriverReply> ReleaseAsync(DriverRequest request, string volume) =>
        CallAsync(
            request,
            "DELETE /v1/attachments/*",
            $"releasing volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<DriverAck>>(id =>
                GenerationOf(request).Then<Plan<DriverAck>>(generation =>
                    ModeOf(request).Then<Plan<DriverAck>>(mode =>
                        new Plan<DriverAck>(
                            LaneClaim.Change(id),
                            Changes: true,
                            (call, token) => _driver.ReleaseAsync(id, new ReleaseRequest(mode, generation), call, token))))),
            DriverJson.Default.DriverAck);

    private Task<DriverReply> CutAsync(DriverRequest request, string volume) =>
        CallAsync(
            request,
            "POST /v1/attachments/*/cut",
            $"cutting off volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<DriverAck>>(id =>
                Body(request, DriverJson.Default.CutRequest).Then<Plan<DriverAck>>(body =>
                    Check(body.Generation) is { } wrong
                        ? wrong
                        : new Plan<DriverAck>(
                            LaneClaim.Change(id),
                            Changes: true,
                            (call, token) => _driver.CutAsync(id, body, call, token),
                            _cuts))),
            DriverJson.Default.DriverAck);

    private Task<DriverReply> ResumeAsync(DriverRequest request, string volume) =>
        CallAsync(
            request,
            "POST /v1/attachments/*/resume",
            $"resuming volume {Shown(volume)}",
            Id<VolumeId>("volume", volume).Then<Plan<DriverAck>>(id =>
                Body(request, DriverJson.Default.ResumeRequest).Then<Plan<DriverAck>>(body =>
                    Check(body.Generation) is { } wrong
                        ? wrong
                        : new Plan<DriverAck>(
                            LaneClaim.Change(id),
                            Changes: true,
                            (call, token) => _driver.ResumeAsync(id, body, call, token)))),
            DriverJson.Default.DriverAck);

    private async Task<DriverReply> CallAsync<T>(
        DriverRequest request,
        string name,
        string doing,
        DriverResult<Plan<T>> planned,
        JsonTypeInfo<T> type)
    {
        _received.Count(name);
        var deadline = Deadline(request);
        if (planned is not DriverResult<Plan<T>>.Ok { Value: var plan })
        {
            return Reply(planned.Then<T>(static _ => throw new InvalidOperationException()), type);
        }

        if (deadline is not DriverResult<TimeSpan>.Ok { Value: var budget })
        {
            return Reply(deadline.Then<T>(static _ => throw new InvalidOperationException()), type);
        }

        var id = string.IsNullOrEmpty(request.CallId) ? $"call-{Interlocked.Increment(ref _unnamedCalls)}" : request.CallId;
        if (id.Length > LongestCallId)
        {
            id = id[..LongestCallId];
        }

        var arrived = _time.GetTimestamp();
        var outcome = await (plan.Lane ?? _work).RunAsync(
            plan.Claim,
            budget,
            (left, token) => GuardedAsync(id, doing, plan, left, token),
            late => LogCameBack(_pool, doing, id, _time.GetElapsedTime(arrived).TotalMilliseconds, CodeOf(late)?.ToString() ?? "Ok"));
        var result = outcome switch
        {
            LaneOutcome<DriverResult<T>>.Finished finished => finished.Value,
            LaneOutcome<DriverResult<T>>.Full => DriverFailure.Busy($"Storage pool '{_pool}': {doing} was not begun, as too many calls already wait on this host."),
            LaneOutcome<DriverResult<T>>.NeverRan =>
                DriverFailure.Busy($"Storage pool '{_pool}': {doing} was not begun within {Seconds(budget)}, as other calls were before it."),
            _ => TooLate(doing, budget, plan.Changes),
        };

        var milliseconds = _time.GetElapsedTime(arrived).TotalMilliseconds;
        switch (result)
        {
            case DriverResult<T>.Failed { Error: var error }:
                LogFailed(_pool, doing, id, milliseconds, error.Code, error.Text, error.Backend);
                break;
            case DriverResult<T>.Ok when plan.Changes:
                LogDone(_pool, doing, id, milliseconds);
                break;
        }

        return Reply(result, type);
    }

    private async Task<DriverResult<T>> GuardedAsync<T>(string id, string doing, Plan<T> plan, TimeSpan left, CancellationToken cancellationToken)
    {
        try
        {
            if (plan.Changes && await _failpoints.PassAsync(Failpoint.DriverBefore, cancellationToken) is { } unasked)
            {
                return DriverFailure.Unreachable($"Storage pool '{_pool}': {doing}: {unasked}");
            }

            var result = await plan.Work(new DriverCall(id, left, _time), cancellationToken);
            return plan.Changes && await _failpoints.PassAsync(Failpoint.DriverChanged, cancellationToken) is { } lost
                ? DriverFailure.Unknown($"Storage pool '{_pool}': {doing}: {lost}")
                : result;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return _ending.IsCancellationRequested
                ? DriverFailure.Unknown($"Storage pool '{_pool}': the driver is ending; whether {doing} had an effect is not known.")
                : TooLate(doing, left, plan.Changes);
        }
        catch (Exception bug)
        {
            LogBug(_pool, doing, id, bug);
            return DriverFailure.Unknown($"Storage pool '{_pool}': {doing} failed inside the driver.", $"{bug.GetType().Name}: {bug.Message}");
        }
    }

    private DriverError TooLate(string doing, TimeSpan budget, bool changes) => changes
        ? DriverFailure.Unknown($"Storage pool '{_pool}': {doing} did not finish within {Seconds(budget)}; whether it had an effect is not known.")
        : DriverFailure.Unreachable($"Storage pool '{_pool}': {doing} did not finish within {Seconds(budget)}.");

    private static string Seconds(TimeSpan time) => $"{time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s";

    private static DriverErrorCode? CodeOf<T>(DriverResult<T> result) => (result as DriverResult<T>.Failed)?.Error.Code;

    private static VolumeId? SourceOf(VolumeSource source) => source switch
    {
        VolumeSource.FromVolume from => from.VolumeId,
        VolumeSource.FromSnapshot from => from.VolumeId,
        _ => null,
    };

    private static DriverResult<TId> Id<TId>(string what, string text)
        where TId : struct, ITypedId<TId> =>
        Guid.TryParseExact(text, "D", out var value) && value != Guid.Empty
            ? TId.From(value)
            : DriverFailure.Invalid($"'{Shown(text)}' is not the id of a {what}.");

    private static DriverResult<T> Body<T>(DriverRequest request, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(request.Body.Span, type) is { } value
                ? value
                : DriverFailure.Invalid($"The request's body is null instead of a {typeof(T).Name}.");
        }
        catch (JsonException wrong)
        {
            return DriverFailure.Invalid($"The request's body is not a {typeof(T).Name}: {Shown(wrong.Message)}");
        }
    }

    private static DriverError? Check(VolumeId volume, EnsureVolumeRequest body)
    {
        if (body.Source is null)
        {
            return DriverFailure.Invalid("'source' is missing.");
        }

        if (SourceOf(body.Source) == volume)
        {
            return DriverFailure.Invalid("A volume cannot be its own source.");
        }

        return body.Label?.Length > LongestLabel
            ? DriverFailure.Invalid($"'label' is longer than {LongestLabel} characters.")
            : Check(body.Generation) ?? CheckSize(body.SizeBytes);
    }

    private static DriverError? Check(Generation generation) =>
        generation >= Generation.First ? null : DriverFailure.Invalid($"'generation' is a number from 1, not {generation}.");

    private static DriverError? CheckSize(long size) => size > 0 ? null : DriverFailure.Invalid($"'sizeBytes' is a number from 1, not {size}.");

    private static DriverResult<Generation> GenerationOf(DriverRequest request) =>
        request.Query.TryGetValue("generation", out var text)
        && long.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
        && value > 0
            ? new Generation(value)
            : DriverFailure.Invalid("The query needs 'generation', a number from 1.");

    private static DriverResult<AttachMode> ModeOf(DriverRequest request) =>
        (request.Query.TryGetValue("mode", out var text) ? text.ToString() : null) switch
        {
            "run" => AttachMode.Run,
            "copy" => AttachMode.Copy,
            "migrate-in" => AttachMode.MigrateIn,
            _ => DriverFailure.Invalid("The query needs 'mode', one of run, copy, migrate-in."),
        };

    private static DriverResult<TimeSpan> Deadline(DriverRequest request)
    {
        if (request.DeadlineMs is null)
        {
            return StandardDeadline;
        }

        return long.TryParse(request.DeadlineMs, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds > 0
            ? TimeSpan.FromMilliseconds(Math.Min(milliseconds, (long)LongestDeadline.TotalMilliseconds))
            : DriverFailure.Invalid($"Header {DriverPaths.DeadlineHeader} is a number of milliseconds from 1.");
    }

    private DriverReply Reply<T>(DriverResult<T> result, JsonTypeInfo<T> type) => result switch
    {
        DriverResult<T>.Ok ok => Ok(ok.Value, type),
        DriverResult<T>.Failed failed => Failed(failed.Error),
        _ => throw new InvalidOperationException("The hierarchy is closed."),
    };

    private static DriverReply Ok<T>(T value, JsonTypeInfo<T> type) => new(200, JsonSerializer.SerializeToUtf8Bytes(value, type));

    private DriverReply Failed(DriverError error) =>
        new(DriverError.StatusOf(error.Code), JsonSerializer.SerializeToUtf8Bytes(Masked(error), DriverJson.Default.DriverError));

    private DriverError Masked(DriverError error) =>
        error with { Text = _mask.Apply(error.Text), Backend = error.Backend is null ? null : _mask.Apply(error.Backend) };

    private sealed record Plan<T>(LaneClaim Claim, bool Changes, DriverWork<T> Work, Lane? Lane = null);
}
