using Holdfast.Agent.Drivers;
using Holdfast.Agent.Ledger;
using Holdfast.Agent.Loop;
using Holdfast.Agent.Obligations;
using Holdfast.Core.Failpoints;
using Holdfast.Core.Ids;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Microsoft.Extensions.Logging;

namespace Holdfast.Agent.Inventory;

/// <summary>
/// Asks the driver of one binding, once it serves, what is really attached on this host, and brings the ledger in line. In the driver's own lane, with a
/// deadline, and nobody waits for it. A failure is told and asked again later; what is quarantined is looked at again now and then. Lives on the loop.
/// </summary>
internal sealed partial class InventoryKeeper
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan GuestsKnownPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)];
    private readonly AgentLoop _loop;
    private readonly AgentLedger _ledger;
    private readonly Binding _binding;
    private readonly ObligationExecutor _obligations;
    private readonly InventoryContext _context;
    private readonly Action _changed;
    private readonly ILogger _log;
    private readonly Signal _ended;
    private long _serving;
    private long _comparedOf;

    /// <summary>Makes a keeper; <see cref="Begin"/> begins asking.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="ledger">The ledger.</param>
    /// <param name="binding">The binding.</param>
    /// <param name="obligations">Works off what is owed to the binding.</param>
    /// <param name="context">What the host knows of its guests.</param>
    /// <param name="changed">Told when <see cref="Conditions"/> changed.</param>
    /// <param name="log">The log.</param>
    public InventoryKeeper(
        AgentLoop loop, AgentLedger ledger, Binding binding, ObligationExecutor obligations, InventoryContext context, Action changed, ILogger log)
    {
        (_loop, _ledger, _binding, _obligations, _context, _changed, _log) = (loop, ledger, binding, obligations, context, changed, log);
        _ended = new Signal(loop.Time);
    }

    /// <summary>Remarks about what was found, or about its not being told.</summary>
    public IReadOnlyList<Condition> Conditions { get; private set; } = [];

    /// <summary>A driver process serves: asks it.</summary>
    public void Begin()
    {
        var serving = ++_serving;
        _loop.Keep($"inventory {_binding.PoolName}", () => RunAsync(serving));
    }

    /// <summary>The driver process does not serve any more.</summary>
    public void End()
    {
        _serving++;
        Conditions = [];
        _ended.Set();
    }

    /// <summary>Rows that an inventory found and that nobody answers for become obligations: the pool is leaving this host.</summary>
    public Task AbandonAsync() => _ledger.RecordAsync(tables => ObligationRules.LetGo(
        tables, tables.Attachments.Values.Where(row => row.Pool == _binding.Pool && row.State == AttachmentState.Found).ToArray(),
        "found by inventory, and the storage pool was removed from this host", _loop.Time.GetUtcNow(), _context.Ids.Next));

    private async Task RunAsync(long serving)
    {
        var backoff = new Backoff(Pauses);
        while (_serving == serving)
        {
            if (!_context.GuestsAreKnown())
            {
                await _ended.WaitAsync(GuestsKnownPause, _loop.Stopping);
                continue;
            }

            var answer = await _binding.Lane.AskHostAsync(Deadline, (client, left, ends) => client.AttachmentsAsync(left, ends), _loop.Stopping);
            if (_serving != serving)
            {
                return;
            }

            TimeSpan pause;
            switch (answer)
            {
                case DriverAnswer<AttachmentList>.Ok { Value.Attachments: var listed }:
                    backoff.Reset();
                    if (await TakeAsync(listed))
                    {
                        return;
                    }

                    pause = LookAgainAfter;
                    break;
                case DriverAnswer<AttachmentList>.Failed { Error: var error }:
                    pause = backoff.Next();
                    var words = DriverErrorText.Describe(_binding.PoolName, error);
                    LogNotTold(_binding.PoolName, _binding.Pool, words, pause.TotalSeconds);
                    Show(
                    [
                        new Condition
                        {
                            Type = ConditionType.Failed, PoolId = _binding.Pool, Code = error.Code,
                            Text = $"The driver of storage pool '{_binding.PoolName}' does not tell what is attached on this host: {words}",
                        },
                    ]);
                    break;
                default:
                    throw new InvalidOperationException("The hierarchy is closed.");
            }

            await _ended.WaitAsync(pause, _loop.Stopping);
        }
    }

    /// <returns>Whether nothing is left to look at again.</returns>
    private async Task<bool> TakeAsync(IReadOnlyList<AttachmentInfo> listed)
    {
        var findings = Compare(_ledger.Tables, listed);
        if (findings.New.Count > 0)
        {
            // The row before the effect; a host that cannot write it owes nothing new and asks again.
            var written = await _ledger.CommitAsync(tables =>
            {
                findings = Compare(tables, listed);
                return findings.New.Select(row => new LedgerChange.PutAttachment(row));
            });
            if (written is WriteOutcome.Unwritable unwritable)
            {
                Show(
                [
                    new Condition
                    {
                        Type = ConditionType.LedgerUnwritable, PoolId = _binding.Pool,
                        Text = $"{findings.New.Count} attachments that nothing on this host names were found on storage pool '{_binding.PoolName}' and cannot be written down ({unwritable.Reason}).",
                    },
                ]);
                return false;
            }

            foreach (var row in findings.New)
            {
                LogFound(row.Volume, row.PoolName, row.Pool, row.BackendName, row.Mode, DiskAddress.Of(row.Source));
            }

            await _loop.Failpoints.PassAsync(Failpoint.InventoryRecorded, _loop.Stopping);
        }

        if (findings.Release.Count + findings.Vanished.Count > 0)
        {
            // Of what was found by then only what is still there, and still nobody's, when its turn comes.
            await _ledger.RecordAsync(tables =>
            {
                var still = Compare(tables, listed);
                return
                [
                    .. ObligationRules.LetGo(
                        tables, still.Release.Where(row => tables.Attachments.ContainsKey(row.Key)).ToArray(), "found by inventory", _loop.Time.GetUtcNow(), _context.Ids.Next),
                    .. still.Vanished.Where(row => tables.Attachments.ContainsKey(row.Key)).Select(row => new LedgerChange.DropAttachment(row.Key)),
                ];
            });
        }

        foreach (var gone in findings.Gone)
        {
            _obligations.RetryNow(gone);
        }

        var quarantined = findings.Quarantine.Select(one => new Condition
        {
            Type = ConditionType.Conflict,
            PoolId = _binding.Pool,
            Text = $"Volume {one.Row.Volume} of storage pool '{_binding.PoolName}' ({one.Row.BackendName}) is attached on this host, nothing here asked for it, and it is left as it is: {one.Why}.",
        }).ToArray();

        // It is looked at again as long as it is there, and told when that changes only.
        foreach (var ((row, why), _) in findings.Quarantine.Zip(quarantined).Where(pair => !Conditions.Contains(pair.Second)))
        {
            LogQuarantined(row.Volume, row.PoolName, row.Pool, row.BackendName, why);
        }

        if (findings.New.Count > 0 || !Conditions.SequenceEqual(quarantined) || _comparedOf != _serving)
        {
            _comparedOf = _serving;
            LogCompared(_binding.PoolName, _binding.Pool, listed.Count, findings.New.Count, findings.Release.Count, findings.Quarantine.Count);
        }

        Show(quarantined);
        return findings.Quarantine.Count == 0;
    }

    private InventoryFindings Compare(LedgerTables tables, IReadOnlyList<AttachmentInfo> listed) =>
        InventoryRules.Compare(tables, _binding.Pool, _binding.PoolName, _binding.Spec.Driver, listed, _context.GuestHolds);

    private void Show(IReadOnlyList<Condition> conditions)
    {
        if (!Conditions.SequenceEqual(conditions))
        {
            Conditions = conditions;
            _changed();
        }
    }

    [LoggerMessage(EventId = 1420, Level = LogLevel.Warning, Message = "Volume {Volume} of storage pool '{PoolName}' ({Pool}), backend object {BackendName}, is attached on this host for {Mode} at {Address}, and nothing here names it: it is written down")]
    private partial void LogFound(VolumeId volume, string poolName, PoolId pool, string? backendName, AttachMode mode, string? address);

    [LoggerMessage(EventId = 1421, Level = LogLevel.Warning, Message = "Volume {Volume} of storage pool '{PoolName}' ({Pool}), backend object {BackendName}, is quarantined: nobody here answers for it, and it is not released because {Reason}")]
    private partial void LogQuarantined(VolumeId volume, string poolName, PoolId pool, string? backendName, string reason);

    [LoggerMessage(EventId = 1422, Level = LogLevel.Warning, Message = "Storage pool '{PoolName}' ({Pool}) did not tell what is attached on this host: {Reason}. Asked again in {Seconds:0} s")]
    private partial void LogNotTold(string poolName, PoolId pool, string reason, double seconds);

    [LoggerMessage(EventId = 1423, Level = LogLevel.Information, Message = "Storage pool '{PoolName}' ({Pool}) has {Listed} attachments on this host; {Found} were not known, {Released} are released, {Quarantined} are quarantined")]
    private partial void LogCompared(string poolName, PoolId pool, int listed, int found, int released, int quarantined);
}

/// <summary>What an inventory needs to know of the host.</summary>
/// <param name="GuestsAreKnown">Whether the guests that run on this host are known: before, nothing is concluded.</param>
/// <param name="GuestHolds">Whether a guest on this host has the volume, as last seen.</param>
/// <param name="Ids">Makes ids.</param>
internal sealed record InventoryContext(Func<bool> GuestsAreKnown, Func<VolumeId, bool> GuestHolds, IIdSource Ids);
