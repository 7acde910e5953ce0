using Holdfast.Agent.Drivers;
using Holdfast.Agent.Inventory;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Core.Waits;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Bindings;

/// <summary>
/// Owns the driver process of one binding: starts it, watches it, replaces it when it ends or hangs, and ends it when the pool is put in maintenance or removed.
/// One job on the loop per binding; a binding that is removed ends its job.
/// </summary>
internal sealed partial class BindingSupervisor : IDisposable
{
    private static readonly TimeSpan Handshake = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PollDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan ProbeDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CheckMissingEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SettleChance = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan[] Pauses =
        [TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30)];

    private const int MissesThatMeanHung = 2;
    private readonly AgentLoop _loop;
    private readonly AgentLedger _ledger;
    private readonly IDriverLauncher _launcher;
    private readonly ObligationExecutor _obligations;
    private readonly InventoryKeeper _inventory;
    private readonly Func<Guid> _newId;
    private readonly Action<PoolId> _changed;
    private readonly ILogger _log;
    private readonly Signal _wake;
    private readonly Backoff _backoff = new(Pauses);
    private CancellationTokenSource _interrupt = new();
    private IDriverProcess? _process;
    private DriverInfo? _info;
    private Generation _servedGeneration;
    private bool _isSilent;
    private bool _probeSoon;

    /// <summary>The process that a removal ended, and how; a removal that has to wait, for a full disk say, tells of it when it is done.</summary>
    private (int Pid, string How)? _removed;

    /// <summary>Makes a supervisor; <see cref="Start"/> starts it.</summary>
    public BindingSupervisor(
        AgentLoop loop,
        AgentLedger ledger,
        IDriverLauncher launcher,
        Binding binding,
        ObligationExecutor obligations,
        InventoryContext inventory,
        Action<PoolId> changed,
        ILogger log)
    {
        (_loop, _ledger, _launcher, Binding, _obligations, _changed, _log) = (loop, ledger, launcher, binding, obligations, changed, log);
        _newId = inventory.Ids.Next;
        _inventory = new InventoryKeeper(loop, ledger, binding, obligations, inventory, ShowRemarks, log);
        _upgrade = new DriverUpgrade(loop.Time);
        _wake = new Signal(loop.Time);
        Binding.Lane.Silent += () =>
        {
            _isSilent = true;
            _wake.Set();
        };
        Binding.Lane.Unreached += () =>
        {
            _probeSoon = true;
            _wake.Set();
        };
    }

    /// <summary>The binding.</summary>
    public Binding Binding { get; }

    /// <summary>Whether the binding is confirmed gone and this supervisor is done.</summary>
    public bool IsDone { get; private set; }

    private ItemRow Row => _ledger.Tables.Item(ItemKind.Binding, Binding.Pool.Value) ?? throw new InvalidOperationException("A binding without an item.");

    private Desired Desired => Row.Item.Desired;

    /// <summary>Starts the supervisor's job.</summary>
    public void Start() => _loop.Keep($"binding {Binding.PoolName}", RunAsync);

    /// <summary>Whether drivers may be started already; it is poked when that changes.</summary>
    public Func<bool> MayLaunch { get; init; } = static () => true;

    /// <summary>Tells it that its item has changed.</summary>
    public void Poke()
    {
        if (Desired != Desired.Attached)
        {
            _interrupt.Cancel();
        }

        _wake.Set();
    }

    /// <summary>Ends the driver because the agent ends. Its guests' disks stay as they are.</summary>
    public async Task EndAsync()
    {
        if (_process is { } process)
        {
            await ProcessEnding.EndAsync(process, isHung: false, _loop.Time);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _interrupt.Dispose();

    private async Task RunAsync()
    {
        if (IsDone)
        {
            await _inventory.AbandonAsync();
            return;
        }

        if (_process is not null)
        {
            // Begun again after a bug: nobody knows what the process was in the middle of.
            Lost($"The driver of storage pool '{Binding.PoolName}' is started anew after an unexpected error of the agent.");
            await EndProcessAsync(isHung: true);
        }

        await ReapAsync();
        while (!_loop.Stopping.IsCancellationRequested)
        {
            Rearm();
            switch (Desired)
            {
                case Desired.Absent:
                    if (await RemoveAsync())
                    {
                        // Before anything else can happen: should the pool be wanted again, it needs another supervisor.
                        IsDone = true;
                        await _inventory.AbandonAsync();
                        return;
                    }

                    break;
                case Desired.Quiesced:
                    await QuiesceAsync();
                    break;
                default:
                    await AttachAsync();
                    break;
            }
        }
    }

    private async Task ReapAsync()
    {
        while (true)
        {
            switch (await _launcher.ReapAsync(Binding.Pool, TimeSpan.FromSeconds(5)))
            {
                case ReapOutcome.Gone { Pid: { } pid }:
                    LogReaped(Binding.PoolName, Binding.Pool, pid);
                    return;
                case ReapOutcome.Gone:
                    return;
                case ReapOutcome.Stuck stuck:
                    ShowStuck(stuck.Pid);
                    await _wake.WaitAsync(PollDeadline, _loop.Stopping);
                    break;
            }
        }
    }

    private async Task AttachAsync()
    {
        Binding.Spec = Row.Item.Binding ?? Binding.Spec;
        Show(BindingState.Starting);
        if (!MayLaunch())
        {
            await _wake.WaitAsync(Timeout.InfiniteTimeSpan, _loop.Stopping);
            return;
        }

        var generation = Row.Item.Generation;
        var installation = _launcher.Installation(Binding.Spec.Driver);
        if (installation.Build is not { } installed)
        {
            Down(
                installation.Wrong is { } wrong
                    ? $"The driver of storage pool '{Binding.PoolName}', {installation.Path}, cannot be used: {wrong}"
                    : $"The driver of storage pool '{Binding.PoolName}' is not installed on this host: there is no {installation.Path}.",
                ConditionType.DriverMissing);
            await _wake.WaitAsync(CheckMissingEvery, _loop.Stopping);
            return;
        }

        _build = _upgrade.Choose(installed, _launcher.Proven(Binding.Pool), generation);
        string reason;
        DriverErrorCode? code = null;
        ConditionType type;
        switch (await _launcher.LaunchAsync(Binding.Spec, generation, _build, Handshake, _interrupt.Token))
        {
            case LaunchOutcome.Ready ready:
                (_process, _info, _servedGeneration) = (ready.Process, ready.Info, generation);
                if (_build == installed)
                {
                    _upgrade.Forgive();
                }

                await _loop.Failpoints.PassAsync(Failpoint.DriverLaunched, _loop.Stopping);
                await ServeAsync();
                return;
            case LaunchOutcome.Refused refused:
                (reason, code, type) = (DriverErrorText.Describe(Binding.PoolName, refused.Error), refused.Error.Code, ConditionType.Failed);
                break;
            case LaunchOutcome.Failed failed:
                if (failed.Process is { } process)
                {
                    _process = process;
                    await EndProcessAsync(isHung: true);
                }

                (reason, type) = (failed.Reason, failed.IsLate ? ConditionType.DriverRestarting : ConditionType.DriverNotStarting);
                break;
            default:
                throw new InvalidOperationException("The hierarchy is closed.");
        }

        if (_interrupt.IsCancellationRequested)
        {
            // Nobody wants it any more, which is no failure.
            return;
        }

        if (_build == installed && CanGoBack)
        {
            Reject(_build, generation, $"does not start: {reason}", isLasting: code is not null);
            return;
        }

        // Next time the installed one again, when it was the one before it that failed.
        _upgrade.Forgive();
        Down(
            code is null ? $"The driver of storage pool '{Binding.PoolName}' does not start: {reason}" : reason,
            type,
            code);
        await PauseAsync();
    }

    private async Task ServeAsync()
    {
        var process = _process!;
        var began = _loop.Time.GetTimestamp();
        _removed = null;
        LogServing(_info!.Driver, _info.Version, Binding.PoolName, Binding.Pool, _servedGeneration, process.Pid);
        _isSilent = false;
        _probeSoon = true;
        Binding.Lane.Open(process.Client);
        Binding.Circuit.Serving();
        Show(BindingState.Starting);
        Binding.Settle();
        _inventory.Begin();
        _ = process.Ended.ContinueWith(
            _ => _wake.Set(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
        var misses = 0;
        var isStable = false;
        string? failure = null;
        var lastProbe = _looked = began;
        var spec = Binding.Spec;
        while (true)
        {
            if (process.Ended.IsCompleted)
            {
                var how = await process.Ended;
                Lost($"The driver of storage pool '{Binding.PoolName}' ended unexpectedly ({how}).");
                LogEnded(Binding.PoolName, Binding.Pool, process.Pid, how);
                process.Dispose();
                _process = null;
                failure = $"ended soon after it was started ({how})";
                break;
            }

            if (Desired != Desired.Attached)
            {
                return;
            }

            Rearm();
            if (Row.Item.Generation != _servedGeneration && !SameSpec(spec, Row.Item.Binding!))
            {
                LogReconfigured(Binding.PoolName, Binding.Pool, process.Pid, Row.Item.Generation);
                await GiveUpPlaceAsync($"The driver of storage pool '{Binding.PoolName}' is being started with its new configuration.");
                return;
            }

            if (misses == 0 && await IsToBeReplacedAsync())
            {
                LogReplaced(Binding.PoolName, Binding.Pool, process.Pid);
                await GiveUpPlaceAsync($"The driver of storage pool '{Binding.PoolName}' is being replaced by the one that is installed now.");
                return;
            }

            var isTripped = Binding.Circuit.Verdict is CircuitVerdict.Open;
            var probes = _probeSoon || (isTripped && _loop.Time.GetElapsedTime(lastProbe) >= ProbeEvery);
            DriverAnswer<PoolStatus> answer;
            if (probes && !_isSilent)
            {
                _probeSoon = false;
                lastProbe = _loop.Time.GetTimestamp();
                answer = await AskAsync(process.Client.ProbeAsync, ProbeDeadline);
            }
            else
            {
                answer = await AskAsync(process.Client.StatusAsync, PollDeadline);
            }

            switch (answer)
            {
                case DriverAnswer<PoolStatus>.Ok ok:
                    misses = 0;
                    _isSilent = false;
                    Binding.Circuit.Health(ok.Value, isFresh: probes);
                    await LookAtWaitingAsync(ok.Value.Waiting);
                    ShowHealth(ok.Value);
                    break;
                case DriverAnswer<PoolStatus>.Failed { IsSilent: true } when !process.Ended.IsCompleted:
                    misses++;
                    break;
            }

            if (misses >= MissesThatMeanHung)
            {
                Lost($"The driver of storage pool '{Binding.PoolName}' hung and was killed.");
                LogHung(Binding.PoolName, Binding.Pool, process.Pid, PollDeadline.TotalSeconds * misses);
                await EndProcessAsync(isHung: true);
                failure = "hung soon after it was started";
                break;
            }

            if (!isStable && _loop.Time.GetElapsedTime(began) > StableAfter)
            {
                isStable = true;
                _backoff.Reset();
                ProveBuild();
            }

            if (misses == 0)
            {
                await _wake.WaitAsync(PollEvery, _loop.Stopping);
            }
        }

        if (!isStable && CanGoBack)
        {
            Reject(_build, _servedGeneration, failure!, isLasting: true);
            return;
        }

        await PauseAsync();
    }

    // Calls at the driver are let come to their end for a moment; new ones wait for the next process.
    private async Task GiveUpPlaceAsync(string reason)
    {
        Binding.Unsettle();
        await WaitForIdleLaneAsync();
        Lost(reason);
        await EndProcessAsync(isHung: false);
        _backoff.Reset();
    }

    private async Task<DriverAnswer<PoolStatus>> AskAsync(Func<TimeSpan, CancellationToken, Task<DriverAnswer<PoolStatus>>> ask, TimeSpan deadline)
    {
        // A margin over what the driver was told, so that its own answer about a slow backend is not taken for its own silence.
        using var bound = new CancellationTokenSource(deadline + TimeSpan.FromSeconds(2), _loop.Time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, _interrupt.Token);
        try
        {
            return await ask(deadline, ends.Token);
        }
        catch (OperationCanceledException)
        {
            return new DriverAnswer<PoolStatus>.Failed(
                new DriverError { Code = DriverErrorCode.Unknown, Text = "no answer" }, IsSilent: !_interrupt.IsCancellationRequested);
        }
    }

    private async Task QuiesceAsync()
    {
        Binding.Spec = Row.Item.Binding ?? Binding.Spec;
        Show(BindingState.Draining);
        await WaitForIdleLaneAsync();
        var why = $"Storage pool '{Binding.PoolName}' is in maintenance on this host.";
        Lost(why);
        if (_process is { } process)
        {
            var began = _loop.Time.GetTimestamp();
            var pid = process.Pid;
            var how = await EndProcessAsync(isHung: false);
            LogQuiesced(Binding.PoolName, Binding.Pool, Row.Item.Generation, pid, how, _loop.Time.GetElapsedTime(began).TotalSeconds);
        }

        await EndStuckTrialAsync();
        if (Desired == Desired.Quiesced)
        {
            Show(BindingState.Quiesced);
            Binding.Settle();
            await _wake.WaitAsync(Timeout.InfiniteTimeSpan, _loop.Stopping);
            Binding.Unsettle();
        }
    }

    private async Task<bool> RemoveAsync()
    {
        var began = _loop.Time.GetTimestamp();
        Show(BindingState.Draining);
        Binding.Settle();
        if (_process is not null && Binding.Circuit.Verdict is CircuitVerdict.Closed)
        {
            await _obligations.SettleWithinAsync(SettleChance);
        }

        await WaitForIdleLaneAsync();
        Lost($"Storage pool '{Binding.PoolName}' is being removed from this host.");
        if (_process is { } process)
        {
            var pid = process.Pid;
            _removed = (pid, await EndProcessAsync(isHung: _isSilent));
        }

        var how = _removed is { } ended ? $"process {ended.Pid} ended, {ended.How}" : "no driver was running";
        await EndStuckTrialAsync();
        await _loop.Failpoints.PassAsync(Failpoint.DriverEnded, _loop.Stopping);

        if (_launcher.RemoveFolders(Binding.Pool) is { } obstacle)
        {
            LogFoldersStay(Binding.PoolName, Binding.Pool, obstacle);
            Show(BindingState.Draining, new Condition
            {
                Type = ConditionType.Failed, PoolId = Binding.Pool, Text = $"The folder of storage pool '{Binding.PoolName}' cannot be removed: {obstacle}",
            });
            await _wake.WaitAsync(PollDeadline, _loop.Stopping);
            return false;
        }

        await _loop.Failpoints.PassAsync(Failpoint.BindingCleared, _loop.Stopping);
        if (Desired != Desired.Absent)
        {
            return false;
        }

        var took = _loop.Time.GetElapsedTime(began);
        var generation = Row.Item.Generation;
        var isGone = false;
        IReadOnlyList<ObligationRow> orphans = [];

        // On disk before anybody is told: an agent that starts from an older ledger would start the driver of a pool that is confirmed gone.
        var written = await _ledger.CommitAsync(tables =>
        {
            isGone = tables.Item(ItemKind.Binding, Binding.Pool.Value) is { Item: { Desired: Desired.Absent } item } && item.Generation == generation;
            orphans = tables.OwedTo(Binding.Pool);
            var unload = $"generation {generation}: {how}; socket and state folder are gone; {orphans.Count} obligations orphaned; took {took.TotalSeconds:0.0} s";
            return !isGone ? [] :
            [
                .. ObligationRules.Orphan(tables, orphans, "its storage pool was removed from this host before it could be settled"),
                new LedgerChange.PutBinding(new BindingRow { Pool = Binding.Pool, Generation = generation, Since = _loop.Time.GetUtcNow(), Unload = unload }),
            ];
        });
        if (written is WriteOutcome.Unwritable unwritable)
        {
            Show(BindingState.Draining, new Condition
            {
                Type = ConditionType.LedgerUnwritable,
                PoolId = Binding.Pool,
                Text = $"Storage pool '{Binding.PoolName}' is gone from this host, which cannot be written down: {unwritable.Reason}",
            });
            await _wake.WaitAsync(PollDeadline, _loop.Stopping);
            return false;
        }

        if (!isGone)
        {
            // Another wish came first.
            return false;
        }

        foreach (var orphan in orphans)
        {
            LogOrphaned(Binding.PoolName, Binding.Pool, orphan.Kind, orphan.Id, orphan.Volume, orphan.BackendName, orphan.LastError);
        }

        Binding.View = Binding.View with { State = BindingState.Absent, Since = _loop.Time.GetUtcNow(), Pid = null, Conditions = [] };
        LogUnloaded(Binding.PoolName, Binding.Pool, generation, how, took.TotalSeconds, orphans.Count);
        _changed(Binding.Pool);
        return true;
    }

    private async Task WaitForIdleLaneAsync()
    {
        if (Binding.Lane.IsIdle || _process is null || Binding.Circuit.Verdict is CircuitVerdict.Open)
        {
            return;
        }

        var idle = new Signal(_loop.Time);
        void OnIdle() => idle.Set();
        Binding.Lane.Idle += OnIdle;
        await idle.WaitAsync(SettleChance, _loop.Stopping);
        Binding.Lane.Idle -= OnIdle;
    }

    /// <summary>Ends the process. One that cannot be ended is shown as stuck until it is gone: no second one is started while the first may still act.</summary>
    private async Task<string> EndProcessAsync(bool isHung)
    {
        var how = await EndAsync(_process!, isHung);
        _process = null;
        return how;
    }

    private async Task EndStuckTrialAsync()
    {
        if (_stuckTrial is { } trial)
        {
            await EndAsync(trial, isHung: true);
            _stuckTrial = null;
        }
    }

    private async Task<string> EndAsync(IDriverProcess process, bool isHung)
    {
        var how = await ProcessEnding.EndAsync(process, isHung, _loop.Time);
        if (how is null)
        {
            LogStuck(Binding.PoolName, Binding.Pool, process.Pid);
            while (how is null)
            {
                ShowStuck(process.Pid);
                await process.Ended.AtMostAsync(PollDeadline, _loop.Time, _loop.Stopping);
                how = process.Ended.IsCompleted ? "it ended long after it was killed" : await ProcessEnding.EndAsync(process, isHung: true, _loop.Time);
            }
        }

        process.Dispose();
        return how;
    }

    /// <summary>Makes waits interruptible again after an interruption was seen to.</summary>
    private void Rearm()
    {
        if (_interrupt.IsCancellationRequested)
        {
            _interrupt.Dispose();
            _interrupt = new CancellationTokenSource();
        }
    }

    private async Task PauseAsync()
    {
        var end = _backoff.Next();
        var began = _loop.Time.GetTimestamp();
        while (Desired == Desired.Attached && _loop.Time.GetElapsedTime(began) is var passed && passed < end)
        {
            var generation = Row.Item.Generation;
            await _wake.WaitAsync(end - passed, _loop.Stopping);
            if (Row.Item.Generation != generation)
            {
                return;
            }
        }
    }

    private void Lost(string reason)
    {
        _inventory.End();
        ForgetWaiting();
        Binding.Circuit.NotServing(reason);
        Binding.Lane.Close(reason);
        if (Desired == Desired.Attached)
        {
            Show(BindingState.Degraded, new Condition { Type = ConditionType.DriverRestarting, PoolId = Binding.Pool, Text = reason });
        }
    }

    private void Down(string text, ConditionType type, DriverErrorCode? code = null)
    {
        LogDown(Binding.PoolName, Binding.Pool, text);
        Binding.Circuit.NotServing(text);
        Binding.Lane.Close(text);
        Show(BindingState.Degraded, new Condition { Type = type, PoolId = Binding.Pool, Text = text, Code = code });
        Binding.Settle();
    }

    private void ShowStuck(int pid)
    {
        var text = $"The driver process {pid} of storage pool '{Binding.PoolName}' cannot be killed.";
        Binding.Circuit.NotServing(text);
        Binding.Lane.Close(text);
        Show(
            Desired == Desired.Attached ? BindingState.Degraded : BindingState.Draining,
            new Condition { Type = ConditionType.DriverStuck, PoolId = Binding.Pool, Text = text });
        Binding.Settle();
    }

    private void ShowHealth(PoolStatus status)
    {
        var isDown = status.ControlPlane == PlaneHealth.Down || status.DataPlane == PlaneHealth.Down;
        var words = status.Error is { } error ? DriverErrorText.Describe(Binding.PoolName, error) : $"Storage pool '{Binding.PoolName}' does not answer.";
        Condition[] conditions =
        [
            .. isDown ? [new Condition { Type = ConditionType.BackendUnhealthy, PoolId = Binding.Pool, Text = words, Code = status.Error?.Code }] : Array.Empty<Condition>(),
            .. _waitConditions,
            .. _inventory.Conditions,
            .. UpgradeConditions,
        ];
        if (isDown && !Binding.View.Conditions.Any(condition => condition.Type == ConditionType.BackendUnhealthy))
        {
            LogUnhealthy(Binding.PoolName, Binding.Pool, words);
        }
        else if (!isDown && Binding.View.Conditions.Any(condition => condition.Type == ConditionType.BackendUnhealthy))
        {
            LogHealthy(Binding.PoolName, Binding.Pool);
        }

        // What a driver can do follows its backend, which may be changed under it: each status says it anew.
        _info = _info! with { Capabilities = status.Capabilities ?? _info.Capabilities };
        status = status with { Capabilities = null };
        var (old, state) = (Binding.View, isDown ? BindingState.Degraded : BindingState.Attached);
        Binding.View = old with
        {
            State = state,
            Since = state == old.State ? old.Since : _loop.Time.GetUtcNow(),
            Status = status,
            Capabilities = _info.Capabilities,
            Conditions = conditions,
        };
        var isNews = state != old.State || _info.Capabilities != old.Capabilities || !conditions.SequenceEqual(old.Conditions) || old.Status is null
            || (status with { AsOf = default, Capacity = null, Waiting = [] }) != (old.Status with { AsOf = default, Capacity = null, Waiting = [] })
            || status.Capacity?.TotalBytes != old.Status.Capacity?.TotalBytes || status.Capacity?.UsedBytes != old.Status.Capacity?.UsedBytes;
        if (isNews)
        {
            _changed(Binding.Pool);
        }
    }

    /// <summary>Shows what the inventory found, and why another build does not serve, beside the health that was shown last.</summary>
    private void ShowRemarks()
    {
        if (Binding.View is { State: BindingState.Attached or BindingState.Degraded, Status: not null } view)
        {
            Binding.View = view with
            {
                Conditions = [.. view.Conditions.Where(condition => condition.Type == ConditionType.BackendUnhealthy), .. _waitConditions, .. _inventory.Conditions, .. UpgradeConditions],
            };
            _changed(Binding.Pool);
        }
    }

    private void Show(BindingState state, params Condition[] conditions)
    {
        var old = Binding.View;
        Binding.View = old with
        {
            State = state,
            Since = state == old.State ? old.Since : _loop.Time.GetUtcNow(),
            Pid = _process?.Pid,
            Version = _info?.Version,
            Capabilities = _info?.Capabilities,
            Conditions = conditions,
        };
        _changed(Binding.Pool);
    }

    private static bool SameSpec(BindingSpec left, BindingSpec right) =>
        left.Driver == right.Driver && left.PoolName == right.PoolName && Same(left.Config, right.Config) && Same(left.Secrets, right.Secrets);

    private static bool Same<T>(IReadOnlyDictionary<string, T> left, IReadOnlyDictionary<string, T> right) =>
        left.Count == right.Count && left.All(pair => right.TryGetValue(pair.Key, out var other) && EqualityComparer<T>.Default.Equals(pair.Value, other));
}
