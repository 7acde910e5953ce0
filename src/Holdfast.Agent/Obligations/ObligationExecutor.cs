using Holdfast.Agent.Drivers;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Obligations;

/// <summary>
/// Works off what is owed to one pool's backend, one call at a time, in that driver's own lane: at once, then with growing pauses, and at once again when the
/// backend comes back. Nobody waits for it but a removal, and that only for a moment.
/// </summary>
internal sealed partial class ObligationExecutor
{
    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1), TimeSpan.FromHours(4),
    ];

    private static readonly TimeSpan CredentialsPause = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ReleaseDeadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan DeleteDeadline = TimeSpan.FromSeconds(60);
    private readonly AgentLoop _loop;
    private readonly AgentLedger _ledger;
    private readonly Binding _binding;
    private readonly Func<bool> _mayBegin;
    private readonly ILogger _log;
    private readonly Signal _wake;
    private readonly Dictionary<ObligationId, Due> _due = [];
    private bool _isEnded;

    /// <summary>Makes an executor; <see cref="Start"/> starts it.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="ledger">The ledger.</param>
    /// <param name="binding">The binding.</param>
    /// <param name="mayBegin">Whether the guests of this host are known: before, nothing is released.</param>
    /// <param name="log">The log.</param>
    public ObligationExecutor(AgentLoop loop, AgentLedger ledger, Binding binding, Func<bool> mayBegin, ILogger log)
    {
        (_loop, _ledger, _binding, _mayBegin, _log) = (loop, ledger, binding, mayBegin, log);
        _wake = new Signal(loop.Time);
        binding.Circuit.ClosedAgain += RetryNow;
        ledger.Changed += changes =>
        {
            if (changes.Any(change => change is LedgerChange.PutObligation { Row: var row } && row.Pool == binding.Pool))
            {
                _wake.Set();
            }
        };
    }

    /// <summary>Starts the executor's job.</summary>
    public void Start() => _loop.Keep($"obligations {_binding.PoolName}", RunAsync);

    /// <summary>Ends it: the binding is gone.</summary>
    public void End()
    {
        _isEnded = true;
        _wake.Set();
    }

    /// <summary>Tries everything now.</summary>
    public void RetryNow()
    {
        foreach (var due in _due.Values)
        {
            due.At = _loop.Time.GetTimestamp();
        }

        _wake.Set();
    }

    /// <summary>Tries one obligation now.</summary>
    public void RetryNow(ObligationId id)
    {
        if (_due.TryGetValue(id, out var due))
        {
            due.At = _loop.Time.GetTimestamp();
        }

        _wake.Set();
    }

    /// <summary>Gives what is owed a short chance; returns as soon as nothing is, or the time is over.</summary>
    public async Task SettleWithinAsync(TimeSpan bound)
    {
        RetryNow();
        var began = _loop.Time.GetTimestamp();
        var changed = new Signal(_loop.Time);
        void OnChange(IReadOnlyList<LedgerChange> changes) => changed.Set();
        _ledger.Changed += OnChange;
        // What is still held counts too: a machine that is on its way out lets go of it in a moment.
        while ((_ledger.Tables.OwedTo(_binding.Pool).Count > 0 || _ledger.Tables.Attachments.Values.Any(held => held.Pool == _binding.Pool)) && _loop.Time.GetElapsedTime(began) is var passed && passed < bound)
        {
            await changed.WaitAsync(bound - passed, _loop.Stopping);
        }

        _ledger.Changed -= OnChange;
    }

    private async Task RunAsync()
    {
        while (!_isEnded && !_loop.Stopping.IsCancellationRequested)
        {
            var owed = _ledger.Tables.OwedTo(_binding.Pool);
            foreach (var gone in _due.Keys.Except(owed.Select(row => row.Id)).ToArray())
            {
                _due.Remove(gone);
            }

            var wait = Timeout.InfiniteTimeSpan;
            ObligationRow? next = null;
            if (_binding.TakesObligations && _mayBegin())
            {
                foreach (var row in owed.Where(row => !ObligationRules.MustWait(_ledger.Tables, row)))
                {
                    var left = Left(row.Id);
                    if (left <= TimeSpan.Zero)
                    {
                        next = row;
                        break;
                    }

                    wait = wait == Timeout.InfiniteTimeSpan || left < wait ? left : wait;
                }
            }
            else if (owed.Count > 0)
            {
                wait = TimeSpan.FromSeconds(1);
            }

            if (next is null)
            {
                await _wake.WaitAsync(wait, _loop.Stopping);
            }
            else
            {
                await TryAsync(next);
            }
        }
    }

    private async Task TryAsync(ObligationRow row)
    {
        await _loop.Failpoints.PassAsync(Failpoint.ObligationBefore, _loop.Stopping);
        DriverAnswer<DriverAck> answer;
        if (row.Kind == ObligationKind.DeleteVolume)
        {
            answer = await _binding.Lane.CallAsync(
                row.Volume, DeleteDeadline, despiteCircuit: false,
                (client, left, ends) => client.DeleteVolumeAsync(row.Volume, row.Generation, left, ends), _loop.Stopping);
        }
        else if (row.Kind == ObligationKind.ResumeIo)
        {
            // Whatever the control plane does: a driver may know a way on the host alone.
            answer = await _binding.Lane.CallAsync(
                row.Volume, ReleaseDeadline, despiteCircuit: true,
                (client, left, ends) => client.ResumeAsync(row.Volume, new ResumeRequest(row.Generation), left, ends), _loop.Stopping);
        }
        else
        {
            answer = await _binding.Lane.CallAsync(
                row.Volume, ReleaseDeadline, despiteCircuit: false,
                (client, left, ends) => client.ReleaseAsync(row.Volume, row.Mode, row.Generation, left, ends), _loop.Stopping);
        }

        // Another host may have made the volume anew since: then nothing is owed about it any more.
        var newer = row.Kind == ObligationKind.DeleteVolume && answer is DriverAnswer<DriverAck>.Failed { Error.Code: DriverErrorCode.Invalid } ? await NewerAsync(row) : null;
        await _loop.Failpoints.PassAsync(Failpoint.ObligationTried, _loop.Stopping);
        if (_ledger.Tables.Obligations.GetValueOrDefault(row.Id) is not { IsOpen: true } current)
        {
            // Made void, forgotten or orphaned meanwhile: that stands, whatever the backend said.
            return;
        }

        switch (answer)
        {
            case DriverAnswer<DriverAck>.Ok:
            case DriverAnswer<DriverAck>.Failed { Error.Code: DriverErrorCode.NotFound }:
                await RecordAsync(row.Id, static (tables, tried) => ObligationRules.Settle(tables, tried));
                LogSettled(current.Kind, current.Id, current.PoolName, current.Pool, current.Volume, current.Tries + 1);
                break;
            case DriverAnswer<DriverAck>.Failed when newer is { } generation:
                await RecordAsync(row.Id, (tables, tried) => ObligationRules.Supersede(tables, tried, generation));
                LogSuperseded(current.Kind, current.Id, current.PoolName, current.Pool, current.Volume, generation);
                break;
            case DriverAnswer<DriverAck>.Failed failed:
                var words = DriverErrorText.Describe(current.PoolName, failed.Error);
                var pause = Later(current, failed.Error.Code);
                var nextTry = _loop.Time.GetUtcNow() + pause;
                await RecordAsync(row.Id, (_, tried) => [new LedgerChange.PutObligation(tried with { LastError = words, NextTryAt = nextTry })]);
                LogOwed(current.PoolName, current.Pool, current.Kind, current.Id, current.Volume, current.BackendName, words, pause.TotalSeconds);
                break;
        }
    }

    // What was made void, forgotten or orphaned before its turn at the ledger stands, too.
    private Task RecordAsync(ObligationId id, Func<LedgerTables, ObligationRow, IEnumerable<LedgerChange>> outcome) => _ledger.RecordAsync(tables =>
        tables.Obligations.GetValueOrDefault(id) is { IsOpen: true } row ? outcome(tables, row with { Tries = row.Tries + 1 }) : []);

    private async Task<Generation?> NewerAsync(ObligationRow row)
    {
        var answer = await _binding.Lane.CallAsync(
            row.Volume, ReleaseDeadline, despiteCircuit: false, (client, left, ends) => client.GetVolumeAsync(row.Volume, left, ends), _loop.Stopping);
        return answer is DriverAnswer<VolumeReply>.Ok { Value.Volume.Generation: var present } && present > row.Generation ? present : null;
    }

    private TimeSpan Left(ObligationId id)
    {
        if (!_due.TryGetValue(id, out var due))
        {
            due = new Due { At = _loop.Time.GetTimestamp() };
            _due[id] = due;
        }

        return _loop.Time.GetElapsedTime(_loop.Time.GetTimestamp(), due.At);
    }

    private TimeSpan Later(ObligationRow row, DriverErrorCode code)
    {
        if (!_due.TryGetValue(row.Id, out var due))
        {
            due = new Due();
            _due[row.Id] = due;
        }

        // A guest waits for it.
        var pause = row.Kind == ObligationKind.ResumeIo ? Pauses[0] : due.Backoff.Next();
        if (code == DriverErrorCode.Credentials && pause < CredentialsPause)
        {
            pause = CredentialsPause;
        }

        due.At = _loop.Time.GetTimestamp() + (long)(pause.TotalSeconds * _loop.Time.TimestampFrequency);
        return pause;
    }

    [LoggerMessage(EventId = 1500, Level = LogLevel.Information, Message = "Settled {Kind} {Obligation} with storage pool '{PoolName}' ({Pool}): volume {Volume}, try {Tries}")]
    private partial void LogSettled(ObligationKind kind, ObligationId obligation, string poolName, PoolId pool, VolumeId volume, int tries);

    [LoggerMessage(EventId = 1501, Level = LogLevel.Warning, Message = "Storage pool '{PoolName}' ({Pool}) is still owed {Kind} {Obligation}: volume {Volume}, backend object {BackendName}. {Reason}. Next try in {Seconds:0} s, or when the backend is back")]
    private partial void LogOwed(string poolName, PoolId pool, ObligationKind kind, ObligationId obligation, VolumeId volume, string? backendName, string reason, double seconds);

    [LoggerMessage(EventId = 1502, Level = LogLevel.Information, Message = "{Kind} {Obligation} with storage pool '{PoolName}' ({Pool}) is void: volume {Volume} was made anew with generation {Generation}")]
    private partial void LogSuperseded(ObligationKind kind, ObligationId obligation, string poolName, PoolId pool, VolumeId volume, Generation generation);

    private sealed class Due
    {
        public long At { get; set; }

        public Backoff Backoff { get; } = new(Pauses);
    }
}
