using Holdfast.Agent.Drivers;
using Holdfast.Agent.Ingest;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Tasks;

/// <summary>
/// Carries out one task. What it may leave behind is written down before it is made; when it fails, what may be there is owed to be removed. Begun again after a
/// restart of the agent, it finds what is there already.
/// </summary>
internal sealed partial class TaskRunner : IDisposable
{
    private static readonly TimeSpan EnsureDeadline = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan ShortDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ProgressPause = TimeSpan.FromSeconds(5);
    private const int ProgressStep = 10;
    private const int Tries = 3;
    private readonly TaskContext _context;
    private readonly TaskId _task;
    private readonly ILogger _log;
    private CancellationTokenSource _flight = new();
    private bool _isRunning;
    private bool _mayExist;
    private TaskSpec? _lastSpec;

    /// <summary>Makes a runner.</summary>
    public TaskRunner(TaskContext context, TaskId task, ILogger log) => (_context, _task, _log) = (context, task, log);

    private ItemRow ItemRow => _context.Ledger.Tables.Item(ItemKind.Task, _task.Value) ?? throw new InvalidOperationException("A task without an item.");

    /// <summary>How far a download is, as it is reported; null: there is none under way.</summary>
    public int? Percent { get; private set; }

    private TaskRow? Row => _context.Ledger.Tables.Tasks.GetValueOrDefault(_task);

