using Holdfast.Agent.Drivers;
using Holdfast.Agent.Hypervisor;
using Holdfast.Agent.Ledger;
using Holdfast.Core.Failpoints;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;

namespace Holdfast.Agent.Machines;

// Ending a guest whose killed process waits in the kernel for storage: its I/O is of no use to anybody any more and is made to fail, where a driver can.
internal sealed partial class MachineRunner
{
    private static readonly TimeSpan CutDeadline = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan CutPatience = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan EndsAfterCut = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan LookWhileCutting = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Ends the guest. When its process survives SIGKILL, I/O of all its attachments is cut off, each in its own pool's lane, and nobody waits for one that hangs:
    /// the process is looked at meanwhile.
    /// </summary>
    /// <returns>How it went; and, for a process that is still there, what it waits for.</returns>
    private async Task<(DestroyOutcome Outcome, IReadOnlyList<Condition> Waits)> EndGuestAsync()
    {
        // One that was told before was killed long ago; it is cut again at once.
        var outcome = await _context.Hypervisor.DestroyAsync(_machine, _isStuck ? TimeSpan.Zero : DestroyBound, _context.Loop.Stopping);
        _isStuck = outcome is DestroyOutcome.Uninterruptible;
        if (!_isStuck)
        {
            return (outcome, []);
        }

        var rows = _context.Ledger.Tables.AttachmentsOf(_machine.Value);
        if (await MarkCutAsync(rows) is { } unwritable)
        {
            return (outcome, [unwritable]);
        }

        await _context.Loop.Failpoints.PassAsync(Failpoint.CutRecorded, _context.Loop.Stopping);
        var cuts = rows.Select(row => new Cut(row)).ToArray();
        var began = _context.Loop.Time.GetTimestamp();
        foreach (var cut in cuts)
        {
            _context.Loop.Spawn($"cut {cut.Row.Volume}", () => CutAsync(cut));
        }

        foreach (var ofOnePool in cuts.GroupBy(cut => cut.Row.Pool))
        {
            _context.Loop.Spawn($"why pool {ofOnePool.Key} waits", () => AskWhyAsync([.. ofOnePool]));
        }

        while (true)
        {
            outcome = await _context.Hypervisor.DestroyAsync(_machine, LookWhileCutting, _context.Loop.Stopping);
            var passed = _context.Loop.Time.GetElapsedTime(began);
            var isAnswered = cuts.All(cut => cut.IsAnswered) || passed >= CutPatience;
            var mayEnd = cuts.Any(cut => cut.DoneAt is { } done && _context.Loop.Time.GetElapsedTime(done) < EndsAfterCut);
            if (outcome is not DestroyOutcome.Uninterruptible stuck)
            {
                _isStuck = false;
                return (outcome, []);
            }

            if (isAnswered && !mayEnd)
            {
                return (outcome, [.. Waits(stuck, cuts)]);
            }
        }
    }

    /// <summary>The rows before the effect. A driver that says that it cannot cut has none: it is asked only for its words.</summary>
    /// <returns>Why nothing may be cut; null when all is written.</returns>
    private async Task<Condition?> MarkCutAsync(IReadOnlyList<AttachmentRow> rows)
    {
        var guest = (_seen as Observation.Present)?.Domain.Generation ?? ItemRow!.Item.Generation;
        var unmarked = rows.Where(row => row.Cut is null && CanCut(row)).ToArray();
        if (unmarked.Length == 0)
        {
            return null;
        }

        var written = await _context.Ledger.CommitAsync([.. unmarked.Select(row => new LedgerChange.PutAttachment(row with { Cut = new AttachmentCut(guest, IsConfirmed: false) }))]);
        return written is not WriteOutcome.Unwritable unwritable ? null : new Condition
        {
            Type = ConditionType.Uninterruptible,
            PoolId = unmarked[0].Pool,
            VolumeId = unmarked[0].Volume,
            Text = $"QEMU of machine '{Name}' cannot be killed, and the I/O of volume {unmarked[0].Volume} on storage pool '{unmarked[0].PoolName}' is not cut off, "
                + $"because this host's ledger cannot be written ({unwritable.Reason}). It may still write: its volumes stay leased to this host.",
        };
    }

    private bool CanCut(AttachmentRow row) => _context.Bindings.Find(row.Pool) is { View.Capabilities: not { CanCut: false } };

    private async Task CutAsync(Cut cut)
    {
        var request = new CutRequest(cut.Row.Generation);
        var answer = await AskAtOnceAsync(cut.Row, (client, left, ends) => client.CutAsync(cut.Row.Volume, request, left, ends));
        await _context.Loop.Failpoints.PassAsync(Failpoint.CutAsked, _context.Loop.Stopping);
        if (answer is DriverAnswer<DriverAck>.Failed failed)
        {
            cut.Refusal = failed.Error;
            LogNotCut(Name, _machine, cut.Row.Volume, cut.Row.PoolName, cut.Row.Pool, failed.Error.Code, DriverErrorText.Describe(cut.Row.PoolName, failed.Error));
        }
        else
        {
            cut.DoneAt = _context.Loop.Time.GetTimestamp();
            LogCut(Name, _machine, cut.Row.Volume, cut.Row.PoolName, cut.Row.Pool);
            await _context.Ledger.RecordAsync(tables => tables.Attachments.GetValueOrDefault(cut.Row.Key) is { Cut: { IsConfirmed: false } mark } row
                ? [new LedgerChange.PutAttachment(row with { Cut = mark with { IsConfirmed = true } })]
                : []);
        }
    }

    private async Task AskWhyAsync(IReadOnlyList<Cut> cuts)
    {
        var answer = await AskAtOnceAsync(cuts[0].Row, (client, left, ends) => client.AttachmentsAsync(left, ends));
        if (answer is DriverAnswer<AttachmentList>.Ok { Value.Attachments: var listed })
        {
            foreach (var cut in cuts)
            {
                cut.Waiting = listed.FirstOrDefault(info => info.VolumeId == cut.Row.Volume && (info.Mode ?? cut.Row.Mode) == cut.Row.Mode)?.Waiting;
            }
        }
    }

    private Task<DriverAnswer<T>> AskAtOnceAsync<T>(AttachmentRow row, Func<IDriverClient, TimeSpan, CancellationToken, Task<DriverAnswer<T>>> call) =>
        _context.Bindings.Find(row.Pool) is { } binding
            ? binding.Lane.AskAtOnceAsync(CutDeadline, call, _context.Loop.Stopping)
            : Task.FromResult<DriverAnswer<T>>(new DriverAnswer<T>.Failed(
                new DriverError { Code = DriverErrorCode.NotFound, Text = $"Storage pool '{row.PoolName}' is not on this host." }));

    /// <summary>What a process that cannot be killed waits for: the volumes that are said to wait, or that could not be cut off; all of them when that tells nothing.</summary>
    private IEnumerable<Condition> Waits(DestroyOutcome.Uninterruptible stuck, IReadOnlyList<Cut> cuts)
    {
        var suspects = cuts.Where(cut => cut.Waiting is not null || cut.DoneAt is null).ToArray();
        var named = suspects.Length > 0 ? suspects : cuts;
        var process = $"QEMU process {stuck.ProcessId} of machine '{Name}' cannot be killed ({stuck.Detail})";
        if (named.Count == 0)
        {
            yield return new Condition { Type = ConditionType.Uninterruptible, Text = $"{process}. It may still write: its volumes stay leased to this host." };
        }

        foreach (var (cut, index) in named.Select((cut, index) => (cut, index)))
        {
            var word = cut switch
            {
                { Waiting: { } waiting, Refusal: { } refusal } => $"{waiting.TrimEnd('.')}. It was not cut off: {refusal.Text}",
                { Waiting: { } waiting } => waiting,
                { Refusal: { } refusal } => DriverErrorText.Describe(cut.Row.PoolName, refusal),
                { DoneAt: not null } => "its I/O was cut off, and the process has not ended",
                _ => $"its driver did not answer within {CutPatience.TotalSeconds:0} s",
            };
            var text = $"volume {cut.Row.Volume} on storage pool '{cut.Row.PoolName}' ({cut.Row.Pool}): {word.TrimEnd('.')}.";
            yield return new Condition
            {
                Type = ConditionType.Uninterruptible,
                PoolId = cut.Row.Pool,
                VolumeId = cut.Row.Volume,
                Code = cut.Refusal?.Code,
                Text = index == 0 ? $"{process}. It may still write: its volumes stay leased to this host. It waits for {text}" : $"It may also wait for {text}",
            };
        }
    }

    /// <summary>What was lost with a guest that is gone, for people.</summary>
    private IEnumerable<Condition> CutOff(IReadOnlyList<AttachmentRow> held) => held.Where(row => row.Cut is not null).Select(row => new Condition
    {
        Type = ConditionType.CutOff,
        PoolId = row.Pool,
        VolumeId = row.Volume,
        Text = $"I/O of volume {row.Volume} on storage pool '{row.PoolName}' ({row.Pool}) {(row.Cut!.IsConfirmed ? "was" : "may have been")} cut off to end the guest of machine "
            + $"'{Name}', which could not be killed: what the guest was never told is written is lost.",
    });

    /// <summary>An attachment that is being cut off, and what its driver has said so far.</summary>
    private sealed class Cut(AttachmentRow row)
    {
        public AttachmentRow Row { get; } = row;

        /// <summary>When the driver said that it is cut off; a timestamp.</summary>
        public long? DoneAt { get; set; }

        public DriverError? Refusal { get; set; }

        /// <summary>The driver's word for why it waits.</summary>
        public string? Waiting { get; set; }

        public bool IsAnswered => DoneAt is not null || Refusal is not null;
    }
}