    /// <summary>Its item is new, or has changed.</summary>
    public void Follow()
    {
        _flight.Cancel();
        if (!_isRunning)
        {
            _isRunning = true;
            _context.Loop.Keep($"task {_task}", RunAsync);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _flight.Dispose();

    private async Task RunAsync()
    {
        while (true)
        {
            _flight.Dispose();
            _flight = CancellationTokenSource.CreateLinkedTokenSource(_context.Loop.Stopping);
            var item = ItemRow.Item;
            try
            {
                await CarryOutAsync(item, _flight.Token);
            }
            catch (OperationCanceledException) when (_flight.IsCancellationRequested && !_context.Loop.Stopping.IsCancellationRequested)
            {
                // Told to look again: the newest item is carried out next, also when it is this one. What was begun must not be left lying.
                continue;
            }

            if (ReferenceEquals(ItemRow.Item, item))
            {
                _isRunning = false;
                return;
            }
        }
    }

    private async Task CarryOutAsync(HostItem item, CancellationToken flight)
    {
        var row = Row;
        if (item.Desired == Desired.Absent)
        {
            if (row is not { State: TaskState.Absent } || row.Generation != item.Generation)
            {
                LedgerTransition undo = row is { State: TaskState.Running } ? tables => OweRemoval(tables, _lastSpec, "was withdrawn while it ran") : static _ => [];

                // On disk before anybody is told: the server forgets the task upon that word, and an agent that starts from an older ledger would carry it out again.
                while (await _context.Ledger.CommitAsync(
                    tables => [.. LetGoOfAll(tables, "its task was withdrawn"), .. undo(tables), new LedgerChange.PutTask(NewRow(item, TaskState.Absent))]) is WriteOutcome.Unwritable)
                {
                    await Task.Delay(RetryPause, _context.Loop.Time, flight);
                }
            }

            return;
        }

        if (row is not null && row.Generation == item.Generation && row.State is TaskState.Done or TaskState.Failed or TaskState.Owed)
        {
            return;
        }

        var isBegun = row is { State: TaskState.Running } && row.Generation == item.Generation;
        _lastSpec = item.Task;

        // An earlier agent process may have made what this one is about to make.
        _mayExist = isBegun;
        if (!isBegun && _context.Boot.HasPassed(ItemRow.StartBy))
        {
            await FailAsync(item, [new Condition { Type = ConditionType.Expired, PoolId = item.Task!.PoolId, Text = "The time to begin it had passed." }]);
            return;
        }

        switch (item.Task!)
        {
            case TaskSpec.EnsureVolume spec:
                await WithBindingAsync(item, spec.VolumeId, binding => EnsureAsync(item, spec, binding, flight), flight);
                break;
            case TaskSpec.ImportTemplate spec:
                await WithBindingAsync(item, spec.VolumeId, binding => ImportAsync(item, spec, binding, flight), flight);
                break;
            case TaskSpec.ResizeVolume spec:
                await WithBindingAsync(item, null, binding => ResizeAsync(spec, binding, flight), flight);
                break;
            case TaskSpec.ListVolumes spec:
                await ListAsync(item, spec, flight);
                break;
            case TaskSpec.DeleteVolume spec:
                await DeleteAsync(item, spec);
                break;
            case TaskSpec.RetryObligation spec:
                await RetryAsync(item, spec);
                break;
            case TaskSpec.ForgetObligation spec:
                await ForgetAsync(item, spec);
                break;
        }
    }

    private async Task WithBindingAsync(HostItem item, VolumeId? wanted, Func<Binding, Task<Result>> work, CancellationToken flight)
    {
        var spec = item.Task!;
        if (_context.Bindings.Find(spec.PoolId) is not { } binding)
        {
            await FailAsync(item, [ConditionOf(spec, new DriverError { Code = DriverErrorCode.NotFound, Text = $"Storage pool '{spec.PoolName}' is not on this host." })]);
            return;
        }

        LedgerChange[] voided = [];
        var written = await _context.Ledger.CommitAsync(tables =>
        {
            voided = wanted is { } volume ? [.. ObligationRules.Want(tables, spec.PoolId, volume)] : [];
            return [.. voided, new LedgerChange.PutTask(NewRow(item, TaskState.Running))];
        });
        if (written is WriteOutcome.Unwritable unwritable)
        {
            await FailAsync(item,
            [
                new Condition { Type = ConditionType.LedgerUnwritable, PoolId = spec.PoolId, Text = $"This host's ledger cannot be written ({unwritable.Reason}): no new work is begun." },
            ]);
            return;
        }

        // Whoever makes void that something is to be removed takes over that it may be there: should this fail, it is owed again.
        _mayExist |= voided.Length > 0;
        await _context.Loop.Failpoints.PassAsync(Failpoint.TaskRecorded, _context.Loop.Stopping);
        await binding.SettledAsync(ReadyDeadline, flight);
        var result = await work(binding);
        await _context.Loop.Failpoints.PassAsync(Failpoint.TaskDone, _context.Loop.Stopping);
        switch (result)
        {
            case Result.Done done:
                await _context.Ledger.RecordAsync(tables =>
                [
                    .. LetGoOfAll(tables, "its task is done"),
                    new LedgerChange.PutTask(NewRow(item, TaskState.Done) with { SizeBytes = done.Volume.SizeBytes, BackendName = done.Volume.BackendName }),
                ]);
                LogDone(item.Task!.GetType().Name, _task, spec.PoolName, spec.PoolId, done.Volume.VolumeId, done.Volume.BackendName);
                break;
            case Result.Failed failed:
                await FailAsync(
                    item, [ConditionOf(spec, failed.Error)],
                    tables => [.. LetGoOfAll(tables, "its task failed"), .. failed.MayExist ? OweRemoval(tables, spec, "failed") : []], failed.LostSource);
                break;
        }
    }

    // ---- The kinds of work

    private async Task<Result> EnsureAsync(HostItem item, TaskSpec.EnsureVolume spec, Binding binding, CancellationToken flight)
    {
        if (spec.Source is { } template && !binding.MayClone)
        {
            return await CopyVolumeAsync(item, spec, binding, template, flight);
        }

        VolumeSource source = spec.Source is { } origin ? new VolumeSource.FromVolume(origin) : new VolumeSource.Empty();
        var answer = await CallAsync(binding, spec.VolumeId, EnsureDeadline, (client, left, ends) => client.EnsureVolumeAsync(
            spec.VolumeId,
            new EnsureVolumeRequest { Generation = spec.VolumeGeneration, SizeBytes = spec.SizeBytes, Source = source, Label = spec.Label },
            left, ends), flight);
        if (spec.Source is { } uncloned && answer is DriverAnswer<VolumeReply>.Failed { Error: { Code: DriverErrorCode.Unsupported } refused })
        {
            binding.CloneRefused();
            LogCopied(spec.Label, spec.VolumeId, spec.PoolName, spec.PoolId, uncloned, DriverErrorText.Describe(spec.PoolName, refused));
            return await CopyVolumeAsync(item, spec, binding, uncloned, flight);
        }

        return answer is DriverAnswer<VolumeReply>.Ok { Value.Volume: var volume }
            ? new Result.Done(volume)
            : NotMade(answer) with { LostSource = await LostSourceAsync(spec, binding, answer, flight) };
    }

    /// <summary>The backend cannot clone: the agent copies.</summary>
    private async Task<Result> CopyVolumeAsync(HostItem item, TaskSpec.EnsureVolume spec, Binding binding, VolumeId template, CancellationToken flight)
    {
        var known = await CallAsync(binding, template, ShortDeadline, (client, left, ends) => client.GetVolumeAsync(template, left, ends), flight);
        if (known is not DriverAnswer<VolumeReply>.Ok { Value.Volume: var source })
        {
            return Failed(known, _mayExist) with { LostSource = WhyLost(spec, known) };
        }

        if (WhyLost(spec, known) is { } lost)
        {
            return Refused(DriverErrorCode.NotFound, $"Template volume {template} {lost}.", _mayExist) with { LostSource = lost };
        }

        var from = await AttachAsync(item, binding, template, source.Generation, isReadOnly: true, flight);
        if (from is not DriverAnswer<AttachmentReply>.Ok { Value: var read })
        {
            return Failed(from, _mayExist);
        }

        // By the size of the device, which backends round up: what a row says would cut off the rest. A sealed source has the same each time this is begun again.
        var size = Math.Max(spec.SizeBytes, read.SizeBytes);
        var made = await CallAsync(binding, spec.VolumeId, EnsureDeadline, (client, left, ends) => client.EnsureVolumeAsync(
            spec.VolumeId,
            new EnsureVolumeRequest { Generation = spec.VolumeGeneration, SizeBytes = size, Source = new VolumeSource.Empty(), Label = spec.Label, Local = true },
            left, ends), flight);
        if (made is not DriverAnswer<VolumeReply>.Ok { Value.Volume: var volume })
        {
            return NotMade(made);
        }

        var to = await AttachAsync(item, binding, spec.VolumeId, spec.VolumeGeneration, isReadOnly: false, flight);
        if (to is not DriverAnswer<AttachmentReply>.Ok { Value: var written })
        {
            return Failed(to, mayExist: true);
        }

        if (written.SizeBytes < read.SizeBytes)
        {
            return Refused(
                DriverErrorCode.Unknown, $"The new volume has {written.SizeBytes} bytes and its template {read.SizeBytes}: copying would cut off the rest.", mayExist: true);
        }

        if (PathOf(read.Source) is not ({ } fromPath, { } fromFormat) || PathOf(written.Source) is not ({ } toPath, { } toFormat))
        {
            return Refused(DriverErrorCode.Unsupported, "Only files and block devices can be copied by the host.", mayExist: true);
        }

        if (await _context.Images.CopyAsync(fromPath, fromFormat, toPath, toFormat, flight) is CopyOutcome.Failed failed)
        {
            return Refused(DriverErrorCode.Unknown, $"Copying the template failed: {failed.Reason}", mayExist: true);
        }

        return await ReleaseAsync(binding, spec.VolumeId, spec.VolumeGeneration, flight) is { } unreleased ? unreleased : new Result.Done(volume);
    }

    private async Task<Result> ImportAsync(HostItem item, TaskSpec.ImportTemplate spec, Binding binding, CancellationToken flight)
    {
        var known = await CallAsync(binding, spec.VolumeId, ShortDeadline, (client, left, ends) => client.GetVolumeAsync(spec.VolumeId, left, ends), flight);
        switch (known)
        {
            case DriverAnswer<VolumeReply>.Ok { Value.Volume: { Sealed: true } done } when done.Generation == spec.VolumeGeneration:
                return new Result.Done(done);
            case DriverAnswer<VolumeReply>.Ok or DriverAnswer<VolumeReply>.Failed { Error.Code: DriverErrorCode.NotFound }:
                break;
            default:
                return Failed(known, mayExist: false);
        }

        using var turn = await _context.Imports.EnterAsync(flight);
        try
        {
            var fetched = await FetchAsync(spec, flight);
            return fetched switch
            {
                FetchOutcome.Fetched image => await FillAsync(item, spec, binding, image.Path, flight),
                FetchOutcome.Refused refused => Refused(
                    DriverErrorCode.Invalid, $"The image of template '{spec.TemplateName}' was not fetched: {refused.Reason}.", mayExist: false),
                _ => throw new InvalidOperationException("An outcome of an unknown kind."),
            };
        }
        finally
        {
            Percent = null;
            _context.Fetcher.Discard(_task.Value);
        }
    }

    private async Task<FetchOutcome> FetchAsync(TaskSpec.ImportTemplate spec, CancellationToken flight)
    {
        var progress = new ImportProgress();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(flight);
        Percent = 0;
        var isOver = over.Token;
        _context.Loop.Spawn($"progress of task {_task}", () => TellProgressAsync(progress, isOver));
        try
        {
            var fetched = await _context.Fetcher.FetchAsync(spec.Url, spec.Checksum, _task.Value, progress, flight);
            if (fetched is FetchOutcome.Fetched)
            {
                Percent = ImportProgress.All;
                _context.Changed(_task);
            }

            return fetched;
        }
        finally
        {
            End(over);
        }

        static void End(CancellationTokenSource over) => over.Cancel();
    }

    // In steps and with pauses: each one told is a write at the server.
    private async Task TellProgressAsync(ImportProgress progress, CancellationToken over)
    {
        while (true)
        {
            try
            {
                await Task.Delay(ProgressPause, _context.Loop.Time, over);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (progress.Percent is var now && (now >= Percent + ProgressStep || (now == ImportProgress.All && Percent < now)))
            {
                Percent = now;
                _context.Changed(_task);
            }
        }
    }

    private async Task<Result> FillAsync(HostItem item, TaskSpec.ImportTemplate spec, Binding binding, string image, CancellationToken flight)
    {
        var inspected = await _context.Images.InspectAsync(image, spec.Format, flight);
        if (inspected is not InspectOutcome.Fine { VirtualSize: var size, ContentBytes: var content })
        {
            var why = ((InspectOutcome.Refused)inspected).Reason;
            return Refused(DriverErrorCode.Invalid, $"The image of template '{spec.TemplateName}' is refused: {why}.", mayExist: false);
        }

        if (binding.View.Status?.Capacity is { TotalBytes: > 0 } capacity && capacity.TotalBytes - capacity.UsedBytes < content)
        {
            return Refused(
                DriverErrorCode.Capacity,
                $"The image of template '{spec.TemplateName}' has {content} bytes of content, and {capacity.TotalBytes - capacity.UsedBytes} of the pool's {capacity.TotalBytes} are free.",
                mayExist: false);
        }

        var made = await CallAsync(binding, spec.VolumeId, EnsureDeadline, (client, left, ends) => client.EnsureVolumeAsync(
            spec.VolumeId,
            new EnsureVolumeRequest { Generation = spec.VolumeGeneration, SizeBytes = size, Source = new VolumeSource.Empty(), Label = spec.TemplateName, Local = true },
            left, ends), flight);
        if (made is not DriverAnswer<VolumeReply>.Ok)
        {
            return NotMade(made);
        }

        var attached = await AttachAsync(item, binding, spec.VolumeId, spec.VolumeGeneration, isReadOnly: false, flight);
        if (attached is not DriverAnswer<AttachmentReply>.Ok { Value.Source: var target })
        {
            return Failed(attached, mayExist: true);
        }

        if (PathOf(target) is not ({ } path, { } format))
        {
            return Refused(DriverErrorCode.Unsupported, "Only files and block devices can be filled by the host.", mayExist: true);
        }

        if (await _context.Images.CopyAsync(image, spec.Format, path, format, flight) is CopyOutcome.Failed failed)
        {
            return Refused(DriverErrorCode.Unknown, $"Writing template '{spec.TemplateName}' failed: {failed.Reason}", mayExist: true);
        }

        if (await ReleaseAsync(binding, spec.VolumeId, spec.VolumeGeneration, flight) is { } unreleased)
        {
            return unreleased;
        }

        var closed = await CallAsync(binding, spec.VolumeId, ShortDeadline, (client, left, ends) => client.SealVolumeAsync(
            spec.VolumeId, new SealVolumeRequest(spec.VolumeGeneration), left, ends), flight);
        return closed is DriverAnswer<VolumeReply>.Ok { Value.Volume: var volume } ? new Result.Done(volume) : Failed(closed, mayExist: true);
    }

    private async Task<Result> ResizeAsync(TaskSpec.ResizeVolume spec, Binding binding, CancellationToken flight)
    {
        var answer = await CallAsync(binding, spec.VolumeId, ShortDeadline, (client, left, ends) => client.ResizeVolumeAsync(
            spec.VolumeId, new ResizeVolumeRequest(spec.VolumeGeneration, spec.SizeBytes), left, ends), flight);
        return answer is DriverAnswer<VolumeReply>.Ok { Value.Volume: var volume } ? new Result.Done(volume) : Failed(answer, mayExist: false);
    }

    private async Task DeleteAsync(HostItem item, TaskSpec.DeleteVolume spec)
    {
        var id = new ObligationId(_context.Ids.Next());
        var written = await _context.Ledger.CommitAsync(tables =>
        {
            var row = ObligationRules.OweDeletion(
                tables, id, spec, spec.VolumeId, spec.VolumeGeneration, _task, $"volume '{spec.Label}' was deleted", _context.Loop.Time.GetUtcNow());
            // A second wish to delete the same volume takes the place of the first.
            var voided = ObligationRules.Want(tables, spec.PoolId, spec.VolumeId);
            var state = row.IsOpen ? TaskState.Owed : TaskState.Failed;
            IReadOnlyList<Condition> conditions = row.IsOpen ? [] :
            [
                new Condition { Type = ConditionType.Failed, PoolId = spec.PoolId, Text = $"Volume '{spec.Label}' ({row.BackendName}) is left at the backend: {row.LastError}." },
            ];
            var task = NewRow(item, state) with { Obligation = id, BackendName = row.BackendName, Conditions = conditions };
            return [.. voided, new LedgerChange.PutObligation(row), new LedgerChange.PutTask(task)];
        });
        if (written is WriteOutcome.Unwritable unwritable)
        {
            await FailAsync(item,
            [
                new Condition { Type = ConditionType.LedgerUnwritable, PoolId = spec.PoolId, Text = $"This host's ledger cannot be written ({unwritable.Reason}): no new work is begun." },
            ]);
            return;
        }

        LogOwed(spec.Label, spec.VolumeId, spec.PoolName, spec.PoolId, id);
    }

    private async Task RetryAsync(HostItem item, TaskSpec.RetryObligation spec)
    {
        if (_context.Ledger.Tables.Obligations.GetValueOrDefault(spec.ObligationId) is { IsOpen: true } row)
        {
            _context.Bindings.Retry(row);
        }

        await _context.Ledger.RecordAsync(new LedgerChange.PutTask(NewRow(item, TaskState.Done) with { Obligation = spec.ObligationId }));
    }

    private async Task ForgetAsync(HostItem item, TaskSpec.ForgetObligation spec)
    {
        ObligationRow? forgotten = null;
        await _context.Ledger.RecordAsync(tables =>
        {
            forgotten = tables.Obligations.GetValueOrDefault(spec.ObligationId) is { IsOpen: true } row ? row : null;
            return
            [
                .. forgotten is null ? [] : ObligationRules.Forget(tables, forgotten, spec.By, spec.Reason),
                new LedgerChange.PutTask(NewRow(item, TaskState.Done) with { Obligation = spec.ObligationId }),
            ];
        });
        if (forgotten is not null)
        {
            LogForgotten(forgotten.Kind, forgotten.Id, forgotten.Volume, forgotten.PoolName, forgotten.BackendName, spec.By, spec.Reason);
        }
    }

    // ---- Small things

    private static (string? Path, string? Format) PathOf(DiskSource source) => source switch
    {
        DiskSource.Block block => (block.Path, "raw"),
        DiskSource.File file => (file.Path, file.Format),
        _ => (null, null),
    };

    private static Result.Failed Failed<T>(DriverAnswer<T> answer, bool mayExist) => new(((DriverAnswer<T>.Failed)answer).Error, mayExist);

    /// <summary>
    /// The volume was not confirmed to be made. Only an unclear answer, now or before, means that it may be there and has to be removed; a refusal means that
    /// what is there under its name, if anything, is not this task's to remove.
    /// </summary>
    private Result.Failed NotMade(DriverAnswer<VolumeReply> answer)
    {
        var error = ((DriverAnswer<VolumeReply>.Failed)answer).Error;
        return new Result.Failed(error, _mayExist && error.Code != DriverErrorCode.Invalid);
    }

    private static Result.Failed Refused(DriverErrorCode code, string text, bool mayExist) => new(new DriverError { Code = code, Text = text }, mayExist);

    private static Condition ConditionOf(TaskSpec spec, DriverError error) => new()
    {
        Type = ConditionType.Failed, PoolId = spec.PoolId, Code = error.Code, Text = DriverErrorText.Describe(spec.PoolName, error),
    };

    private async Task<DriverAnswer<AttachmentReply>> AttachAsync(
        HostItem item, Binding binding, VolumeId volume, Generation generation, bool isReadOnly, CancellationToken flight)
    {
        var row = new AttachmentRow
        {
            Volume = volume,
            Owner = _task.Value,
            Mode = AttachMode.Copy,
            Pool = binding.Pool,
            PoolName = binding.PoolName,
            Driver = binding.Spec.Driver,
            Generation = generation,
            State = AttachmentState.Uncertain,
        };
        if (await _context.Ledger.CommitAsync(tables => ObligationRules.Take(tables, [row])) is WriteOutcome.Unwritable unwritable)
        {
            return new DriverAnswer<AttachmentReply>.Failed(new DriverError
            {
                Code = DriverErrorCode.Busy, Text = $"This host's ledger cannot be written ({unwritable.Reason}): item {item.Id} is not carried on.",
            });
        }

        var answer = await CallAsync(
            binding, volume, ShortDeadline,
            (client, left, ends) => client.AttachAsync(volume, new AttachRequest { Generation = generation, Mode = AttachMode.Copy, ReadOnly = isReadOnly }, left, ends), flight);
        if (answer is DriverAnswer<AttachmentReply>.Ok { Value: var reply })
        {
            if (DiskAddress.Conflict(_context.Ledger.Tables, volume, reply.Source) is { } conflict)
            {
                return new DriverAnswer<AttachmentReply>.Failed(new DriverError { Code = DriverErrorCode.Invalid, Text = $"Storage pool '{binding.PoolName}': {conflict}." });
            }

            await _context.Ledger.RecordAsync(new LedgerChange.PutAttachment(row with
            {
                State = AttachmentState.Attached, Source = reply.Source, SizeBytes = reply.SizeBytes, BackendName = reply.BackendName,
            }));
        }

        return answer;
    }

    private async Task<Result.Failed?> ReleaseAsync(Binding binding, VolumeId volume, Generation generation, CancellationToken flight)
    {
        var key = new AttachmentKey(volume, _task.Value, AttachMode.Copy);
        var released = await CallAsync(
            binding, volume, ShortDeadline, (client, left, ends) => client.ReleaseAsync(volume, AttachMode.Copy, generation, left, ends), flight);
        if (released is not DriverAnswer<DriverAck>.Ok)
        {
            return Failed(released, mayExist: true);
        }

        await _context.Ledger.RecordAsync(new LedgerChange.DropAttachment(key));
        return null;
    }

    private async Task<DriverAnswer<T>> CallAsync<T>(
        Binding binding, VolumeId volume, TimeSpan deadline, Func<IDriverClient, TimeSpan, CancellationToken, Task<DriverAnswer<T>>> call, CancellationToken flight)
    {
        for (var tries = 1; ; tries++)
        {
            var answer = await binding.CallAsync(volume, deadline, despiteCircuit: false, call, flight);
            _mayExist |= answer is DriverAnswer<T>.Failed { Error.Code: DriverErrorCode.Unknown };
            var mayRetry = answer is DriverAnswer<T>.Failed { IsSilent: false, Error.Code: DriverErrorCode.Busy or DriverErrorCode.Unknown or DriverErrorCode.Unreachable };
            if (!mayRetry || tries >= Tries || binding.Circuit.Verdict is CircuitVerdict.Open)
            {
                return answer;
            }

            await Task.Delay(RetryPause, _context.Loop.Time, flight);
        }
    }

    private IReadOnlyList<LedgerChange> OweRemoval(LedgerTables tables, TaskSpec? spec, string what)
    {
        (VolumeId Volume, Generation Generation)? made = spec switch
        {
            TaskSpec.EnsureVolume ensure => (ensure.VolumeId, ensure.VolumeGeneration),
            TaskSpec.ImportTemplate import => (import.VolumeId, import.VolumeGeneration),
            _ => null,
        };
        return made is not var (volume, generation) ? [] :
        [
            new LedgerChange.PutObligation(ObligationRules.OweDeletion(
                tables, new ObligationId(_context.Ids.Next()), spec!, volume, generation, null,
                $"task {_task} {what} and may have left the volume behind", _context.Loop.Time.GetUtcNow())),
        ];
    }

    private IEnumerable<LedgerChange> LetGoOfAll(LedgerTables tables, string cause) => ObligationRules.LetGo(
        tables, tables.AttachmentsOf(_task.Value), cause, _context.Loop.Time.GetUtcNow(), _context.Ids.Next);

    private async Task FailAsync(HostItem item, IReadOnlyList<Condition> conditions, LedgerTransition? undo = null, string? lostSource = null)
    {
        await _context.Ledger.RecordAsync(tables =>
            [.. undo?.Invoke(tables) ?? [], new LedgerChange.PutTask(NewRow(item, TaskState.Failed) with { Conditions = conditions, LostSource = lostSource })]);
        LogFailed(item.Task!.GetType().Name, _task, item.Task.PoolName, item.Task.PoolId, string.Join(" ", conditions.Select(condition => condition.Text)));
    }

    private TaskRow NewRow(HostItem item, TaskState state) => new()
    {
        Task = _task, Generation = item.Generation, State = state, Since = _context.Loop.Time.GetUtcNow(),
    };

    [LoggerMessage(EventId = 1700, Level = LogLevel.Information, Message = "{Kind} {Task} on storage pool '{PoolName}' ({Pool}) is done: volume {Volume}, backend object {BackendName}")]
    private partial void LogDone(string kind, TaskId task, string poolName, PoolId pool, VolumeId volume, string backendName);

    [LoggerMessage(EventId = 1701, Level = LogLevel.Warning, Message = "{Kind} {Task} on storage pool '{PoolName}' ({Pool}) failed; what was done is undone or owed: {Reason}")]
    private partial void LogFailed(string kind, TaskId task, string poolName, PoolId pool, string reason);

    [LoggerMessage(EventId = 1702, Level = LogLevel.Information, Message = "Volume '{Label}' ({Volume}) is to be deleted from storage pool '{PoolName}' ({Pool}): obligation {Obligation}")]
    private partial void LogOwed(string label, VolumeId volume, string poolName, PoolId pool, ObligationId obligation);

    [LoggerMessage(EventId = 1705, Level = LogLevel.Information, Message = "Volume '{Label}' ({Volume}) on storage pool '{PoolName}' ({Pool}) is copied from volume {Source} by this host, because its backend does not clone it: {Reason}")]
    private partial void LogCopied(string label, VolumeId volume, string poolName, PoolId pool, VolumeId source, string reason);

    [LoggerMessage(EventId = 1703, Level = LogLevel.Warning, Message = "{Kind} {Obligation} of volume {Volume} on storage pool '{PoolName}', backend object {BackendName}, was written off by {By}: {Reason}")]
    private partial void LogForgotten(ObligationKind kind, ObligationId obligation, VolumeId volume, string poolName, string? backendName, string by, string reason);

    private abstract record Result
    {
        internal sealed record Done(VolumeInfo Volume) : Result;

        internal sealed record Failed(DriverError Error, bool MayExist, string? LostSource = null) : Result;
    }
}
